"""Which runs are made, skipped or taken over, and what a failed one leaves behind."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import leaderboard, runner
from benchmarks.leaderboard import Place, make, place_of, run
from benchmarks.runner import Job, RunFailed, draw_gallery, jobs, train
from benchmarks.store import Store
from benchmarks.suites import FRAMES, TABLE, Entry, Suite, suites
from tests.benchmarks.fabricated import HASH, facts, run_folder

JOBS = [Job(FRAMES, 0, HASH), Job(TABLE, 0, HASH)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs are kept in a folder of the test."""
    monkeypatch.setattr(runner, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that were trained; training writes made-up facts, and that of FRAMES fails if its seed is 1."""
    done: list[Job] = []

    def fabricate(job: Job) -> None:
        if (job.entry, job.seed) == (FRAMES, 1):
            raise RunFailed("out of memory")
        done.append(job)
        run_folder(job.folder, facts(job.entry, job.seed, 50.0))

    monkeypatch.setattr(leaderboard, "train", fabricate)
    return done


def says(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Training runs this code instead."""
    monkeypatch.setattr(Job, "command", property(lambda job: [sys.executable, "-c", code, str(job.folder)]))


def test_what_is_stored_is_neither_trained_nor_read_again(tmp_path: Path, trained: list[Job]) -> None:
    store = Store(tmp_path / "store")
    assert make(JOBS, store) == []
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    for job in JOBS:
        (job.folder / "metrics.json").write_text("no longer JSON")
    assert make(JOBS, store) == []
    assert trained == JOBS
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before


def test_a_finished_run_is_taken_over_without_training(tmp_path: Path, trained: list[Job]) -> None:
    run_folder(JOBS[1].folder, facts(TABLE, 0, 61.0))
    store = Store(tmp_path / "store")
    assert make(JOBS, store) == []
    assert trained == JOBS[:1]
    assert {row.value for row in store.read().rows if row.model == "TABLE"} >= {61.0}


def test_a_failed_run_stops_no_other_and_the_status_is_1(
    tmp_path: Path, trained: list[Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = [Job(FRAMES, 1, HASH), RunFailed("no recipe `table/stag`"), *JOBS]
    monkeypatch.setattr(leaderboard, "jobs", lambda suite: iter(planned))
    place = Place(Store(tmp_path / "store"), tmp_path / "L.md", tmp_path / "index.html", [])
    assert run(Suite("any", [], committed=False), place) == 1
    assert trained == JOBS
    assert "| TABLE " in place.leaderboard.read_text()
    said = capsys.readouterr().err
    assert "out of memory" in said
    assert "no recipe `table/stag`" in said


@pytest.mark.parametrize(
    "damage", [lambda f: (f / "log.jsonl").unlink(), lambda f: (f / "metrics.json").write_text("{")]
)
def test_a_damaged_run_folder_is_a_failure_of_that_run_alone(
    tmp_path: Path, trained: list[Job], damage: Callable[[Path], object]
) -> None:
    damage(run_folder(JOBS[0].folder, facts(FRAMES, 0, 61.0)))
    store = Store(tmp_path / "store")
    assert len(make(JOBS, store)) == 1
    assert {row.model for row in store.read().rows} == {"TABLE"}


def test_an_unknown_recipe_is_a_failure_of_that_entry_alone() -> None:
    (failure,) = jobs(Suite("any", [Entry("Odd", "no/such-recipe", (0,), "")], committed=False))
    assert isinstance(failure, RunFailed)
    assert "Odd" in str(failure)
    assert "no/such-recipe" in str(failure)


def test_a_failure_tells_the_command_and_the_last_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "import sys; [print(f'line {i}', file=sys.stderr) for i in range(99)]; sys.exit(3)")
    with pytest.raises(RunFailed) as caught:
        train(JOBS[0])
    text = str(caught.value)
    assert "exit status 3" in text
    assert f"command: {sys.executable}" in text
    assert "line 98" in text
    assert "line 80" not in text


def test_a_run_without_results_is_a_failure_whatever_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "pass")
    with pytest.raises(RunFailed, match="exit status 0"):
        train(JOBS[0])


def test_what_a_run_prints_is_kept_beside_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = "f = p.Path(sys.argv[1]); f.mkdir(); (f / 'metrics.json').write_text('{}')"
    says(monkeypatch, f"import sys, pathlib as p; {finish}; print('done')")
    train(JOBS[0])
    assert JOBS[0].folder.with_name(f"{JOBS[0].folder.name}.log").read_text() == "done\n"


def test_other_seeds_configurations_and_data_versions_are_other_folders() -> None:
    newer = Entry(**{**vars(TABLE), "data_version": "v999"})
    others = [Job(TABLE, 1, HASH), Job(TABLE, 0, "f" * 16), Job(newer, 0, HASH), *JOBS]
    assert len({job.folder for job in others}) == len({job.run for job in others}) == len(others)


def test_all_models_are_run_once_before_any_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_plan", lambda entry, seed: Job(entry, seed, HASH))
    order: list[Any] = [(job.seed, job.entry.model) for job in jobs(suites({})["default"]) if isinstance(job, Job)]
    assert [seed for seed, _ in order] == sorted(seed for seed, _ in order)
    assert len(set(order)) == len(order) == 9


def test_only_default_and_full_write_what_is_committed() -> None:
    committed = {name for name, suite in suites({}).items() if place_of(suite).leaderboard == Path("LEADERBOARD.md")}
    assert committed == {"default", "full"}


def test_real_corpora_are_measured_where_they_lie_and_are_never_called_embedded(tmp_path: Path) -> None:
    (tmp_path / "msvd").mkdir()
    real = [entry for entry in suites({"QUATREFOIL_DATA": str(tmp_path)})["default"].entries if not entry.embedded]
    assert [(entry.recipe, entry.overrides) for entry in real] == [("table/msvd", (f"data.root={tmp_path / 'msvd'}",))]
    with pytest.raises(FileNotFoundError, match="QUATREFOIL_DATA"):
        suites({"QUATREFOIL_DATA": str(tmp_path / "nowhere")})


def test_a_broken_store_ends_with_status_2_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: list[Job]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "demo" / "results" / "rows.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema": 1}) + "\n")
    assert leaderboard.main(["demo"]) == 2
    assert trained == []
    assert "rows.jsonl:1" in capsys.readouterr().err


def test_a_gallery_that_cannot_be_drawn_is_a_failure_in_the_words_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"no data set `stagee` \(did you mean `stage`\?\)"):
        draw_gallery("stagee", tmp_path / "gallery.png")
