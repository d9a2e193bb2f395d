"""A finished run on the data and by the evaluations of another recipe: zero-shot, where they are new to it."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError
from quatrefoil.core.data import DataConfig
from quatrefoil.core.hardware import hardware
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs.checkpoint import Json
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.runs.stored import read_these, score, stored_recipe
from quatrefoil.core.versions import versions

CHANGED = ("data.", "evaluate.", "run.")
"""What overrides may reach: the rest of the other recipe is not used."""


@runtime_checkable
class ReadsFor(Protocol):
    """Data that can be read with what a saved model brings (its tokeniser), in place of what the recipe names."""

    def read_for(self, model: Path) -> DataConfig:
        """The same data for the model saved in folder `model`."""


def evaluate_on(path: Path, name: str, overrides: Sequence[str] = (), splits: Sequence[str] = ()) -> Json:
    """What metrics.json says of the run `path`, with data and scores of recipe `name` in place of its own.

    Samples are made as `name` makes them (sizes, lengths, protocol), in the tokens of the run.

    Args:
        overrides: of `name`: data.*, evaluate.* or run.*.
        splits: which; none given = all but `train`.

    Raises:
        CheckpointError: no finished run; ConfigError: a wrong recipe, override or split, or data of other tokens;
            ViewError: the model has not the views that are evaluated; ValueError: data of another size.
    """
    run = RunFolder(path)
    facts, folder = run.facts(), run.model
    trained, there = stored_recipe(facts), recipes.load(name, overrides)
    _check_overrides(overrides)
    _check_views(trained, there)
    data = (there.data.read_for(folder) if isinstance(there.data, ReadsFor) else there.data).build(trained.seed)
    model = trained.model.model_type.from_pretrained(folder)
    read_these(model, data, folder)
    scores = score(model, data, there, splits)
    return {
        **facts,
        "evaluated_on": name,
        "data": dict(data.describe()),
        "scores": {split: found.plain() for split, found in scores.items()},
        "hardware": hardware(next(model.parameters()).device),
        "versions": versions(),
        "command": shlex.join(["quatrefoil", "evaluate", str(path), "--on", name, *overrides]),
        "trained_by": facts["command"],
    }


def _check_overrides(overrides: Sequence[str]) -> None:
    if unused := [each for each in overrides if not each.startswith(CHANGED)]:
        raise ConfigError(
            f"{' '.join(unused)} would change nothing: of --on's recipe only {', '.join(CHANGED)} are used"
        )


def _check_views(trained: Recipe, there: Recipe) -> None:
    asked = {f"evaluation `{name}`": evaluation.needs for name, evaluation in there.evaluate.items()}
    trained.graph.check(asked, [*there.data.fields, "id", "group"])
