"""A store that several processes use at once."""

import multiprocessing
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from quatrefoil.core.files import locked
from quatrefoil.core.measuring import store as module
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.store import Results, Store
from tests.core.measuring.adding import add_each
from tests.core.measuring.fabricated import results
from tests.core.measuring.toys import TABLE

RUNS = 10


def test_no_run_is_lost_where_two_processes_add_at_once(tmp_path: Path) -> None:
    entries = [replace(TABLE, model=f"of process {number}", recipe=f"toy/{number}") for number in range(2)]
    made = [[results(tmp_path, entry, seed, 50.0) for seed in range(RUNS)] for entry in entries]
    store, spawned = Store(tmp_path / "store"), multiprocessing.get_context("spawn")
    all_here = spawned.Barrier(len(made))
    crew = [spawned.Process(target=add_each, args=(store.folder, each, all_here)) for each in made]
    for process in crew:
        process.start()
    for process in crew:
        process.join()
    assert [process.exitcode for process in crew] == [0, 0]
    found = store.read()
    assert len(found.runs) == len(found.curves) == len(found.costs) == 2 * RUNS
    assert {path.suffix for path in store.folder.iterdir()} == {".jsonl"}


def test_who_reads_between_the_files_of_who_adds_reads_again_when_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, new = Store(tmp_path / "store"), results(tmp_path, TABLE, 0, 50.0)
    part_written, read = threading.Event(), list[Results]()

    def slowly(path: Path, text: str) -> None:
        path.write_text(text)
        if path.name == "references.jsonl":  # of rows that are yet to come
            part_written.set()
            reader.join(0.2)

    def once() -> None:
        part_written.wait(60)
        read.append(store.read())

    reader = threading.Thread(target=once, daemon=True)
    monkeypatch.setattr(module, "replace_text", slowly)
    reader.start()
    store.add(new)
    reader.join()
    assert [found.rows for found in read] == [sorted(new.rows, key=lambda row: row.key)]


def test_a_broken_store_where_nothing_may_be_written_is_told_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    with locked(tmp_path / "rows.jsonl"), pytest.raises(RowError, match=r"rows\.jsonl:1"):
        Store(tmp_path).read()


def test_a_store_that_has_lost_its_rows_is_told_to_have(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(results(tmp_path, TABLE, 0, 50.0))
    (store.folder / "rows.jsonl").unlink()
    with pytest.raises(RowError, match=r"rows.jsonl is not there, what lies beside it is; bring it back"):
        store.read()
