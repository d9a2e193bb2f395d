"""What may be stored, and what is refused."""

import json
import math
import shlex
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from quatrefoil.core.measuring.agreement import check_agreement
from quatrefoil.core.measuring.collect import MOST_POINTS, collect, thin
from quatrefoil.core.measuring.entries import AS_FOUND
from quatrefoil.core.measuring.rows import Reference, Row, RowError, parse, portable, to_line
from quatrefoil.core.measuring.store import Results, Store, lines, read
from tests.core.measuring.fabricated import HASH, REFERENCE, facts, resealed, results, run_folder
from tests.core.measuring.toys import FRAMES, TABLE


@pytest.fixture
def row(tmp_path: Path) -> Row:
    return results(tmp_path, TABLE, 0, 50.0).rows[0]


def test_a_row_survives_storing(row: Row, tmp_path: Path) -> None:
    odd = replace(row, model="two\u2028lines of Ünicode")
    (tmp_path / "rows.jsonl").write_text(lines([row, odd]), encoding="utf-8")
    assert read(tmp_path / "rows.jsonl", Row) == [row, odd]


@pytest.mark.parametrize("name", [f.name for f in fields(Row)])
def test_a_row_without_any_one_field_is_refused_by_file_and_line(row: Row, name: str, tmp_path: Path) -> None:
    values = json.loads(to_line(row))
    del values[name]
    path = tmp_path / "rows.jsonl"
    path.write_text(to_line(row) + json.dumps(values) + "\n")
    with pytest.raises(RowError, match=rf"rows\.jsonl:2: .*{name}"):
        read(path, Row)


def test_no_row_names_a_folder_of_the_machine_that_made_it(tmp_path: Path) -> None:
    roots = {"/disk/my data/msvd": "$MSVD_ROOT", "/data/MSR-VTT/": "$MSR_VTT_ROOT", "data/msvd": "data/msvd"}
    for number, (root, name) in enumerate(roots.items()):
        entry = replace(TABLE, overrides=(f"data.root={root}", "train.steps=5"))
        command = f"quatrefoil train {TABLE.recipe} data.root={root} train.steps=5 seed=0 run.dir=runs/a"
        told = facts(entry, 0, 50.0) | {"command": command}
        row = collect(run_folder(tmp_path / str(number), told), entry, HASH, 0).rows[0]
        assert row.overrides == (f"data.root={name}", "train.steps=5")
        assert row.command == f"quatrefoil train {TABLE.recipe} data.root={name} train.steps=5 seed=0 run.dir=runs/a"
        assert parse(Row, to_line(row), "here") == row


def test_a_command_quoted_for_a_shell_is_portable_as_a_plain_one_is() -> None:
    settings = ["data.root=/disk/my data/msvd", "data.shorten=['a b']", "run.dir=/runs/it's", "seed=0"]
    told = portable(shlex.join(["quatrefoil", "train", "table/msvd", *settings]))
    kept = shlex.quote(settings[1])
    assert told == f"quatrefoil train table/msvd data.root=$MSVD_ROOT {kept} run.dir=$IT_S_ROOT seed=0"
    assert portable(told) == told


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": 2},
        {"schema": True},
        {"schema": 1.0},
        {"steps": 0},
        {"recipe": "toy/tab"},
        {"unknown": 1},
        {"value": math.nan},
        {"value": math.inf},
        {"value": "50"},
        {"seed": 0.5},
        {"interval": [1.0]},
        {"interval": [1.0, math.nan]},
        {"embedded": "yes"},
        {"provenance": "guessed"},
        {"data_hash": "d" * 63},
        {"config_hash": "latest"},
        {"seed": -1},
        {"command": ""},
        {"versions": {}},
        {"interval": [52.0, 48.0]},
    ],
    ids=str,
)
def test_wrong_fields_are_refused(row: Row, wrong: dict[str, Any]) -> None:
    name = next(iter(wrong))
    with pytest.raises(RowError, match=rf"here:7: .*{name}"):
        parse(Row, json.dumps({**json.loads(to_line(row)), **wrong}), "here:7")


@pytest.mark.parametrize("key", ["value", "python"])
def test_a_key_that_stands_twice_in_a_line_is_refused_at_any_depth(row: Row, key: str) -> None:
    line = to_line(row)
    for said in (line, line.replace(f'"{key}":', f'"{key}": 0, "{key}":')):
        twice = said.count(f'"{key}":') == 2
        with pytest.raises(RowError, match=f"here:7: {key} stands there twice") if twice else nullcontext():
            parse(Row, said.replace(f'"{key}": 0', f'"{key}": ' + ("0.0" if key == "value" else '"3"')), "here:7")


def test_two_lines_of_one_key_are_refused(row: Row, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(to_line(row) * 2)
    with pytest.raises(RowError, match=r"rows\.jsonl:2: .*same key"):
        read(tmp_path / "rows.jsonl", Row)


OF_A_RUN = {
    "config_hash": "a" * 16,
    "protocol": "msrvtt-7k",
    "data_hash": "e" * 64,
    "steps": 301,
    "commit": "def",
    "dataset": "stage-v1-tiny",
}


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_row_that_is_unlike_the_others_of_its_run_is_refused_with_the_store(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store")
    store.add(results(tmp_path, TABLE, 0, 50.0))
    path = store.folder / "rows.jsonl"
    first, *others = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*others, json.dumps({**json.loads(first), name: OF_A_RUN[name]}) + "\n"]))
    with pytest.raises(
        RowError, match=rf"rows\.jsonl:{len(others) + 1}: TABLE, seed ., .* has {name} .*jsonl:1 has .*out"
    ):
        store.read()


@pytest.mark.parametrize("change", [{"protocol": "msrvtt-7k"}, {"data_hash": "e" * 64}], ids=str)
def test_seeds_of_one_configuration_on_other_data_are_refused_where_the_data_are_made(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    seeds = [results(tmp_path, TABLE, seed, 50.0).rows for seed in (0, 1)]
    moved = [*seeds[0], *(replace(row, **change) for row in seeds[1])]
    with pytest.raises(RowError, match=f"line 2: TABLE, seed 1, .* has {next(iter(change))} "):
        check_agreement([moved[0], moved[-1]], lambda number: f"line {number + 1}")
    real = [replace(row, embedded=False, data_version=AS_FOUND) for row in moved]
    check_agreement(real, str)  # two copies of a corpus may differ: their scores stand in tables of their own


def test_a_bound_that_was_computed_from_other_data_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(results(tmp_path, TABLE, 0, 50.0))
    path = store.folder / "references.jsonl"
    path.write_text(json.dumps({**json.loads(path.read_text()), "data_hash": "e" * 64}) + "\n")
    with pytest.raises(RowError, match=r"references\.jsonl:1: computed of data eeee.*, all rows are of dddd"):
        store.read()


def test_a_file_that_is_no_text_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(RowError, match=r"rows\.jsonl is damaged"):
        Store(tmp_path).read()
    (tmp_path / "rows.jsonl").write_bytes(b"")
    assert Store(tmp_path).read() == Results()


def test_what_contradicts_the_store_is_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(results(tmp_path, TABLE, 0, 50.0))
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    with pytest.raises(RowError, match="another seed; take all lines"):
        store.add(results(tmp_path, TABLE, 1, 50.0, data_hash="e" * 64))
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before


def test_a_run_that_is_made_again_leaves_no_row_of_the_first(tmp_path: Path) -> None:
    store, again = Store(tmp_path / "store"), results(tmp_path, TABLE, 0, 60.0)
    store.add(results(tmp_path / "before", TABLE, 0, 50.0))
    store.add(resealed(replace(again, rows=again.rows[:1])))
    assert store.read().rows == again.rows[:1]


def test_rows_tell_what_the_run_told(tmp_path: Path) -> None:
    found = results(tmp_path, TABLE, 1, 50.0)
    by_metric = {row.metric: row for row in found.rows}
    recall = by_metric["text-to-video/R@1"]
    assert (recall.value, recall.interval, recall.seed, recall.wall_seconds) == (50.0, (48.0, 52.0), 1, 90.0)
    assert (recall.commit, recall.versions, recall.embedded) == ("abc", {"python": "3.11"}, True)
    assert by_metric["text-to-video/MedianR"].interval is None
    assert [(r.metric, r.values) for r in found.references] == [("text-to-video/R@1", REFERENCE)]
    assert found.curves[0].points == {"loss": [(step, 4.0 / step) for step in range(1, 6)]}


@pytest.mark.parametrize("name", ["config_hash", "seed", "scores", "parameters", "data", "versions"])
def test_a_run_that_lacks_a_fact_is_refused_by_name(tmp_path: Path, name: str) -> None:
    told = facts(TABLE, 0, 50.0)
    del told[name]
    with pytest.raises(RowError, match=f"metrics.json lacks '{name}'"):
        collect(run_folder(tmp_path / "run", told), TABLE, HASH, 0)


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", facts(TABLE, 0, 50.0))
    with pytest.raises(RowError, match="seed 0, not of"):
        collect(folder, TABLE, HASH, 1)


@pytest.mark.parametrize("embedded", [True, False])
def test_a_run_whose_data_are_not_what_the_suite_says_is_refused(tmp_path: Path, embedded: bool) -> None:
    told = facts(TABLE, 0, 50.0)
    told["data"]["embedded"] = not embedded
    entry = replace(TABLE, data_version="v1" if embedded else AS_FOUND)
    with pytest.raises(RowError, match="embedded"):
        collect(run_folder(tmp_path / "run", told), entry, HASH, 0)


def test_a_score_that_is_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"metrics\.json: .*value.*finite"):
        results(tmp_path, TABLE, 0, math.nan)


def test_storing_replaces_by_key_and_the_order_of_storing_leaves_no_trace(tmp_path: Path) -> None:
    parts = [results(tmp_path, entry, seed, 40.0 + seed) for entry in (TABLE, FRAMES) for seed in (1, 0)]
    forward, backward = Store(tmp_path / "forward"), Store(tmp_path / "backward")
    for part, reverse in zip(parts, reversed(parts), strict=True):
        forward.add(part)
        backward.add(reverse)
    forward.add(parts[0])
    for name in ("rows", "references", "curves"):
        path = f"{name}.jsonl"
        assert (forward.folder / path).read_bytes() == (backward.folder / path).read_bytes()
    assert len(forward.read().rows) == sum(len(part.rows) for part in parts)


def test_a_newer_run_of_a_model_takes_the_place_of_the_older_with_its_curve(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(results(tmp_path / "old", TABLE, 0, 40.0))
    told = {**facts(TABLE, 0, 60.0), "config_hash": "f" * 16}
    store.add(collect(run_folder(tmp_path / "new", told), TABLE, "f" * 16, 0))
    found = store.read()
    assert {row.config_hash for row in found.rows} == {"f" * 16}
    assert [curve.config_hash for curve in found.curves] == ["f" * 16]


def test_an_empty_store_reads_as_no_results(tmp_path: Path) -> None:
    assert Store(tmp_path / "nothing").read() == Results()


@pytest.mark.parametrize("count", [1, 59, 60, 61, 1000])
def test_thinned_curves_keep_both_ends_and_the_order(count: int) -> None:
    points = [(step, float(step)) for step in range(count)]
    kept = thin(points)
    assert len(kept) == min(count, MOST_POINTS)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert kept == sorted(set(kept))


def test_references_are_never_rows(row: Row) -> None:
    with pytest.raises(RowError):
        parse(Reference, to_line(row), "here")


@pytest.mark.parametrize("lacking", ["seal", "bounds"])
def test_a_store_without_seals_is_told_to_be_older(tmp_path: Path, lacking: str) -> None:
    store = Store(tmp_path / "store")
    store.add(results(tmp_path, TABLE, 0, 50.0))
    path = store.folder / "curves.jsonl"
    told = json.loads(path.read_text())
    del told[lacking]
    path.write_text(json.dumps(told) + "\n")
    with pytest.raises(RowError, match=rf"curves.jsonl:1: .*{lacking}: .*this store is older .* move rows"):
        store.read()


def test_whole_numbers_in_a_log_are_sealed_as_they_are_read_again(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", facts(TABLE, 0, 50.0))
    (folder / "log.jsonl").write_text('{"step": 1, "loss": 2}\n{"step": 2, "loss": 1}\n')
    store = Store(tmp_path / "store")
    store.add(collect(folder, TABLE, HASH, 0))
    assert store.read().curves[0].points == {"loss": [(1, 2.0), (2, 1.0)]}
