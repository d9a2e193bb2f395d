"""A recipe in words: the graph of its views, who needs what, its parameters, and every key with its value."""

import json
from collections.abc import Sequence
from typing import Any

import torch

from quatrefoil.core import recipes
from quatrefoil.core.config import to_plain
from quatrefoil.core.recipes import Recipe


def describe(name: str, overrides: Sequence[str] = ()) -> str:
    """Recipe `name` as text. The model is built without memory (on the meta device), at any size."""
    recipe = recipes.load(name, overrides)
    return "\n\n".join(
        [f"# {name} (configuration {recipe.config_hash})", _graph(recipe), _parameters(recipe), _settings(recipe)]
    )


def _graph(recipe: Recipe) -> str:
    graph = recipe.graph
    asked = {name: objective.needs for name, objective in recipe.objectives.items()}
    asked |= {f"{name} (evaluation)": task.needs for name, task in recipe.evaluate.items()}
    used = graph.order(need for needs in asked.values() for need in needs)
    lines = ["## Views, each after what it needs"]
    lines += [f"{view:20} <- {', '.join(graph.needs[view]) or 'parameters alone'}" for view in used]
    lines += ["", f"fields of the batch: {', '.join(sorted(recipe.train_fields))}"]
    lines += [
        f"not computed: {', '.join(sorted(set(graph.needs) - set(used))) or 'nothing'}",
        "",
        "## Objectives and evaluations",
    ]
    lines += [f"{name:20} <- {', '.join(needs)}" for name, needs in asked.items()]
    return "\n".join(lines)


def _parameters(recipe: Recipe) -> str:
    with torch.device("meta"):
        model = recipe.model.model_type(recipe.model)  # type: ignore[call-arg]
    total = sum(p.numel() for p in model.parameters())
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    lines = [f"{name:20} {count:>14,}" for name, count in parts.items()]
    return "\n".join(["## Parameters", *lines, f"{'in all':20} {total:>14,}"])


def _settings(recipe: Recipe) -> str:
    return "\n".join(["## Every key, as it can be set", *_keys(to_plain(recipe))])


def _keys(plain: Any, path: str = "") -> list[str]:
    """`dotted.key=value` for every leaf."""
    if not isinstance(plain, dict):
        return [f"{path}={plain if isinstance(plain, str) else json.dumps(plain)}"]
    return [
        line
        for key, value in plain.items()
        if key != "_type"
        for line in _keys(value, f"{path}.{key}" if path else key)
    ]
