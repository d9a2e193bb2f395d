"""Which runs are made, skipped or taken over, and what a failed one leaves behind."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from quatrefoil.core.ending import Preempted
from quatrefoil.core.measuring import launch
from quatrefoil.core.measuring.jobs import Job, order
from quatrefoil.core.measuring.launch import Launch, Made, launcher
from quatrefoil.core.measuring.make import Known, make
from quatrefoil.core.measuring.store import Results, Store
from tests.core.measuring.fabricated import HASH, facts, results, run_folder
from tests.core.measuring.toys import FRAMES, JOBS, ONE, START, TABLE, TUNED, says


def test_what_is_stored_is_neither_trained_nor_read_again(tmp_path: Path, trained: list[Job], here: Launch) -> None:
    store = Store(tmp_path / "store")
    assert make(ONE, store, here) == []
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    for job in JOBS:
        (job.folder / "metrics.json").write_text("no longer JSON")
    assert make(ONE, store, here) == []
    assert sorted(map(str, trained)) == sorted(map(str, JOBS))
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before


def test_a_finished_run_is_taken_over_without_training(tmp_path: Path, trained: list[Job], here: Launch) -> None:
    run_folder(JOBS[1].folder, facts(TABLE, 0, 61.0))
    store = Store(tmp_path / "store")
    assert make(ONE, store, here) == []
    assert trained == JOBS[:1]
    assert {row.value for row in store.read().rows if row.model == "TABLE"} >= {61.0}


def test_a_failed_run_stops_no_other(tmp_path: Path, trained: list[Job], here: Launch) -> None:
    odd = [replace(ONE[0], model="Broken"), replace(ONE[0], model="Odd", recipe="no/such-recipe")]
    failures = [str(failure) for failure in make([*odd, *ONE], Store(tmp_path / "store"), here)]
    assert {job.entry.model for job in trained} == {"Frames only", "TABLE"}
    assert len(failures) == 2
    assert any("out of memory" in said for said in failures)
    assert any("no recipe `no/such-recipe`" in said for said in failures)


def test_what_others_start_from_is_made_first_and_once_even_if_it_is_not_asked_for(
    tmp_path: Path, trained: list[Job], here: Launch
) -> None:
    assert make(TUNED, Store(tmp_path / "store"), here) == []
    first, *later = trained
    assert first.entry == START
    assert {job.entry for job in later} == set(TUNED)
    assert {job.start for job in later} == {first}
    assert all(f"model.pretrained={first.folder}" in job.command for job in later)


def test_one_after_the_other_follows_the_order_of_the_suite(tmp_path: Path, trained: list[Job]) -> None:
    entries = [replace(TUNED[0], seeds=(0, 1)), replace(FRAMES, seeds=(0, 1))]
    with launcher("local", 1) as one:
        make(entries, Store(tmp_path / "store"), one)
    assert [(job.entry, job.seed) for job in trained] == list(order(entries))


def test_what_starts_from_a_run_that_failed_fails_too_and_says_so(
    tmp_path: Path, trained: list[Job], here: Launch
) -> None:
    start = replace(ONE[0], model="Broken")
    failures = make([replace(ONE[1], start=start)], Store(tmp_path / "store"), here)
    assert str(failures[0]) == "out of memory"
    assert "it starts from Broken" in str(failures[1])
    assert trained == []


def test_what_is_stored_is_known_again_though_the_folder_that_it_started_from_is_gone(
    tmp_path: Path, trained: list[Job], here: Launch
) -> None:
    entries, store = TUNED[:1], Store(tmp_path / "store")
    make(entries, store, here)
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    assert make(entries, store, here) == []
    assert len(trained) == 2


@pytest.mark.parametrize(
    "damage", [lambda f: (f / "log.jsonl").unlink(), lambda f: (f / "metrics.json").write_text("{")]
)
def test_a_damaged_run_folder_is_a_failure_of_that_run_alone(
    tmp_path: Path, trained: list[Job], here: Launch, damage: Callable[[Path], object]
) -> None:
    damage(run_folder(JOBS[0].folder, facts(FRAMES, 0, 61.0)))
    store = Store(tmp_path / "store")
    assert len(make(ONE, store, here)) == 1
    assert {row.model for row in store.read().rows} == {"TABLE"}


TOLD = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1]) / "checkpoints"
def save(*_):
    (folder / "step-00000003").mkdir()
    sys.exit(0)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, save)
folder.mkdir(parents=True)
time.sleep(60)
"""
"""A run that waits to be told to end, and takes a moment to save."""


def when_begun(folders: list[Path], number: signal.Signals) -> threading.Thread:
    """A thread that sends this process a signal as soon as runs are made in these folders."""

    def wait() -> None:
        while not all((folder / "checkpoints").exists() for folder in folders):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_makes_runs_and_is_told_to_end_tells_them_waits_until_they_have_saved_and_begins_no_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    one_hash: None,
    number: signal.Signals,
    status: int,
) -> None:
    says(monkeypatch, TOLD)
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.01)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    third = replace(ONE[0], recipe="table/third")
    thread = when_begun([job.folder for job in JOBS], number)
    with launcher("local", 2) as two, pytest.raises(Preempted) as ended:
        make([*ONE, third], Store(tmp_path / "store"), two)
    thread.join()
    assert signal.signal(signal.SIGINT, before) == signal.default_int_handler
    assert ended.value.code == status
    assert all((job.folder / "checkpoints" / "step-00000003").exists() for job in JOBS)
    assert not Job(third, 0, HASH).folder.exists()
    output = capfd.readouterr()
    assert f"{number.name}: the runs under way are told to save" in output.err
    assert output.out.count("ended, saved, step-00000003: ") == 2
    assert "0 of 3 runs are settled; the same command goes on from here" in output.out


def test_a_run_that_is_finished_when_it_is_told_to_end_is_stored(tmp_path: Path, one_hash: None) -> None:
    ends: list[str] = []

    def start(job: Job) -> Made:
        os.kill(os.getpid(), signal.SIGTERM)
        run_folder(job.folder, facts(job.entry, job.seed, 50.0))
        done: Future[None] = Future()
        done.set_result(None)
        return done

    store = Store(tmp_path / "store")
    with pytest.raises(Preempted):
        make(ONE, store, Launch(start, 1, lambda: ends.append("told")))
    assert ends == ["told"]
    assert {row.model for row in store.read().rows} == {ONE[0].model}


def test_runs_of_a_cluster_go_on_when_who_started_them_is_told_to_end(
    tmp_path: Path, one_hash: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(job: Job) -> Made:
        os.kill(os.getpid(), signal.SIGTERM)
        return Future()  # never done

    with pytest.raises(Preempted):
        make(ONE, Store(tmp_path / "store"), Launch(start, 2, None))
    assert f"goes on where it is made: {JOBS[0]}" in capsys.readouterr().out


def test_what_is_skipped_is_read_once_and_what_others_store_meanwhile_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, read, times = Store(tmp_path / "store"), Store.read, list[int]()

    def counted(self: Store) -> Results:
        times.append(1)
        found = read(self)
        if len(times) == 2:  # another process adds while this one reads
            self.add(results(tmp_path / "second", TABLE, 1, 51.0))
        return found

    store.add(results(tmp_path / "first", TABLE, 0, 50.0))
    monkeypatch.setattr(Store, "read", counted)
    known = Known(store)
    assert [len(known.read().runs) for _ in range(3)] == [1, 1, 1]
    assert len(times) == 1
    store.add(results(tmp_path / "again", FRAMES, 0, 50.0))
    assert len(known.read().runs) == 2
    assert len(known.read().runs) == 3
    assert len(times) == 3


def test_a_file_of_the_same_length_is_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    before = store.state
    store.add(results(tmp_path / "first", TABLE, 0, 50.0))
    first = store.state
    store.add(results(tmp_path / "again", TABLE, 0, 60.0))
    assert before != first != store.state
    assert [None if each is None else each[2] for each in first] == [
        None if each is None else each[2] for each in store.state
    ]
