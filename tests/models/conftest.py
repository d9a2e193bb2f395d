"""Steps of the small recipes on real batches, each made once."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from quatrefoil.core.data import Batch, DataModule, Sample
from quatrefoil.core.data.collate import collate
from quatrefoil.core.data.mixture import plan_of
from quatrefoil.core.data.sampler import Cursor
from quatrefoil.core.recipes import Recipe
from tests.models.small import small


class Case(NamedTuple):
    """A small recipe, its data, and a batch as training has it, whole and sample by sample."""

    recipe: Recipe
    data: DataModule
    batch: Batch
    samples: list[Sample]


@pytest.fixture(scope="package", autouse=True)
def _cache(embedded_cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUATREFOIL_CACHE", str(embedded_cache))
        yield


@pytest.fixture(scope="package")
def cases(_cache: None) -> Callable[[str], Case]:
    """The case of a recipe, by name."""
    return cache(_case)


def _case(name: str) -> Case:
    recipe = small(name, ["data.cache_frames=false"] if "/stage" in name else [])
    data = recipe.data.build(recipe.seed)
    shown = recipe.graph.fields(need for task in recipe.evaluate.values() for need in task.needs)
    drawn = data.train(recipe.train_fields | shown)
    keys = next(iter(plan_of(drawn, recipe.train.batch_size, recipe.seed).starting_at(Cursor())))
    samples = [drawn[key] for key in keys]
    return Case(recipe, data, collate(samples, data.fill), samples)
