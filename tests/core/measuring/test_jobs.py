"""One run: planned, trained in a process of its own, and what is said of one that failed."""

import sys

import pytest

from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import Job, RunFailed, Running, plan, train
from quatrefoil.core.measuring.store import Results
from tests.core.measuring.fabricated import HASH
from tests.core.measuring.toys import JOBS, ONE, TABLE, says


def test_a_lost_start_is_trained_again_before_what_starts_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = "f = p.Path(sys.argv[1]); f.mkdir(parents=True); (f / 'metrics.json').write_text('{}')"
    says(monkeypatch, f"import sys, pathlib as p; {finish}")
    job = Job(ONE[1], 0, "f" * 16, start=JOBS[0])
    train(job)
    assert JOBS[0].finished
    assert job.finished


def test_no_run_begins_after_all_were_told_to_end() -> None:
    running = Running()
    running.end()
    with pytest.raises(RunFailed, match="told to end before it began"):
        train(JOBS[0], begin=running.process)


def test_an_unknown_recipe_is_a_failure_that_names_entry_and_recipe() -> None:
    with pytest.raises(RunFailed, match=r"Odd .no/such-recipe"):
        plan(Entry("Odd", "no/such-recipe", "", data_version="v1"), 0, Results())


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
