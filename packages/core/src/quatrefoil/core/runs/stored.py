"""A stored run, evaluated again: in this process, without the training engine."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError, override, restore
from quatrefoil.core.data import DataModule
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import Scores, beside_known, score_splits
from quatrefoil.core.hub import Model, load_weights
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import CheckpointError, Json
from quatrefoil.core.runs.folder import METRICS, RunFolder


def evaluate(path: Path, overrides: Sequence[str] = (), splits: Sequence[str] = ()) -> dict[str, Scores]:
    """Evaluate a finished run folder, or one of its checkpoints, again.

    Args:
        overrides: of where things are, e.g. `data.root=...`, and of what is scored (`evaluate.NAME=off`); not of what
            was trained.
        splits: which; `train` shows what was learned by heart. None given = all but `train`.

    Raises:
        CheckpointError: `path` is neither; ConfigError: an override would change what was trained, there is no such
            split, or the data of a finished run bring other tokens or classes than it was trained with.
    """
    described, weights = read_stored(path)
    recipe = stored_recipe(described, overrides)
    data = recipe.data.build(recipe.seed)
    model = recipe.model.model_type(recipe.model_for(data))  # type: ignore[call-arg]
    load_weights(model, weights)
    if not checkpoint.is_checkpoint(path):
        folder = RunFolder(path).model
        model.assets |= model.read_assets(folder)
        read_these(model, data, folder)
    return score(model, data, recipe, splits)


def read_these(model: Model, data: DataModule, folder: Path) -> None:
    """The model reads the data from now on; what its weights depend on must be as in training.

    Raises:
        ConfigError: an asset of the data that the model in `folder` depends on is another one; ValueError: data that
            the model refuses (`Model.check_data`).
    """
    given = data.assets()
    for name in model.asset_names:
        if not model.reads_alike(name, given.get(name)):
            raise ConfigError(
                f"the data bring another {name} than the model in {folder} was trained with; take data that can be "
                f"read with the model's"
            )
    model.assets |= {name: text for name, text in given.items() if name in model.asset_names}
    model.check_assets()
    model.check_data(data)


def score(model: Model, data: DataModule, recipe: Recipe, splits: Sequence[str]) -> dict[str, Scores]:
    """The evaluations of `recipe` on `splits` of the data (none given = all but `train`), on a GPU if there is one.

    Raises:
        ConfigError: there is no such split.
    """
    if unknown := [split for split in splits if split not in ("train", *data.splits)]:
        raise ConfigError(f"there is no split {unknown[0]!r}; there are train, {', '.join(data.splits)}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = EncodingRun(device, workers=recipe.run.workers, bf16=recipe.train.bf16)
    scores = score_splits(model.to(device), data, recipe.evaluate, splits or data.splits, run)
    return beside_known(scores, data.describe())


def is_stored(path: Path) -> bool:
    """Whether `path` is a finished run folder or a checkpoint."""
    return checkpoint.is_checkpoint(path) or RunFolder(path).finished


def read_stored(path: Path) -> tuple[Json, Mapping[str, Tensor]]:
    """What a run folder or checkpoint says about its run, and the weights to evaluate.

    Raises:
        CheckpointError: `path` is neither.
    """
    if checkpoint.is_checkpoint(path):
        saved = checkpoint.load(path)
        return saved.config, saved.tensors.get("ema", saved.tensors["model"])
    folder = RunFolder(path)
    if folder.finished:
        return json.loads(folder.config.read_text()), load_file(folder.model / "model.safetensors")
    raise CheckpointError(_not_stored(folder))


def _not_stored(folder: RunFolder) -> str:
    """What the path is instead, and what to give."""
    if not folder.path.exists():
        return f"there is no {folder.path}; give a run folder (a run names it in its last line), or a checkpoint in one"
    if newest := checkpoint.newest_valid(folder.checkpoints):
        return f"{folder.path} is a run that has not finished; finish it with resume=auto, or evaluate {newest}"
    return f"{folder.path} is neither a finished run (no {METRICS}) nor a checkpoint (no {checkpoint.MANIFEST})"


def stored_recipe(described: Json, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a run, as it was stored. Raises ConfigError where an override would change what was trained."""
    as_stored: Recipe = restore(recipes.find(described["recipe"]).load()(), described["config"])
    recipe = override(as_stored, overrides)
    # Compared as both are read now: what the run started from may since have moved, which changes nothing here.
    # What is switched off now was scored then, and taught nothing.
    kept = {name: evaluation for name, evaluation in as_stored.evaluate.items() if name in recipe.evaluate}
    if recipe.config_hash != replace(as_stored, evaluate=kept).config_hash:
        raise ConfigError(
            f"this is not what was trained ({described['config_hash']}): {' '.join(overrides)}; change where things "
            f"are (data.root, run.*) and what is scored alone, or train anew. Other data are read by `evaluate RUN "
            f"--on {described['recipe']} data.KEY=VALUE ...`, which names them all"
        )
    return recipe
