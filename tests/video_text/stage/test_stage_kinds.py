"""Scores on Stage broken down by what twins differ in, beside the bounds of the same kinds."""

import json
from pathlib import Path

import pytest
import torch

from quatrefoil.core import recipes
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import metric_names, score_splits
from quatrefoil.video_text.datasets.stage.twins import TWINS


@pytest.fixture(autouse=True)
def cache(embedded_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(embedded_cache))


def test_a_run_tells_its_recall_for_every_kind_of_twins_beside_its_bounds() -> None:
    recipe = recipes.load("table/stage-frames", ["data.size=tiny"])
    data = recipe.data.build(0)
    torch.manual_seed(0)
    model = recipe.model_for(data).build()
    scores = score_splits(model, data, recipe.evaluate, ["val", "test"], EncodingRun(torch.device("cpu")))
    assert list(scores["val"].metrics) == metric_names(recipe.evaluate)
    whole = metric_names(recipe.evaluate)[0]
    parts = {metric for metric in scores["test"].metrics if metric.startswith(f"{whole}/")}
    assert parts == {f"{whole}/{kind}" for kind in TWINS}
    assert parts <= scores["test"].intervals.keys() & data.describe()["reference"]["test"].keys()


def test_bounds_of_what_is_heard_are_told_for_every_kind_of_twins() -> None:
    told = recipes.load("vlsa/stage-text-audio", ["data.size=tiny"]).data.build(0).describe()["reference"]["test"]
    kinds = [told[f"text-to-audio/R@1/{kind}"] for kind in TWINS]
    assert all(each.keys() == {"chance", "sound"} for each in kinds)
    assert max(kinds, key=lambda each: each["sound"]) == told["text-to-audio/R@1/sound"]


def test_kinds_are_those_of_the_clips_in_the_order_of_the_split() -> None:
    data = recipes.load("table/stage-frames", ["data.size=tiny"]).data.build(0)
    with (data.files.root / "facts.jsonl").open() as lines:  # type: ignore[attr-defined]  # Stage's
        told = {clip["video_id"]: clip["twin"] for clip in map(json.loads, lines)}
    kinds = data.kinds("test")  # type: ignore[attr-defined]  # Stage's
    assert [kinds[place] for place in sorted(kinds)] == [told[clip.id] for clip in data.split("test").clips]  # type: ignore[attr-defined]
    assert data.kinds("val") == {}  # type: ignore[attr-defined]
