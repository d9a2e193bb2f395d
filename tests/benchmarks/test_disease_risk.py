"""The runner of disease risk: rows of the runs that the store knows, one for each, and a run scored from end to end."""

import json
from pathlib import Path

import pytest

from benchmarks.disease_risk import RESULTS, breaking_area, place_of, scored, without
from benchmarks.entries import GENEBERT_ARMS, OPENNESS
from benchmarks.own_process import train
from quatrefoil.core import recipes
from quatrefoil.core.measuring.jobs import Job
from quatrefoil.core.measuring.store import Store
from quatrefoil.genomics.datasets.regulome.make import make
from quatrefoil.genomics.variants.cohort import BOTH, BURDEN, COVARIATES, DEALT

ENTRY = GENEBERT_ARMS[-1].tasks[OPENNESS]


def test_each_stored_row_is_of_a_run_whose_scores_are_stored_and_none_stands_twice() -> None:
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    runs = {(row.recipe, row.config_hash, row.data_version, row.seed) for row in Store(RESULTS.parent).read().rows}
    assert {tuple(row["run"]) for row in rows} <= runs
    assert [place_of(row) for row in rows] == sorted({place_of(row) for row in rows})


def test_a_row_takes_the_place_of_that_of_its_model_and_seed_alone() -> None:
    job = Job(ENTRY, 1, "today")
    rows = [
        {"model": model, "run": ["recipe", "earlier", "v1", seed]}
        for model in (ENTRY.model, "other")
        for seed in (1, 2)
    ]
    assert without(rows, job) == rows[1:]


def test_breaking_variants_are_ranked_by_how_much_they_close_on_held_out_chromosomes_alone(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "variants.tsv").write_text(
        "variant\tbreaking\n" + "".join(f"v{i}\t{i % 2}\n" for i in range(8))
    )
    rows = [("chr8", 0.0), ("chr8", -3.0), ("chr9", 0.5), ("chr9", 2.0), ("chr9", 1.0), ("chr8", -1.0)]
    rows += [("chr1", -9.0), ("chr1", 9.0)]  # where openness was trained
    lines = [f"v{i}\t{chromosome}\t{opens}\n" for i, (chromosome, opens) in enumerate(rows)]
    (effects := tmp_path / "effects.tsv").write_text("variant\tchrom\topen in amber2\n" + "".join(lines))
    area, interval = breaking_area(effects, tmp_path)
    assert area == pytest.approx(100 * 6 / 9)  # of nine pairs the one of v3 has lost three
    assert interval.low <= area <= interval.high


def test_a_run_of_openness_is_scored_beside_its_bounds_from_end_to_end(
    embedded_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setenv("QUATREFOIL_CACHE", str(embedded_cache))
    overrides = ["data.size=tiny", "train.steps=1", "train.batch_size=8"]
    folder = tmp_path / "run"
    train(ENTRY.recipe, overrides, folder)
    monkeypatch.setattr(Job, "folder", folder)
    job = Job(ENTRY, 0, recipes.load(ENTRY.recipe, overrides).config_hash)
    row = scored(job, make("tiny", 0))
    assert row["run"] == list(job.run)
    area = row["ROC_AUC"]
    assert set(area) == set(row["intervals"]) == {BURDEN, DEALT, COVARIATES, BOTH}
    assert area[COVARIATES] > 60  # which shows that people were read
    low, high = row["breaking_interval"]
    assert low <= row["breaking"] <= high
    assert row["gain"] == pytest.approx(area[BOTH] - area[COVARIATES])
