"""What the benchmark of real sequences cuts, keeps, computes and does not do twice."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.real_sequences import __main__ as program
from benchmarks.real_sequences.cut import SHARE, K, few_of_each, lay_out, parted
from benchmarks.real_sequences.results import PAIRS, RESULTS, area_interval, collected, uncompared
from benchmarks.real_sequences.runs import (
    ARMS,
    CNN,
    ENCODER,
    ENCODER_LONGER,
    ENCODER_TWIN,
    LOGISTIC,
    MOTIF,
    PLACED,
    PRETRAINED,
    PRETRAINED_LONGER,
    TWIN,
    Run,
    config_hash,
    key_of,
    outdated,
    pretraining_hash,
    pretraining_overrides,
    set_aside,
)
from benchmarks.real_sequences.sets import (
    FEW,
    LONGER,
    OF_ALL,
    OF_GUE,
    PARTS,
    PRETRAININGS,
    SETS,
    WHOLE,
    Cut,
    Few,
    RealSet,
    unseen,
)
from quatrefoil.core import recipes
from quatrefoil.core.evaluation.classification import Predictions, classification_metrics, roc_auc
from quatrefoil.genomics.datasets.labelled.near_duplicates import near_duplicates
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.sequence.codes import LETTERS, Codes, reverse_complement
from quatrefoil.genomics.tables import TextError

STORED = json.loads(RESULTS.read_text(encoding="utf-8"))
CUT = Cut("a file", test=12, validation=6)


def predictions(margins: list[int], targets: list[int]) -> Predictions:
    scores_NK = np.stack([np.zeros(len(margins)), np.array(margins, float)], axis=1)
    names = [str(place) for place in range(len(margins))]
    return Predictions(names, np.array(names), np.array(targets), scores_NK)


def test_the_interval_holds_the_area_and_turns_with_the_scores() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    margins = (2 * targets + rng.integers(-3, 4, 200)).tolist()
    low, high = area_interval(found := predictions(margins, targets.tolist()))
    assert low < 100 * roc_auc(np.array(margins, float), found.targets_N == 1) < high
    turned = area_interval(predictions([-margin for margin in margins], targets.tolist()))
    assert (100 - high, 100 - low) == pytest.approx(turned)


def test_the_interval_of_three_classes_holds_the_mean_of_each_against_each() -> None:
    rng = np.random.default_rng(0)
    targets_N = rng.integers(0, 3, 150)
    scores_NK = 1.5 * np.eye(3)[targets_N] + rng.normal(0, 1, (150, 3))
    names = [str(place) for place in range(150)]
    low, high = area_interval(found := Predictions(names, np.array(names), targets_N, scores_NK))
    assert low < classification_metrics(found)["ROC-AUC-ovo"] < high < low + 15


def records_of(sequences: Sequence[Codes], classes: int) -> list[Record]:
    return [Record(f"a:{row}", f"{row}", codes, str(row % classes)) for row, codes in enumerate(sequences)]


def families(seed: int, number: int) -> list[Codes]:
    """Windows of pieces that share no word: of each piece one to four that do, on either strand."""
    rng = np.random.default_rng(seed)
    pieces = rng.integers(0, 4, (number, 90)).astype(np.uint8)
    windows = [piece[start : start + 60] for piece in pieces for start in rng.integers(0, 30, rng.integers(1, 5))]
    return [reverse_complement(codes) if rng.random() < 0.5 else codes for codes in windows]


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 3))
def test_a_cut_is_whole_by_class_and_parts_no_sequences_that_are_alike(seed: int, classes: int) -> None:
    records = records_of(families(seed, 40), classes)
    parts = parted(records, CUT)
    assert sorted(record.where for part in PARTS for record in parts[part]) == sorted(r.where for r in records)
    for one, other in combinations(PARTS, 2):
        assert not near_duplicates([r.codes for r in parts[one]], [r.codes for r in parts[other]], K, SHARE)
    counts = Counter(record.label for record in records)
    for part, asked in {"test": CUT.test, "validation": CUT.validation}.items():
        # A family may bring sequences of other classes than the one that it is dealt with.
        assert len(parts[part]) <= sum(round(asked * count / len(records)) for count in counts.values())


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_a_cut_is_of_the_sequences_and_not_of_order_names_or_strand(seed: int, random: Any) -> None:
    records = records_of(families(seed, 30), 2)
    other = [Record(r.where, "another name", reverse_complement(r.codes), r.label) for r in records]
    random.shuffle(other)
    cuts = [parted(each, CUT) for each in (records, other)]
    one, two = ({part: sorted(r.where for r in found[part]) for part in PARTS} for found in cuts)
    assert one == two


def test_a_family_for_which_no_held_out_part_has_room_trains() -> None:
    rng = np.random.default_rng(0)
    alone = list(rng.integers(0, 4, (40, 60)).astype(np.uint8))
    long = rng.integers(0, 4, 120).astype(np.uint8)
    chain = [long[start : start + 60] for start in range(0, 60, 5)]  # its ends share no word
    parts = parted([Record(str(row), "", codes, "1") for row, codes in enumerate([*chain, *alone])], Cut("", 8, 4))
    assert {str(row) for row in range(len(chain))} <= {record.where for record in parts["train"]}
    assert (len(parts["test"]), len(parts["validation"])) == (8, 4)


@pytest.mark.parametrize(("test", "validation"), [(40, 0), (1, 1)])
def test_a_cut_that_leaves_a_part_empty_is_refused(test: int, validation: int) -> None:
    records = records_of(list(np.random.default_rng(0).integers(0, 4, (40, 60)).astype(np.uint8)), 8)
    with pytest.raises(TextError, match=r"a file: 40 sequences leave nothing for (train|validation and test)"):
        parted(records, Cut("a file", test, validation))


def published(folder: Path, bound: bool) -> Path:
    """A folder of 60 sequences, with labels or as positives without negatives."""
    (folder / "any").mkdir(parents=True)
    text = "".join(f"{LETTERS[codes].tobytes().decode()}\t{row % (1 + (not bound)) or 1}\n" for row, codes in ROWS)
    (folder / "any/a.tsv").write_text(f"sequence\t{'bound' if bound else 'label'}\n{text}")
    return folder


ROWS = list(enumerate(families(5, 25)))
LAID = RealSet("cut/x/train.tsv", "cut/x/validation.tsv", "cut/x/test.tsv", 100, (), OF_ALL, Cut("any/a.tsv", 10, 5))


@pytest.mark.parametrize("bound", [True, False])
def test_parts_are_read_from_one_folder_as_their_source_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: bool
) -> None:
    monkeypatch.setitem(SETS, "x", LAID)  # type: ignore[arg-type]
    genomics, root = published(tmp_path / "published", bound), tmp_path / "runs/data"
    lay_out(genomics, root, ["x"])
    source = read_labelled(root, "any/a.tsv")
    parts = {part: read_labelled(root, getattr(LAID, part)) for part in PARTS}
    assert {found.only_positives for found in parts.values()} == {source.only_positives} == {bound}
    read = sorted((r.codes.tobytes(), r.label) for found in parts.values() for r in found.records)
    assert read == sorted((r.codes.tobytes(), r.label) for r in source.records)


def test_a_folder_is_laid_out_once_and_of_one_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETS, "x", LAID)  # type: ignore[arg-type]
    first, second = (published(tmp_path / name, bound=False) for name in ("first", "second"))
    root = tmp_path / "data"
    lay_out(first, root, ["x"])
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*.tsv")}
    lay_out(first, root, ["x"])
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.tsv")} == times
    with pytest.raises(ValueError, match=r"any leads to .*first/any, not .*second/any; give another --runs"):
        lay_out(second, root, ["x"])


def test_ucis_splice_sites_are_cut_with_all_classes_on_every_side(shared: Path, tmp_path: Path) -> None:
    found = SETS["splice/uci"]
    lay_out(shared / "data/genomics", tmp_path, ["splice/uci"])
    assert isinstance(found.cut, Cut)
    whole = Counter(record.label for record in read_labelled(tmp_path, found.cut.source).records)
    parts = {part: Counter(r.label for r in read_labelled(tmp_path, getattr(found, part)).records) for part in PARTS}
    assert sum(parts.values(), Counter()) == whole
    for part, asked in {"test": found.cut.test, "validation": found.cut.validation}.items():
        shares = {label: parts[part][label] / count for label, count in whole.items()}
        assert shares == pytest.approx(dict.fromkeys(whole, asked / whole.total()), rel=0.15)


@pytest.mark.parametrize("bound", [False, True])
def test_few_labels_are_of_every_class_as_many_and_of_no_order_name_or_strand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: bool
) -> None:
    monkeypatch.setitem(SETS, "x", LAID)  # type: ignore[arg-type]
    monkeypatch.setitem(SETS, "few/3/x", replace(LAID, train="cut/few/3/x/train.tsv", cut=Few("x", 3)))  # type: ignore[arg-type]
    lay_out(published(tmp_path / "published", bound), tmp_path / "data", ["few/3/x"])
    whole, few = (read_labelled(tmp_path / "data", SETS[name].train) for name in ("x", "few/3/x"))
    counts = Counter(record.label for record in few.records)
    assert (dict(counts), few.only_positives) == (dict.fromkeys({r.label for r in whole.records}, 3), bound)
    other = [Record(r.where, "another name", reverse_complement(r.codes), r.label) for r in reversed(whole.records)]
    kept = few_of_each(other, Few("x", 3))
    assert sorted(reverse_complement(r.codes).tobytes() for r in kept) == sorted(r.codes.tobytes() for r in few.records)


@pytest.mark.parametrize("name", FEW)
def test_few_labels_fill_a_batch_without_one_twice(name: str) -> None:
    """Of two classes at the least; a larger batch is refused when training starts."""
    recipe = recipes.load("genebert/classify-encoder", FEW[name].overrides(300))
    assert isinstance(cut := FEW[name].cut, Few)
    assert recipe.train.batch_size <= 2 * cut.per_class


def test_fewer_labels_than_are_asked_for_are_refused() -> None:
    with pytest.raises(TextError, match="x: fewer than 13 sequences train of class 1 and 2"):
        few_of_each(records_of(families(0, 40)[:37], 3), Few("x", 13))


def test_every_file_that_sets_and_pretrainings_name_is_published_or_cut(shared: Path) -> None:
    root = shared / "data/genomics"
    named = {getattr(found, part) for found in SETS.values() for part in PARTS}
    named |= {found.cut.source for found in SETS.values() if isinstance(found.cut, Cut)}
    named |= {file for pretraining in PRETRAININGS.values() for file in pretraining.sequences}
    cut = {getattr(found, part) for found in WHOLE.values() if found.cut for part in PARTS}
    cut |= {found.train for found in FEW.values()}
    assert all((root / file).exists() for name in named - cut for file in name.split("+"))
    assert not any((root / name).exists() for name in named if name.startswith("cut/"))


def test_no_file_trains_and_selects_or_tests_and_what_pretrains_for_others_is_without_all() -> None:
    held_out = unseen(WHOLE)
    assert len(set(held_out)) == 2 * len(WHOLE)
    assert not set(held_out) & {found.train for found in SETS.values()}
    assert not set(held_out) & {file for each in PRETRAININGS.values() for file in each.sequences}
    for name, each in SETS.items():
        assert {each.validation, each.test} <= set(unseen(PRETRAININGS[each.pretraining].without)), name
        assert {each.validation, each.test} <= set(unseen(PRETRAININGS[OF_ALL].without)), name


@pytest.mark.parametrize("name", SETS)
def test_an_arm_has_the_steps_of_the_set_or_more_of_its_own(name: str) -> None:
    steps = {arm: Run(name, arm, 0).steps for arm in ARMS}
    assert {steps[arm] for arm in (ENCODER, ENCODER_TWIN, LOGISTIC)} == {SETS[name].steps}
    assert {steps[arm] for arm in (PRETRAINED, TWIN, CNN, MOTIF)} == {max(1500, SETS[name].steps)}
    assert steps[PLACED] == max(600, 2 * SETS[name].steps)
    for arm in ARMS:
        told = dict(text.split("=", 1) for text in Run(name, arm, 0).overrides("a"))
        assert (int(told["train.steps"]), 10 * int(told["train.evaluate_every"])) == (steps[arm], steps[arm])


@pytest.mark.parametrize("name", SETS)
def test_arms_from_random_weights_are_different_runs_of_a_set(name: str) -> None:
    runs = [Run(name, arm, 0) for arm in ARMS if arm not in (PRETRAINED, ENCODER)]
    assert len({config_hash(run.recipe, run.overrides("a")) for run in runs}) == len(runs)


def test_stored_rows_are_of_the_runs_that_would_be_made() -> None:
    assert outdated(STORED) == []
    assert all(pretraining_overrides(row["name"]) == row["overrides"] for row in STORED["pretraining"])
    of_gue = {name for name, found in WHOLE.items() if found.pretraining == OF_GUE}
    assert {row["set"] for row in STORED["runs"]} >= of_gue
    folders = [Run(name, arm, 0).folder(Path("a")) for name in SETS for arm in ARMS]
    assert len(set(folders)) == len(folders)
    assert Run("prom/prom_core_tata", PRETRAINED, 1).folder(Path("a")) == Path("a/prom-prom_core_tata-pre-trained-1")


def test_what_is_stored_is_neither_trained_nor_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, trained = tmp_path / "results.json", []
    results.write_text(json.dumps(STORED))
    monkeypatch.setattr(program, "RESULTS", results)
    monkeypatch.setattr(program, "train", lambda recipe, _, folder: trained.append((recipe, folder.name)))
    (tmp_path / "published").mkdir()
    keys = [key_of(row) for row in STORED["runs"] if Run(*key_of(row)).is_stored(STORED["runs"], STORED["pretraining"])]
    new = Run("prom/prom_core_tata", PRETRAINED, 99)
    program.make([*(Run(*key) for key in keys), new], tmp_path / "published", tmp_path / "runs")
    assert trained == [("genebert/sequence-pretrain", OF_GUE), (new.recipe, new.folder(tmp_path).name)]
    assert json.loads(results.read_text()) == STORED


def ended(run: Run, runs: Path, classes: int, right: float) -> None:
    """The folder of a run that tells so large a share right."""
    rng = np.random.default_rng(run.seed)
    targets_N = np.arange(60) % classes
    told_N = np.where(rng.random(60) < right, targets_N, (targets_N + 1) % classes)
    names = [str(row) for row in range(60)]
    folder = run.folder(runs)
    found = Predictions(names, names, targets_N, np.eye(classes)[told_N])
    for split in ("test", "val"):
        (folder / "predictions" / split).mkdir(parents=True)
        found.write(folder / "predictions" / split / "class_logits.jsonl", scores=True)
    scores = {
        "metrics": classification_metrics(found) | {"MCC": 100 * right, "accuracy": 50.0},
        "intervals": {"MCC": [1.0, 2.0], "accuracy": [3.0, 4.0]},
    }
    if run.pretraining:
        pretrained(run.pretraining, runs)
    splits = {"train": {"sequences": 9}, "val": {"sequences": 5}, "test": {"sequences": 60}}
    told = {
        **facts_of_any(folder, run.overrides(runs)),
        "config_hash": config_hash(run.recipe, run.overrides(runs)),
        "recipe": run.recipe,
        "data": {"splits": splits, "fingerprint": "a" * 64},
        "scores": {"val": scores, "test": scores},
    }
    for name in ("config.json", "metrics.json"):
        (folder / name).write_text(json.dumps(told))


def facts_of_any(folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    facts = {"evaluated_step": 5, "train_seconds": 1.5, "parameters": 7, "hardware": "any", "versions": {}}
    return {**facts, "overrides": [*overrides, "data.root=/any", f"run.dir={folder}"]}


def pretrained(name: str, runs: Path) -> None:
    """The folder of a pre-training that has ended."""
    (runs / name).mkdir(exist_ok=True)
    told = {
        **facts_of_any(runs / name, pretraining_overrides(name)),
        "config_hash": pretraining_hash(name),
        "recipe": "genebert/sequence-pretrain",
        "data": {"splits": {}, "dropped": {}, "fingerprint": "b" * 64},
    }
    for file in ("config.json", "metrics.json"):
        (runs / name / file).write_text(json.dumps(told))


def test_new_runs_stand_beside_stored_ones_with_scores_by_their_classes_and_all_differences(tmp_path: Path) -> None:
    new_sets = {"splice/uci": 3, "deepbind/SRF": 2}
    stored = {what: [each for each in STORED[what] if each["set"] not in new_sets] for what in ("runs", "differences")}
    for name, classes in new_sets.items():
        for arm in ARMS:
            ended(
                Run(name, arm, 0),
                tmp_path,
                classes,
                {PRETRAINED: 0.9, PRETRAINED_LONGER: 0.85, ENCODER_LONGER: 0.8, ENCODER: 0.7}.get(arm, 0.5),
            )
    found = collected(tmp_path, STORED | stored)
    new = {key_of(row): row for row in found["runs"] if row["set"] in new_sets}
    assert [row for row in found["runs"] if row["set"] not in new_sets] == stored["runs"]
    assert len(new) == 2 * len(ARMS)
    for (_, arm, _), row in new.items():
        once, longer = {PRETRAINED, ENCODER}, {PRETRAINED_LONGER, ENCODER_LONGER}
        assert row["pretraining"] == (OF_ALL if arm in once else OF_ALL + LONGER if arm in longer else None)
        assert row["test_calibration_error"][0] >= 0
        assert row["test_ROC_AUC_interval"][0] <= row["test_ROC_AUC"] <= row["test_ROC_AUC_interval"][1]
        assert Run(*key_of(row)).is_stored(found["runs"], found["pretraining"])
    differences = [each for each in found["differences"] if each["set"] in new_sets]
    assert len(differences) == 2 * len(PAIRS)
    assert all(each["interval"][0] < each["difference"] < each["interval"][1] for each in differences)
    assert all(each in found["differences"] for each in stored["differences"])


def test_a_row_and_its_difference_fall_with_a_run_that_is_made_anew_otherwise(tmp_path: Path) -> None:
    run = Run("tf/2", ENCODER_TWIN, 0)
    ended(run, tmp_path, 2, 0.5)
    assert collected(tmp_path, STORED) == STORED
    rows = [row | {"config_hash": "1" * 16} if key_of(row) == run.key else row for row in STORED["runs"]]
    found = collected(tmp_path, STORED | {"runs": rows})
    gone = [each for each in STORED["differences"] if each not in found["differences"]]
    assert {(each["set"], each["of"], each["less"]) for each in gone} == {
        (run.set, of, ENCODER_TWIN) for of in (ENCODER, ENCODER_LONGER)
    }
    assert [key_of(row) for row in found["runs"] if row not in STORED["runs"]] == [run.key]


def test_a_row_falls_with_its_pretraining(tmp_path: Path) -> None:
    changed = [row | {"config_hash": "1" * 16} for row in STORED["pretraining"] if row["name"] == OF_GUE]
    kept = [row for row in STORED["pretraining"] if row["name"] != OF_GUE]
    before, after = (outdated(told) for told in (STORED, STORED | {"pretraining": [*changed, *kept]}))
    assert {run.key for run in after if run not in before} == {
        key_of(row) for row in STORED["runs"] if row["pretraining"] == OF_GUE
    }


SRF = Run("deepbind/SRF", CNN, 0)
HASTY = [*SETS[SRF.set].overrides(250), "seed=0"]


def before(folder: Path) -> dict[str, Any]:
    """What was stored of all arms when the CNN had the steps of the others."""
    for arm in ARMS:
        ended(Run(SRF.set, arm, 0), folder, 2, 0.6)
    told = collected(folder, {"runs": [], "pretraining": [], "differences": []})
    hasty = {"overrides": HASTY, "config_hash": "1" * 16}
    told |= {"runs": [row | hasty if key_of(row) == SRF.key else row for row in told["runs"]]}
    return as_stored(told)


def as_stored(told: Any) -> dict[str, Any]:
    """What is read where this was written."""
    read: dict[str, Any] = json.loads(json.dumps(told))
    return read


def asked_for(asked: list[Run], stored: dict[str, Any], runs: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is stored afterwards; training leaves the folder of `SRF`."""
    runs.mkdir(exist_ok=True)
    results = runs / "results.json"
    results.write_text(json.dumps(stored))
    patch.setattr(program, "RESULTS", results)
    patch.setattr(program, "lay_out", lambda *_: None)
    patch.setattr(program, "train", lambda *_: ended(SRF, runs, 2, 0.9))
    program.make(asked, runs, runs)
    return as_stored(json.loads(results.read_text()))


def by_key(told: dict[str, Any]) -> dict[tuple[str, str, int], Any]:
    return {key_of(row): row for row in told["runs"]}


def test_a_row_of_other_steps_is_told_and_made_anew_and_its_folder_is_kept_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = before(tmp_path / "runs")
    hasty = SRF.folder(tmp_path / "runs")
    told = json.loads((hasty / "config.json").read_text()) | {"config_hash": "1" * 16}
    (hasty / "config.json").write_text(json.dumps(told))
    assert not SRF.has_ended(tmp_path / "runs")

    found = asked_for([SRF], stored, tmp_path / "runs", monkeypatch)
    said = capsys.readouterr().out
    assert "deepbind/SRF, one-hot CNN, seed 0: its row is of other settings than now, and is made anew" in said
    assert hasty.with_name(f"{hasty.name}-was-{'1' * 16}").name in said
    assert (tmp_path / "runs" / f"{hasty.name}-was-{'1' * 16}" / "metrics.json").exists()
    assert outdated(found) == uncompared(found) == []
    now, then = by_key(found), by_key(stored)
    assert (now.pop(SRF.key)["test"], then.pop(SRF.key)["test"]) == (90, 60)
    assert now == then
    changed = [(each["of"], each["less"]) for each in found["differences"] if each not in stored["differences"]]
    assert changed == [pair for pair in PAIRS if CNN in pair]

    monkeypatch.setattr(program, "train", lambda *_: pytest.fail("a stored run is trained"))
    program.make([Run(SRF.set, arm, 0) for arm in ARMS], tmp_path, tmp_path / "runs")


def test_a_row_of_other_steps_stays_and_is_told_while_it_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = before(tmp_path / "elsewhere")
    assert asked_for([], stored, tmp_path / "runs", monkeypatch) == stored
    assert "seed 0: its row is of other settings than now, and stays until it is asked for" in capsys.readouterr().out


def test_a_difference_that_falls_and_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked_for([SRF], before(tmp_path / "elsewhere"), tmp_path / "runs", monkeypatch)
    assert [(each["of"], each["less"]) for each in found["differences"]] == [pair for pair in PAIRS if CNN not in pair]
    assert uncompared(found) == sorted((SRF.set, *pair) for pair in PAIRS if CNN in pair)
    assert "deepbind/SRF: pre-trained less one-hot CNN needs the predictions of both" in capsys.readouterr().out


def test_a_run_is_found_where_its_folders_were_moved_to(tmp_path: Path) -> None:
    run = Run("deepbind/SRF", PRETRAINED, 0)
    ended(run, tmp_path / "first", 2, 0.6)
    (tmp_path / "first").rename(tmp_path / "second")
    assert run.has_ended(tmp_path / "second")
    assert set_aside(run.folder(tmp_path / "second"), run.recipe, run.overrides(tmp_path / "second")) is None
    found = collected(tmp_path / "second", {"runs": [], "pretraining": [], "differences": []})
    assert run.is_stored(found["runs"], found["pretraining"])


def test_a_pretraining_of_other_settings_is_neither_kept_nor_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    pretrained(OF_GUE, runs)
    for name in ("config.json", "metrics.json"):
        told = json.loads((runs / OF_GUE / name).read_text()) | {"config_hash": "1" * 16}
        (runs / OF_GUE / name).write_text(json.dumps(told))
    assert collected(runs, STORED)["pretraining"] == STORED["pretraining"]

    trained = []
    monkeypatch.setattr(program, "RESULTS", results := tmp_path / "results.json")
    results.write_text(json.dumps(STORED))
    monkeypatch.setattr(program, "lay_out", lambda *_: None)
    monkeypatch.setattr(program, "train", lambda recipe, _, folder: trained.append((recipe, folder.exists())))
    program.make([Run("prom/prom_core_tata", PRETRAINED, 99)], runs, runs)
    assert trained[0] == ("genebert/sequence-pretrain", False)
    assert f"{OF_GUE}-was-{'1' * 16} now" in capsys.readouterr().out
