"""The toy in the place of every recipe."""

from collections.abc import Sequence

import pytest

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError
from quatrefoil.core.recipes import Recipe
from tests.core.toy import toy_recipe


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """`toy` is a recipe, and no other name is."""

    def load(name: str, overrides: Sequence[str] = ()) -> Recipe:
        if name != "toy":
            raise ConfigError(f"no recipe `{name}`")
        return toy_recipe(overrides)

    monkeypatch.setattr(recipes, "load", load)
