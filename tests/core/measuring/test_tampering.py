"""A store of which something was changed is refused, whatever it was; what was honestly stored is read."""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quatrefoil.core.evaluation.retrieval import COLUMNS
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import AS_FOUND, Entry
from quatrefoil.core.measuring.ranges import check_values
from quatrefoil.core.measuring.rows import CPU_PARTS, Curve, Row, RowError
from quatrefoil.core.measuring.run_names import run_name
from quatrefoil.core.measuring.store import Results, Store, lines
from quatrefoil.core.training.spending import Spending
from tests.core.measuring.fabricated import HASH, facts, reseal, resealed, run_folder
from tests.core.measuring.toys import FRAMES, TABLE

Values = dict[str, Any]
RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
BY_KIND = "text-to-video/R@1/action", "text-to-video/R@1/order"
CPU = dict.fromkeys(CPU_PARTS, 2.0)


def results(folder: Path, entry: Entry, seed: int) -> Results:
    """Of a run as it is made, with R@1 over queries of two kinds."""
    told = facts(entry, seed, 50.0)
    told["scores"]["test"]["metrics"] |= dict.fromkeys(BY_KIND, 40.0)
    name = run_name(HASH, entry.data_version, seed)
    settings = [*entry.overrides, f"seed={seed}", f"run.dir=runs/bench/{entry.recipe}/{name}", "resume=auto"]
    command = shlex.join(["quatrefoil", "train", entry.recipe, *settings])
    return collect(
        run_folder(folder / entry.model / name, told | {"command": command, "cpu_seconds": CPU}), entry, HASH, seed
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three runs, two of them of one configuration."""
    found = Store(tmp_path / "store")
    for entry, seed in ((TABLE, 0), (TABLE, 1), (FRAMES, 0)):
        found.add(results(tmp_path, entry, seed))
    return found


def change(store: Store, name: str, how: Callable[[int, Values], Iterator[Values]]) -> None:
    """Write what comes of each line of a file, by its number."""
    path = store.folder / f"{name}.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    left = [each for number, values in enumerate(found, start=1) for each in how(number, values)]
    path.write_text("".join(json.dumps(values) + "\n" for values in left))


def set_so(row: Values, *overrides: str) -> Values:
    """The row of a run that was given these settings."""
    before, seed, after = row["command"].partition(" seed=")
    return {**row, "overrides": overrides, "command": f"{before} {shlex.join(overrides)}{seed}{after}"}


ELSEWHERE = "quatrefoil train toy/frames seed=0 run.dir=runs/bench/toy/frames/"
ONE_LINE = [
    ("rows", {"embedded": False}, "embedded is false and data_version `v1`"),
    ("rows", {"data_version": AS_FOUND}, "embedded is true and data_version `as found`"),
    ("rows", {"embedded": False, "data_version": AS_FOUND}, "its command names 0123456789abcdef-v1-seed0"),
    ("rows", {"value": 250.0}, "R@1 is 250.0, which it cannot be: it lies within 0 .. 100"),
    ("rows", {"value": -40.0}, "R@1 is -40.0"),
    ("rows", {"interval": [48.0, 152.0]}, "R@1 is 152.0"),
    ("rows", {"value": 60.0}, "the value 60.0 of .* lies outside its own interval 48.0 .. 52.0"),
    ("rows", {"metric": "openness/MCC", "value": -101.0, "interval": None}, "within -100 .. 100"),
    ("rows", {"metric": "a-to-b/MedianR", "value": 0.5, "interval": None}, "within 1 .. inf"),
    ("rows", {"config_hash": "a" * 16}, "the folder a{16}-v1-seed0, its command names 0123456789abcdef-v1-seed0"),
    ("rows", {"seed": 7}, "seed is 7, its command has seed=0"),
    ("rows", {"data_version": "v2"}, "data_version is `v2`, and the dataset `stage-v1-default` is not of it"),
    ("rows", {"data_version": "v2", "dataset": "stage-v2-default"}, "the folder 0123456789abcdef-v2-seed0"),
    ("rows", {"command": f"{ELSEWHERE}{HASH}-v1-seed1"}, "its command names 0123456789abcdef-v1-seed1"),
    ("rows", {"command": "quatrefoil train toy/other seed=0"}, "recipe is toy/frames, which its command does not"),
    ("rows", {"command": f"rm -rf / ; {ELSEWHERE}{HASH}-v1-seed0"}, "recipe is toy/frames, which its command does not"),
    ("rows", {"command": f"{ELSEWHERE}{HASH}-v1-seed0 train.steps=9000"}, r"its command has \['train.steps=9000'\]"),
    ("rows", {"command": f"{ELSEWHERE}{HASH}-v1-seed0 'open"}, "No closing quotation"),
    ("rows", {"overrides": ["train.steps=9000"]}, r"overrides are \['train.steps=9000'\], its command has \[\]"),
    ("rows", {"recipe": "toy/other"}, "recipe is toy/other, which its command does not train"),
    ("rows", {"steps": 0}, "steps"),
    ("rows", {"schema": True}, "schema"),
    ("references", {"embedded": False}, "embedded is false"),
    ("references", {"values": {"chance": 250.0}}, "R@1 is 250.0"),
    ("references", {"metric": "MCC", "values": {"chance": -250.0}}, "MCC is -250.0"),
    ("references", {"values": {}}, "values"),
    (
        "references",
        {"protocol": "msrvtt-7k"},
        "computed of stage-v1-default v1, msrvtt-7k, test, of which there is no row",
    ),
    ("curves", {"model": ""}, "model"),
    ("curves", {"config_hash": "latest"}, "config_hash"),
    ("curves", {"seed": -1}, "seed"),
    ("curves", {"data": ""}, "data"),
    ("curves", {"points": {"loss": [[-1, 2.0]]}}, "points.loss"),
    ("curves", {"points": {"loss": [[5, 2.0], [4, 2.0]]}}, "loss goes back in steps"),
    ("curves", {"points": {"val/text-to-video/R@1": [[5, 900.0]]}}, "R@1 is 900.0, which it cannot be"),
    ("costs", {"recipe": ""}, "recipe"),
    ("costs", {"config_hash": "latest"}, "config_hash"),
    ("costs", {"seconds": -1.0}, "seconds"),
    ("costs", {"steps": 0}, "steps"),
    ("costs", {"peak_memory_bytes": -1}, "peak_memory_bytes"),
    ("costs", {"hardware": ""}, "hardware"),
    ("costs", {"cpu_seconds": {"steps": 5.0}}, "cpu_seconds: .*its parts are steps, not steps, scores, data, rest"),
    ("costs", {"cpu_seconds": {**CPU, "more": 5.0}}, "cpu_seconds"),
    ("costs", {"cpu_seconds": {**CPU, "rest": -5.0}}, "cpu_seconds.rest"),
    ("costs", {"steps": 301}, "has steps 301, its rows have 300"),
    ("costs", {"parameters": 2000000}, "has parameters 2000000, its rows have 1500000"),
    ("costs", {"parameters": 5}, "trained_parameters are 1400000 of 5 in all"),
    ("costs", {"seconds": 91.0}, "has seconds 91.0, its rows have 90.0"),
    ("costs", {"hardware": "a GPU"}, "has hardware a GPU, its rows have 2 CPU cores"),
    ("costs", {"config_hash": "a" * 16}, "a{16}, v1, seed 0 has no rows"),
    ("references", {"values": {"chance": 50.0, "frames": 45.0}}, "chance is 50.0, frames is 45.0 and cannot be less"),
    ("rows", {"metric": "MCC", "value": 7.9, "interval": [18.0, 28.0]}, "7.9 of MCC lies outside its own interval"),
]


@pytest.mark.parametrize(("name", "wrong", "said"), ONE_LINE, ids=str)
def test_one_line_that_was_changed_refuses_the_store_by_file_and_line(
    store: Store, name: str, wrong: Values, said: str
) -> None:
    line = 2 if name == "rows" else 1  # the first row is of no recall
    change(store, name, lambda number, values: iter([{**values, **wrong} if number == line else values]))
    with pytest.raises(RowError, match=rf"{name}\.jsonl:{line}: .*{said}.*; (remove|take|correct)"):
        store.read()


def of_seed_1(values: Values, without: Callable[[str], bool]) -> Iterator[Values]:
    if not (values["seed"] == 1 and without(values["metric"])):
        yield values


def renamed(values: Values, metric: str) -> Values:
    return {**values, "metric": f"{metric}0"} if (values["seed"], values["metric"]) == (1, metric) else values


NAMES: list[tuple[str, Callable[[int, Values], Iterator[Values]]]] = [
    ("text-to-video/R@10", lambda _, row: of_seed_1(row, lambda metric: metric == "text-to-video/R@10")),
    (BY_KIND[0], lambda _, row: of_seed_1(row, lambda metric: metric == BY_KIND[0])),
    ("text-to-video/R@100", lambda _, row: iter([renamed(row, "text-to-video/R@10")])),
    ("text-to-video/R@1/action0", lambda _, row: iter([renamed(row, BY_KIND[0])])),
]


@pytest.mark.parametrize(("lacking", "how"), NAMES, ids=["gone", "part gone", "renamed", "part renamed"])
def test_runs_of_one_configuration_have_metrics_of_the_same_names(
    store: Store, lacking: str, how: Callable[[int, Values], Iterator[Values]]
) -> None:
    change(store, "rows", how)
    with pytest.raises(RowError, match=rf"rows\.jsonl:\d+: TABLE, seed ., test has no {lacking}, .*jsonl:\d+ has it"):
        store.read()


OF_A_CONFIGURATION: list[tuple[Values, str]] = [
    ({"steps": 150}, "has steps 150, .* has 300 and is of the same configuration"),
    ({"parameters": 5}, "has parameters 5, .* has 1500000 and is of the same configuration and data"),
    ({"interval": None}, "has no interval, .* has an interval and is of the same configuration"),
]


@pytest.mark.parametrize(("wrong", "said"), OF_A_CONFIGURATION, ids=str)
def test_seeds_of_one_configuration_are_trained_and_scored_alike(store: Store, wrong: Values, said: str) -> None:
    (store.folder / "costs.jsonl").unlink()
    of_seed = lambda row: (row["model"], row["seed"]) == (TABLE.model, 1)  # noqa: E731
    only = lambda row: wrong.keys() != {"interval"} or row["metric"] == "text-to-video/R@1"  # noqa: E731
    change(store, "rows", lambda _, row: iter([{**row, **wrong} if of_seed(row) and only(row) else row]))
    with pytest.raises(RowError, match=rf"rows\.jsonl:\d+: TABLE, seed 1, test, .*{said}.*; take all lines"):
        store.read()


def test_seeds_of_one_configuration_may_spell_their_settings_otherwise(store: Store) -> None:
    def otherwise(row: Values) -> Values:
        start = f"model.pretrained=runs/a/fedcba9876543210-v1-seed{row['seed']}"
        return set_so(row, start, "train.batch_size=8", *["train.accumulate=2"] * row["seed"])

    change(store, "rows", lambda _, row: iter([otherwise(row)]))
    reseal(store.folder)
    assert len(store.read().rows) == 15


def test_more_candidates_find_no_less(store: Store) -> None:
    less = {"metric": "text-to-video/R@10", "value": 49.0}
    change(store, "rows", lambda _, row: iter([{**row, **less} if row["metric"] == less["metric"] else row]))
    with pytest.raises(RowError, match=r"R@1 is 50.0, text-to-video/R@10 of the same run is 49.0 .* cannot be less"):
        store.read()


def test_a_curve_ends_with_its_run(store: Store) -> None:
    change(store, "curves", lambda _, curve: iter([{**curve, "points": {"loss": [[1, 4.0], [301, 2.0]]}}]))
    with pytest.raises(RowError, match=r"rows\.jsonl:\d+: .* has steps 300, its curve has a point at 301; take"):
        store.read()


def test_the_parts_of_a_metric_may_be_missing_all_together(store: Store) -> None:
    change(store, "rows", lambda _, row: of_seed_1(row, lambda metric: metric in BY_KIND))
    reseal(store.folder)
    assert len(store.read().rows) == 13


def test_runs_that_were_asked_for_other_scores_may_have_others(tmp_path: Path, store: Store) -> None:
    asked = results(tmp_path, replace(TABLE, overrides=("evaluate.retrieval.also_within=[50]",)), 2)
    more = replace(asked.rows[0], metric="text-to-video/R@50", value=60.0, interval=None)
    store.add(resealed(replace(asked, rows=[*asked.rows, more])))
    assert more in store.read().rows


def test_what_stands_beside_rows_of_made_data_is_of_the_same_data(tmp_path: Path, store: Store) -> None:
    def moved(number: int, row: Values) -> Iterator[Values]:
        yield {**row, "data_hash": "e" * 64} if row["model"] == FRAMES.model else row

    change(store, "rows", moved)
    with pytest.raises(RowError, match=r"rows\.jsonl:\d+: .* has data_hash .* of the same protocol and split"):
        store.read()
    change(store, "rows", lambda number, row: iter([set_so(next(moved(number, row)), "data.segment=9")]))
    with pytest.raises(RowError, match="data_hash"):
        store.read()  # all have this setting, so all are of one sample


def test_settings_of_the_data_may_choose_other_samples(tmp_path: Path, store: Store) -> None:
    found = results(tmp_path, replace(FRAMES, recipe="toy/long", overrides=("data.segment=9",)), 1)
    store.add(resealed(replace(found, rows=[replace(row, data_hash="e" * 64) for row in found.rows])))
    assert {row.data_hash[0] for row in store.read().rows} == {"d", "e"}


UNSEEN: list[tuple[str, Callable[[int, Values], Iterator[Values]]]] = [
    ("rows", lambda _, row: iter([{**row, "value": row["value"] + 0.4} if row["interval"] else row])),
    ("rows", lambda _, row: iter([{**row, "commit": "another"}])),
    ("rows", lambda _, row: iter([row] if row["model"] == FRAMES.model or row["metric"] not in BY_KIND else [])),
    ("rows", lambda number, row: iter([row] if number > 1 else [])),
    ("curves", lambda _, curve: iter([{**curve, "points": {}}])),
    ("curves", lambda _, curve: iter([{**curve, "data": "e" * 64}])),
    ("curves", lambda _, curve: iter([{**curve, "bounds": []}])),
    ("curves", lambda _, curve: iter([{**curve, "seal": "0" * 64}])),
    ("costs", lambda _, cost: iter([{**cost, "peak_memory_bytes": 2 * cost["peak_memory_bytes"]}])),
    ("costs", lambda number, cost: iter([cost] if number > 1 else [])),
]
UNSEEN_NAMES = ["value", "commit", "kinds", "one row", "points", "data", "bounds", "seal", "memory", "one cost"]


@pytest.mark.parametrize(("name", "how"), UNSEEN, ids=UNSEEN_NAMES)
def test_what_contradicts_nothing_is_refused_where_it_is_not_what_was_stored(
    store: Store, name: str, how: Callable[[int, Values], Iterator[Values]]
) -> None:
    change(store, name, how)
    with pytest.raises(RowError, match=r"rows\.jsonl:\d+: .*, seed \d: its rows, curve or cost are not as they were"):
        store.read()
    reseal(store.folder)
    store.read()


@pytest.mark.parametrize("by", [0.5, -0.05])
def test_a_bound_that_is_not_what_was_computed_is_refused(store: Store, by: float) -> None:
    moved = change_bounds(store, by)
    with pytest.raises(
        RowError, match=r"references\.jsonl:1: the bounds of text-to-video/R@1, .* are not as they were"
    ):
        store.read()
    reseal(store.folder)
    assert store.read().references[0].values == moved


def change_bounds(store: Store, by: float) -> dict[str, float]:
    """Of each but of chance, by so many points; those of the first."""
    first = store.read().references[0].values
    moved = {name: value + by * (name != "chance") for name, value in first.items()}
    change(store, "references", lambda _, each: iter([{**each, "values": moved}]))
    return moved


def test_rows_of_a_split_that_were_taken_out_are_missed(tmp_path: Path) -> None:
    told = facts(TABLE, 0, 50.0)
    told["scores"]["val"] = told["scores"]["test"]
    told["data"]["splits"]["val"] = {**told["data"]["splits"]["test"], "fingerprint": "e" * 64}
    store = Store(tmp_path / "store")
    store.add(collect(run_folder(tmp_path / "run", told), TABLE, HASH, 0))
    assert {row.split for row in store.read().rows} == {"test", "val"}
    (store.folder / "references.jsonl").unlink()
    change(store, "rows", lambda _, row: iter([row] if row["split"] == "val" else []))
    with pytest.raises(RowError, match="one was changed, added or taken out"):
        store.read()


def test_a_run_that_has_rows_has_a_curve(store: Store) -> None:
    change(store, "curves", lambda number, values: iter([values] if number > 1 else []))
    with pytest.raises(RowError, match=r"rows\.jsonl:\d+: Frames only, seed 0, .* no curve is stored; take all lines"):
        store.read()


def test_all_rows_of_a_run_that_were_taken_out_are_missed(store: Store) -> None:
    (store.folder / "costs.jsonl").unlink()
    change(store, "rows", lambda _, row: iter([row] if row["model"] == TABLE.model else []))
    reseal(store.folder)
    with pytest.raises(RowError, match=r"Frames only, \w{16}, seed 0 has a curve and no rows; take all lines"):
        store.read()


def test_what_runs_cost_need_not_be_known(store: Store) -> None:
    (store.folder / "costs.jsonl").unlink()
    reseal(store.folder)
    assert {row.model for row in store.read().rows} == {TABLE.model, FRAMES.model}


def test_bounds_that_were_taken_out_are_missed(store: Store) -> None:
    path = store.folder / "references.jsonl"
    kept = path.read_text()
    for less in (lambda: path.write_text(""), path.unlink):
        less()
        with pytest.raises(
            RowError, match=r"has no bounds of text-to-video/R@1, msrvtt-1kA, test, which \w+.* computed"
        ):
            store.read()
        path.write_text(kept)
    store.read()


def test_a_mean_over_classes_may_lie_above_all_of_its_resamples(store: Store) -> None:
    odd = {"metric": "macro-recall", "value": 90.2, "interval": [68.2, 87.7]}
    change(store, "rows", lambda _, row: iter([{**row, **odd}] if row["metric"] == "text-to-video/R@1" else []))
    reseal(store.folder)
    assert {row.value for row in store.read().rows} == {90.2}


def test_rows_of_another_protocol_on_data_that_have_bounds_are_refused_where_all_of_a_recipe_say_so(
    store: Store,
) -> None:
    for changed in ({"protocol": "another"}, {"dataset": "other-v1-default"}):
        change(store, "rows", lambda _, row: iter([{**row, **changed} if row["model"] == FRAMES.model else row]))  # noqa: B023
        with pytest.raises(
            RowError, match=r"is of .*, which has no bounds, on the data of stage-v1-default, msrvtt-1kA, which"
        ):
            store.read()


@pytest.mark.parametrize("found", [False, True])
def test_seeds_of_one_configuration_have_learned_from_the_same(store: Store, found: bool) -> None:
    moved = {"data": "e" * 64}
    if found:
        real = {"embedded": False, "data_version": AS_FOUND}
        for name in ("rows", "curves", "costs"):
            mine = real if name == "rows" else {"data_version": AS_FOUND}
            change(store, name, lambda _, each: iter([{**each, **mine}]))  # noqa: B023
        change(store, "rows", lambda _, row: iter([{**row, "command": row["command"].replace("-v1-", "-")}]))
        (store.folder / "references.jsonl").unlink()
        reseal(store.folder)
        assert len(store.read().rows) == 15
    change(store, "curves", lambda _, each: iter([{**each, **moved} if each["seed"] == 1 else each]))
    with pytest.raises(
        RowError, match=r"rows\.jsonl:\d+: TABLE, seed 1, .*curve is of data e{64}, that of seed 0 of d"
    ):
        store.read()


@pytest.mark.parametrize("metric", ["text-to-video/R@1", "text-to-video/dual_softmax/R@1"])
@pytest.mark.parametrize("setting", ["evaluate.retrieval.dual_softmax=5.0", "evaluate.retrieval.one.view=tags"])
def test_seeds_of_one_model_that_are_scored_otherwise_are_refused(store: Store, metric: str, setting: str) -> None:
    def scored(row: Values) -> Values:
        (first, second) = ("evaluate.retrieval.dual_softmax=0.01", setting)
        name = {"metric": metric} if row["metric"] == "text-to-video/R@1" else {}
        return {**set_so(row, second if row["seed"] else first), **name}

    whole = lambda row: row["metric"] in ("text-to-video/R@1", "text-to-video/MedianR")  # noqa: E731
    change(store, "rows", lambda _, row: iter([scored(row)] if whole(row) else []))
    if "one.view" in setting or "softmax" in metric:
        with pytest.raises(RowError, match=r"is scored with .*evaluate.*; call what is scored otherwise by another"):
            store.read()
    else:
        reseal(store.folder)
        assert {row.metric for row in store.read().rows} == {metric, "text-to-video/MedianR"}


def test_a_command_without_a_run_folder_tells_nothing_of_the_configuration(store: Store) -> None:
    change(
        store,
        "rows",
        lambda _, row: iter(
            [{**row, "command": f"quatrefoil train {row['recipe']} run.dir=runs/my seed={row['seed']}"}]
        ),
    )
    reseal(store.folder)
    assert len(store.read().rows) == 15


def test_what_contradicts_its_own_rows_is_not_added(tmp_path: Path, store: Store) -> None:
    new, before = results(tmp_path, FRAMES, 1), (store.folder / "rows.jsonl").read_bytes()
    for wrong, said in (
        (replace(new, curves=list[Curve]()), f"{ELSEWHERE}.*no curve is stored"),
        (replace(new, costs=[replace(new.costs[0], steps=5)]), "stored or new: toy/frames, .* has steps 5"),
        (replace(new, rows=list[Row](new.rows[1:])), "has no text-to-video/R@1"),
    ):
        with pytest.raises(RowError, match=said.replace("seed=0", "seed=1")):
            store.add(wrong)
        assert (store.folder / "rows.jsonl").read_bytes() == before


@pytest.mark.parametrize(("by", "refused"), [(5.0, True), (-0.02, True), (0.001, False)])
def test_a_bound_that_a_new_run_computes_otherwise_is_not_replaced(
    tmp_path: Path, store: Store, by: float, refused: bool
) -> None:
    change_bounds(store, by)
    reseal(store.folder)
    before = (store.folder / "references.jsonl").read_text()
    new = results(tmp_path, FRAMES, 1)
    if refused:
        with pytest.raises(
            RowError, match=r"is stored as .*, a new run computed .*; if the stored one is wrong, bring"
        ):
            store.add(new)
        assert (store.folder / "references.jsonl").read_text() == before
    else:
        store.add(new)
        assert len(store.read().runs) == 4


@pytest.mark.parametrize("column", COLUMNS)
def test_ranks_start_at_1_and_recalls_end_at_100(column: str) -> None:
    check_values(f"a-to-b/{column}", 1.0, 100.0)
    with pytest.raises(ValueError, match="cannot be"):
        check_values(f"a-to-b/{column}", 100.5 if column.startswith("R@") else 0.5)


def test_rounding_takes_no_score_out_of_its_range() -> None:
    check_values("AUPR", 100.00000000000001, -1e-13)


def test_the_parts_of_cpu_time_are_those_that_runs_tell() -> None:
    assert tuple(Spending().told()) == CPU_PARTS


@pytest.mark.parametrize(
    "folder", [RESULTS, *sorted((RESULTS / "ablations").iterdir())], ids=lambda folder: folder.name
)
def test_what_the_repository_stores_is_read_and_is_in_canonical_order(folder: Path) -> None:
    found = Store(folder).read()
    assert found.rows
    assert (folder / "rows.jsonl").read_text() == lines(sorted(found.rows, key=lambda row: row.key))
