"""The small recipes of all models, at tiny sizes on the tiny benchmarks: what the suite asks of every model."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from quatrefoil.core import recipes
from quatrefoil.core.config import override
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.engine import start_engine
from quatrefoil.core.training.run import Run
from quatrefoil.video_text.encoders.unified import mae_transformer
from quatrefoil.video_text.models.clover_sizes import small_clover
from quatrefoil.video_text.recipes.table import small_towers

SIDE, VOCABULARY = 48, 1024
TINY = ("data.size=tiny", "train.batch_size=6", "train.log_every=1", "run.progress=false", "run.workers=0")
CLIPS = (*TINY, f"data.transform.size={SIDE}", "data.frames.frames=4")
_TOWERS = small_towers(VOCABULARY, image_size=SIDE, patch_size=24, width=32)
_PARTS = {"vision": _TOWERS.vision, "text": _TOWERS.text}
_SEQUENCE = TransformerConfig(width=32, layers=2, heads=2)


def _table(model: Any) -> Any:
    return replace(model, **_PARTS, guide_layers=1, joint_layers=1)


def _frames(model: Any) -> Any:
    return replace(model, **_PARTS)


def _clover(model: Any) -> Any:
    return small_clover(VOCABULARY, image_size=SIDE, patch_size=12, width=32)


def _vlsa(model: Any) -> Any:
    sizes = {
        "image_size": SIDE,
        "frames": 4,
        "encoder": mae_transformer(32, 2, 4),
        "decoder": mae_transformer(16, 1, 4),
    }
    return replace(model, **sizes)


def _genebert(model: Any) -> Any:
    swin = replace(model.regions.swin, width=8, depths=(2, 2), heads=(1, 2), window=(4, 4), patch=(4, 4))
    return replace(model, transformer=_SEQUENCE, regions=replace(model.regions, grid=(64, 8), swin=swin))


def _sequence(model: Any) -> Any:
    return replace(model, encoder=replace(model.encoder, transformer=_SEQUENCE))


def _cnn(model: Any) -> Any:
    return replace(model, width=16)


Sizes = tuple[Callable[[Any], Any], tuple[str, ...]]
REGIONS = (*TINY, "data.segment=40", "data.regions=8")
RECIPES: Mapping[str, Sizes] = {
    "table/stage": (_table, CLIPS),
    "clover/stage-pretrain": (_clover, CLIPS),
    "vlsa/stage-pretrain": (_vlsa, CLIPS),
    "genebert/regulome-pretrain": (_genebert, REGIONS),
}
"""The pre-training of each of the four models."""
OTHERS: Mapping[str, Sizes] = {
    "table/stage-frames": (_frames, CLIPS),
    "genebert/regulome-splice": (_sequence, TINY),
    "genebert/regulome-splice-cnn": (_cnn, TINY),
}
SHORT = ("train.evaluate_every=0", "train.checkpoint_every=0", "train.select=none")


def everywhere(config: Any, **values: Any) -> Any:
    """The configuration with these fields set in each dataclass within it that has them."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        return config
    parts = {f.name: everywhere(getattr(config, f.name), **values) for f in fields(config) if f.init}
    return replace(config, **parts | {name: value for name, value in values.items() if name in parts})


def small(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """Recipe `name` at its tiny size, trained without evaluation, with overrides."""
    sizes, settings = {**RECIPES, **OTHERS}[name]
    recipe = recipes.load(name)
    recipe = override(replace(recipe, model=sizes(recipe.model)), [*settings, *SHORT, *overrides])
    recipe.check()
    return recipe


def small_run(recipe: Recipe) -> Run:
    """Train a small recipe as `quatrefoil train` trains one, without the evaluation at its end."""
    run = Run("small", recipe, [], start_engine(recipe.train, recipe.run))
    run.fit()
    return run
