"""Suites: what is measured, how it is ordered and planned, and how the command that measures it ends."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import corpora, leaderboard
from benchmarks.beside import draw_gallery
from benchmarks.claims import CLAIMS
from benchmarks.corpora import MEASURED, SHORT, on_real_corpora
from benchmarks.entries import CLOVER, CLOVER_ARMS, GENEBERT, OPENNESS, TABLE, VLSA, VLSA_ARMS, Arm
from benchmarks.leaderboard import Place, place_of, run
from benchmarks.suites import Suite, claimed, suites
from quatrefoil.core.installed import names
from quatrefoil.core.measuring import launch
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import ONE_SEED, THREE_SEEDS, Entry
from quatrefoil.core.measuring.jobs import Job, RunFailed, lineage, order, plan
from quatrefoil.core.measuring.launch import launcher
from quatrefoil.core.measuring.store import Results, Store
from quatrefoil.core.recipes import load
from tests.core.measuring.fabricated import facts, run_folder


def finished(entry: Entry) -> Job:
    """A run of an entry as training leaves it, under the configuration that it is planned with."""
    job = plan(entry, 0, Results())
    run_folder(job.folder, {**facts(entry, 0, 50.0), "config_hash": job.config_hash})
    return job


def test_a_failed_run_stops_no_other_and_the_status_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = TABLE.with_seeds(ONE_SEED)
    finished(entry)
    place = Place(Store(tmp_path / "store"), tmp_path / "L.md", tmp_path / "index.html", None, [])
    with launcher("local", 1) as one:
        odd = replace(entry, model="Odd", recipe="no/such-recipe")
        assert run(Suite("any", [odd, entry], committed=False), place, one) == 1
    assert "| TABLE " in place.leaderboard.read_text()
    assert "no recipe `no/such-recipe`" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["default", "clover", "vlsa", "claims"])
def test_all_models_are_run_once_before_any_is_run_again(name: str) -> None:
    nodes = list(order(suites()[name].entries))
    assert [seed for _, seed in nodes] == sorted(seed for _, seed in nodes)
    assert len({(entry.model, entry.recipe, seed) for entry, seed in nodes}) == len(nodes)


@pytest.mark.parametrize(
    "entry",
    [CLOVER.tasks["retrieval"], VLSA.tasks["text-video retrieval"], GENEBERT.tasks[OPENNESS]],
    ids=lambda each: each.model,
)
def test_what_starts_from_a_run_is_planned_as_the_configuration_that_it_will_have(tmp_path: Path, entry: Entry) -> None:
    assert entry.start is not None
    begun, store = finished(entry.start), Store(tmp_path / "store")
    store.add(collect(begun.folder, entry.start, begun.config_hash, 0))
    planned = plan(entry, 0, store.read())
    assert planned.config_hash == load(entry.recipe, planned.overrides).config_hash


@pytest.mark.parametrize("arm", [*CLOVER_ARMS, *VLSA_ARMS], ids=lambda arm: arm.tasks[min(arm.tasks)].model)
def test_all_tasks_of_an_arm_start_from_its_own_pre_training(arm: Arm) -> None:
    as_is = {entry for task, entry in arm.tasks.items() if task.startswith("zero-shot")}
    tuned = {entry.start for task, entry in arm.tasks.items() if not task.startswith("zero-shot")}
    assert len(tuned) == 1
    assert as_is <= tuned
    assert (tuned == {None}) == all("no pre-training" in entry.model for entry in arm.tasks.values())


def test_all_that_claims_ask_for_is_in_the_full_suite_and_nothing_is_made_twice() -> None:
    full = suites()["full"].entries
    assert {node for entry in claimed(CLAIMS) for node in runs_of(entry)} <= {n for e in full for n in runs_of(e)}
    assert len({entry.with_seeds(()) for entry in full}) == len(full)


def runs_of(entry: Entry) -> set[tuple[Entry, int]]:
    return {(entry.with_seeds(()), seed) for seed in entry.seeds}


def test_only_quick_and_demo_keep_their_results_to_themselves() -> None:
    committed = {name for name, suite in suites().items() if place_of(suite).leaderboard == Path("LEADERBOARD.md")}
    assert committed == suites().keys() - {"quick", "demo"}


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits of which every corpus has clips."""
    splits = ["val", "test"]
    monkeypatch.setattr(corpora, "_scored", lambda entry: splits)
    return splits


def test_real_corpora_are_measured_where_they_lie_and_are_never_called_embedded(
    tmp_path: Path, scored: list[str]
) -> None:
    (tmp_path / "msvd").mkdir()
    (tmp_path / "something-else").mkdir()
    environment = {"QUATREFOIL_DATA": str(tmp_path)}
    for gpu, recipes in (
        (True, {"table/msvd", "table/msvd-frames", "table/msvd-brute-force", "clover/msvd-small"}),
        (False, {"table/msvd-small", "table/msvd-small-frames", "clover/msvd-small"}),
    ):
        real, left_out = on_real_corpora(environment, gpu)
        assert {entry.recipe for entry in real} == recipes
        assert {entry.overrides[0] for entry in real} == {f"data.root={tmp_path / 'msvd'}"}
        assert all((entry.overrides[1:] == SHORT) == ("small" in entry.model) for entry in real)
        assert len(real) + len(left_out) == len(MEASURED["msvd"]) + 1
        for name, seeds in (("default", ONE_SEED), ("full", THREE_SEEDS)):
            on_corpora = [each for each in suites()[name].with_corpora(environment).entries if not each.embedded]
            assert "Clover, small" in {entry.model for entry in on_corpora}
            assert {tuple(entry.seeds) for entry in on_corpora} == {seeds}
    assert not any(entry.embedded for entry in real)
    brute, asked, unknown = left_out  # of the last: there is no GPU
    assert brute.startswith(
        f"not measured: Brute force (table/msvd-brute-force) on {tmp_path / 'msvd'}: it takes a GPU"
    )
    assert asked == f"not measured: Clover (clover/msvd-qa) on {tmp_path / 'msvd'}: there is no test_qa.json"
    assert unknown.startswith(f"not measured: {tmp_path / 'something-else'}, which is called none of msrvtt, msvd")


def test_what_cannot_be_scored_is_not_measured_and_what_cannot_be_tested_is_told(
    tmp_path: Path, scored: list[str]
) -> None:
    (tmp_path / "fsdd").mkdir()
    environment, vlsa = {"QUATREFOIL_DATA": str(tmp_path)}, f"VLSA (vlsa/fsdd) on {tmp_path / 'fsdd'}"
    scored[:] = ["val"]
    real, told = on_real_corpora(environment, gpu=False)
    assert [entry.recipe for entry in real] == ["vlsa/fsdd"]
    assert told == [f"not tested: {vlsa}: no clip of its test is there; validation is stored and not shown"]
    scored.clear()
    real, told = on_real_corpora(environment, gpu=False)
    assert (real, told) == ([], [f"not measured: {vlsa}: no clip that it is validated or tested on is there"])


def test_a_corpus_whose_annotations_are_not_there_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "didemo").mkdir()
    real, (told,) = on_real_corpora({"QUATREFOIL_DATA": str(tmp_path)}, gpu=False)
    assert real == []
    assert "didemo: " in told
    assert "train_data.json" in told


def test_questions_are_measured_where_a_copy_of_a_corpus_has_them(tmp_path: Path, scored: list[str]) -> None:
    (tmp_path / "tgif/annotation").mkdir(parents=True)
    (tmp_path / "tgif/annotation/Test_action_question.csv").touch()
    real, left_out = on_real_corpora({"QUATREFOIL_DATA": str(tmp_path)}, gpu=False)
    assert [(entry.model, entry.recipe) for entry in real] == [("Clover, small", "clover/tgif-action-small")]
    assert [said.rpartition(" ")[2] for said in left_out] == [
        "Test_transition_question.csv",
        "Test_frameqa_question.csv",
    ]


def gue(root: Path, **halves: tuple[str, ...]) -> Path:
    """Sets with these halves, of ten sequences each."""
    rng = np.random.default_rng(0)
    for name, each in halves.items():
        folder = root / name.replace("__", "/")
        folder.mkdir(parents=True)
        for half in each:
            drawn = ("".join(rng.choice(list("ACGT"), 60)) for _ in range(10))
            rows = "".join(f"{sequence},{row % 2}\n" for row, sequence in enumerate(drawn))
            (folder / f"{half}.csv").write_text(f"sequence,label\n{rows}")
    return root


HALVES = ("train", "dev", "test")


def test_sets_of_sequences_are_measured_whole_after_a_pretraining_that_sees_no_half_that_selects_or_tests(
    tmp_path: Path,
) -> None:
    root = gue(
        tmp_path / "gue", GUE__prom__a=HALVES, prom__x=HALVES, tf__0=HALVES, tf__1=("train", "dev"), virus=HALVES
    )
    (root / "prom/x/train.csv").write_text("sequence,label\n")
    (root / "test.csv").write_text("sequence,label\nACGTACGT,1\n")
    real, left_out = on_real_corpora({"QUATREFOIL_DATA": str(tmp_path)}, gpu=False)
    unknown = "which is in none of prom/, splice/, tf/, mouse/, EMP/, so that it is not known whether a strand means"
    assert [said.removesuffix(" something") for said in left_out] == [
        f"not measured: {root}, which has no sequences in train.csv, dev.csv",
        f"not measured: {root / 'prom/x'}, which has no sequences in train.csv",
        f"not measured: {root / 'tf/1'}, which has no sequences in test.csv",
        f"not measured: {root / 'virus'}, {unknown}",
    ]
    assert len(real) == len({(entry.model, entry.overrides) for entry in real}) == 2 * 5
    assert not any(entry.embedded for entry in real)
    for entry in real:
        settings = load(entry.recipe, [*entry.overrides, "train.steps=1"]).data
        parts = [Path(getattr(settings, part)) for part in ("train", "validation", "test")]
        assert [part.stem for part in parts] == [*HALVES]
        assert settings.both_strands == (parts[0].parts[0] == "tf")
        assert settings.build(0).describe()["splits"]["test"]["sequences"] == 10
    (start,) = {entry.start for entry in real} - {None}
    seen = load(start.recipe, start.overrides).data
    assert set(seen.sequences) == {f"{name}/train.csv" for name in ("GUE/prom/a", "tf/0", "tf/1", "virus")}
    assert set(seen.exclude) == {
        *(f"{name}/{half}.csv" for name in ("GUE/prom/a", "prom/x", "tf/0", "virus") for half in HALVES[1:]),
        "tf/1/dev.csv",
        "test.csv",
    }


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_data_root_without_corpora_is_an_error_that_names_them(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"QUATREFOIL_DATA=.*; set it to the folder of msrvtt/, msvd/, "):
        suites()["default"].with_corpora({"QUATREFOIL_DATA": str(tmp_path / name)})


def test_corpora_are_opened_only_for_a_suite_that_measures_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUATREFOIL_DATA", str(tmp_path / "nowhere"))
    known = suites()
    asked = {name for name, suite in known.items() if suite.corpora_seeds}
    assert asked == {"default", "full"}
    for name in known.keys() - asked:
        told = known[name].with_corpora()
        assert told.entries == known[name].entries
        assert told.left_out == [
            f"QUATREFOIL_DATA is set, but the suite {name} measures no real corpora: default and full do"
        ]
        assert known[name].with_corpora({}) is known[name]
    with pytest.raises(FileNotFoundError):
        known["full"].with_corpora()


def test_an_empty_store_is_not_drawn_over_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "LEADERBOARD.md").write_text("as it was")
    monkeypatch.chdir(tmp_path)
    assert leaderboard.main(["pages"]) == 2
    assert "benchmarks/results holds no rows to draw; bring them back" in capsys.readouterr().err
    assert (tmp_path / "LEADERBOARD.md").read_text() == "as it was"


def test_a_misspelt_suite_is_an_error_that_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        leaderboard.main(["clovr"])
    assert left.value.code == 2
    assert "no suite `clovr` (did you mean `clover`?); there are quick, demo, default" in capsys.readouterr().err


def test_what_is_measured_of_real_corpora_has_a_recipe_and_a_name_of_its_own(tmp_path: Path, scored: list[str]) -> None:
    for name in MEASURED:
        (tmp_path / name).mkdir()
    for gpu in (True, False):
        real, _ = on_real_corpora({"QUATREFOIL_DATA": str(tmp_path)}, gpu)
        assert {entry.recipe for entry in real} <= set(names())
        assert len({(entry.model, entry.recipe, entry.overrides) for entry in real}) == len(real)


@pytest.mark.parametrize("name", ["quick", "default", "full"])
def test_every_model_is_measured_on_both_benchmarks(name: str) -> None:
    entries = suites()[name].entries
    assert {entry.recipe.partition("/")[0] for entry in entries} == {"table", "clover", "vlsa", "genebert"}
    if name != "full":
        assert {tuple(entry.seeds) for entry in entries} == {ONE_SEED}


def test_the_quick_suite_is_short_in_what_runs_start_from_too() -> None:
    for entry in suites()["quick"].entries:
        for each in lineage(entry):
            settings = load(each.recipe, each.overrides)
            assert (settings.train.steps, settings.data.size) == (20, "tiny")


def test_a_broken_store_or_another_folder_ends_with_status_2_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "train", lambda *_, **__: pytest.fail("a run is trained"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "demo" / "results" / "rows.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema": 1}) + "\n")
    assert leaderboard.main(["demo"]) == 2
    assert "is not the root; go there" in capsys.readouterr().err
    (tmp_path / "benchmarks").mkdir()
    assert leaderboard.main(["demo"]) == 2
    assert "rows.jsonl:1" in capsys.readouterr().err


def test_a_gallery_that_cannot_be_drawn_is_a_failure_in_the_words_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"no data set `stagee` \(did you mean `stage`\?\)"):
        draw_gallery("stagee", tmp_path / "gallery.png")
