"""A run on the data of another recipe keeps its weights and its name, and takes data and evaluations from there."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from quatrefoil.core import recipes
from quatrefoil.core.config import ConfigError
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.runs.checkpoint import CheckpointError
from quatrefoil.core.runs.elsewhere import evaluate_on
from quatrefoil.core.runs.stored import evaluate
from quatrefoil.core.views import ViewError
from tests.core.toy import toy_recipe, toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "run"
    toy_run([f"run.dir={folder}", "train.steps=3", "seed=2"])
    return folder


@pytest.fixture(autouse=True)
def _toy_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, overrides: Sequence[str] = ()) -> Recipe:
        return toy_recipe(list(overrides))

    entry = type("Entry", (), {"load": staticmethod(lambda: toy_recipe)})
    monkeypatch.setattr(recipes, "find", lambda name: entry)
    monkeypatch.setattr(recipes, "load", load)


def test_on_its_own_recipe_a_run_scores_as_it_did(run: Path) -> None:
    stored, again = json.loads((run / "metrics.json").read_text()), evaluate_on(run, "toy")
    assert again["scores"].keys() == stored["scores"].keys()
    for split, scores in stored["scores"].items():
        assert again["scores"][split]["metrics"] == scores["metrics"]
        assert again["scores"][split]["ranks"] == scores["ranks"]
    told = ("recipe", "config_hash", "seed", "steps", "evaluated_step", "parameters", "data")
    assert {name: again[name] for name in told} == {name: stored[name] for name in told}
    assert (again["evaluated_on"], again["trained_by"]) == ("toy", stored["command"])


def test_data_and_splits_are_those_of_the_other_recipe(run: Path) -> None:
    facts = evaluate_on(run, "toy", ["data.count=20"], ["val"])
    assert list(facts["scores"]) == ["val"]
    assert facts["data"] == dict(toy_recipe(["data.count=20"]).data.build(2).describe())
    assert facts["command"] == f"quatrefoil evaluate {run} --on toy data.count=20"
    assert facts["config_hash"] == toy_recipe(["train.steps=3"]).config_hash
    assert (
        evaluate(run, splits=["val"])["val"].metrics
        == evaluate_on(run, "toy", splits=["val"])["scores"]["val"]["metrics"]
    )


def test_what_cannot_be_evaluated_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"train\.steps=4 would change nothing"):
        evaluate_on(run, "toy", ["train.steps=4"])
    with pytest.raises(ConfigError, match="no split 'tset'"):
        evaluate_on(run, "toy", splits=["tset"])
    with pytest.raises(CheckpointError, match="no finished run"):
        evaluate_on(tmp_path, "toy")


def test_an_evaluation_of_views_that_the_model_lacks_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = toy_recipe([])
    monkeypatch.setattr(type(next(iter(there.evaluate.values()))), "needs", ("sound",))
    with pytest.raises(ViewError, match="asks for `sound`"):
        evaluate_on(run, "toy")
