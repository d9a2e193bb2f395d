"""A stored run of a model with sound, and some clips for it to look at.

Legend: B clips, D width, R S rows and columns of a picture of sound.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from quatrefoil.core.config import ConfigError
from quatrefoil.core.data import Batch, SampleKey
from quatrefoil.core.data.collate import collate
from quatrefoil.core.hub import load_weights
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs.stored import read_stored, stored_recipe
from quatrefoil.core.views import graph_of
from quatrefoil.video_text.datasets.corpus import SplitName
from quatrefoil.video_text.datasets.sound_data import SoundData, SoundModule
from quatrefoil.video_text.models.vlsa import Vlsa


class Looked(NamedTuple):
    """A model, what it was trained for, and clips with their first captions, one window of sound each."""

    model: Vlsa
    recipe: Recipe
    batch: Batch
    captions: tuple[str, ...]


def look(run: Path, overrides: Sequence[str], split: str, clips: int, views: Iterable[str]) -> Looked:
    """The model of a run folder or checkpoint, and a batch from which `views` can be computed.

    Clips are evenly spaced over the split and read as in tests; what is hidden of them is drawn as ever. Of each clip
    the middle window of sound is taken. Of a corpus of sound alone there are no frames: this is printed, and the batch
    has no field of theirs.

    Raises:
        CheckpointError: `run` is neither; ConfigError: it is no run of VLSA, or an override would change what was
            trained; CorpusError: there is no such split; ValueError: less than one clip; MediaError: a clip that cannot
            be read.
    """
    described, weights = read_stored(run)
    recipe = stored_recipe(described, overrides)
    if not isinstance(recipe.data, SoundData) or not issubclass(recipe.model.model_type, Vlsa):
        raise ConfigError(
            f"{run} is a run of {described['recipe']}, which has no sound to draw; give a run of vlsa/..."
        )
    data = replace(recipe.data, windows=1).build(recipe.seed)
    model = recipe.model.model_type(recipe.model_for(data))  # type: ignore[arg-type]  # it is that model's own
    load_weights(model, weights)
    model.assets = dict(data.assets())
    batch, captions = _batch(data, split, clips, graph_of(model).fields(_given(model, views, data)))
    return Looked(model.eval(), recipe, batch, captions)


def _given(model: Vlsa, views: Iterable[str], data: SoundModule) -> list[str]:
    """The views that the corpus can give."""
    if data.corpus.holds == "video":
        return list(views)
    print(f"{data.corpus.name} holds sound and no frames: no frames are drawn")
    return [view for view in views if "frames" not in graph_of(model).fields([view])]


def _batch(data: SoundModule, split: str, clips: int, fields: frozenset[str]) -> tuple[Batch, tuple[str, ...]]:
    if clips < 1:
        raise ValueError(f"cannot draw {clips} clips; take at least 1")
    items = data.to_look_at(split, fields)
    texts = data.split(cast(SplitName, split)).texts
    chosen = np.unique(np.linspace(0, len(texts.first_C1) - 2, clips).round().astype(int))
    firsts = [int(texts.first_C1[clip]) for clip in chosen]
    batch = collate([items[SampleKey(0, first)] for first in firsts], data.fill)
    return batch, tuple(texts.texts[first] for first in firsts)
