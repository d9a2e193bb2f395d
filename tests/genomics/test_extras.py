"""A module of an extra that is not there is told with the extra; any other is as it was."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from quatrefoil.genomics.extras import EXTRA, extras

PROJECT = Path(__file__).parents[2] / "packages/genomics/pyproject.toml"


@pytest.mark.parametrize("module", EXTRA)
def test_a_module_that_is_not_installed_is_told_with_its_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    wanted = rf"needs {module}: pip install 'quatrefoil-genomics\[{EXTRA[module]}\]'"
    with pytest.raises(ValueError, match=wanted), extras():
        importlib.import_module(module)


def test_a_module_of_no_extra_stays_the_error_that_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"), extras():
        importlib.import_module("nowhere_at_all")


WITHOUT = """
import sys
from importlib.metadata import entry_points
from quatrefoil.genomics.extras import EXTRA
sys.modules.update(dict.fromkeys(EXTRA))
ours = [entry for entry in entry_points(group="quatrefoil.recipes") if "genomics" in entry.value]
print(len([entry.load()().model.build for entry in ours]))
"""


def test_every_recipe_is_there_without_any_extra() -> None:
    """In a process of its own: here the modules are loaded already."""
    found = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    recipes = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]["quatrefoil.recipes"]
    assert int(found.stdout) == len(recipes)


def test_the_extras_are_those_of_the_package() -> None:
    assert set(EXTRA.values()) <= set(tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"])
