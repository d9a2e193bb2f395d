"""A recipe in words: the graph of its views, who needs what, its parameters, its work, and every key with its value."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from quatrefoil.core import recipes
from quatrefoil.core.config import leaves, to_plain
from quatrefoil.core.data.collate import first_batch
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.objectives import Step
from quatrefoil.core.recipes import Recipe

_ROWS = 4  # enough to see every objective at work, few enough for any CPU


def describe(name: str, overrides: Sequence[str] = (), *, flops: bool = False) -> str:
    """Recipe `name` as text. The model is built without memory (on the meta device), at any size.

    Args:
        flops: count the work of a step too, on a few samples; for that the data are opened and the model is made.
    """
    recipe = recipes.load(name, overrides)
    parts = [f"# {name} (configuration {recipe.config_hash})", _graph(recipe), _parameters(recipe)]
    return "\n\n".join([*parts, *([_work(recipe)] if flops else []), _settings(recipe)])


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


def _work(recipe: Recipe) -> str:
    size = recipe.train.batch_size
    counted = count_flops(recipe, rows=min(_ROWS, size))
    forward = sum(counted.forward.values())
    lines = [
        "## FLOPs of a step (matrix products and convolutions; a multiplication and an addition are two)",
        f"{'forward, backward':20} {counted.total:>14.4g}  on a batch of {counted.rows}, counted",
        f"{'':20} {counted.total / counted.rows * size:>14.4g}  on a batch of {size}, by proportion",
        *(f"{name:20} {flops / forward:>14.1%}  of the forward pass" for name, flops in counted.forward.items()),
    ]
    return "\n".join(lines)


class Flops(NamedTuple):
    """Floating-point operations of one step on `rows` samples.

    Attributes:
        total: forward and backward.
        forward: of each part of the model, in the forward pass (torch's counter lays backward at the wrong door where
            the input of a part needs no gradient).
    """

    rows: int
    total: int
    forward: Mapping[str, int]


def count_flops(recipe: Recipe, rows: int) -> Flops:
    """The work of one training step on the first samples of the data, counted while it is done, on the CPU.

    Longer samples are more work, and contrast grows with the square of the batch: other batches differ from proportion.
    """
    data = recipe.data.build(recipe.seed)
    model = recipe.model.model_type(recipe.model_for(data))  # type: ignore[call-arg]
    model.assets |= data.assets()
    model.check_assets()
    samples = data.train(recipe.train_fields)
    plan = plan_of(samples, recipe.train.batch_size, recipe.seed)
    batch = first_batch(samples, plan, data.fill, rows)
    # torch counts no fused attention of CPUs; its plain form is the same products.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss = Step(model, recipe.objectives, recipe.seed)(batch, 0)["loss"]
        forward = {name: sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
        loss.backward()
    parts = {name: forward.get(f"Step.model.{name}", 0) for name, _ in model.named_children()}
    return Flops(len(batch["id"]), counter.get_total_flops(), {name: n for name, n in parts.items() if n})


def _settings(recipe: Recipe) -> str:
    return "\n".join(["## Every key, as it can be set", *_keys(to_plain(recipe))])


def _keys(plain: Any) -> list[str]:
    """`dotted.key=value` for every leaf."""
    return [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in leaves(plain).items()
        if key.rpartition(".")[2] != "_type"
    ]
