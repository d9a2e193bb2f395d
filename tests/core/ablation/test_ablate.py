"""`quatrefoil ablate`: what is run, skipped, refused and told."""

import shlex
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import pytest

from quatrefoil.core import commands
from quatrefoil.core.ablation import ablate as module
from quatrefoil.core.ablation.study import Measure, Study, StudyError
from quatrefoil.core.measuring import jobs, launch
from quatrefoil.core.measuring.jobs import Job, RunFailed
from quatrefoil.core.measuring.store import Store
from tests.core.ablation.toys import MATCHING, METRIC, SUBJECT, WIDTH, facts, study
from tests.core.measuring.fabricated import reseal, run_folder
from tests.core.toy import ToyData

SHORT = study(seeds=(0, 1), subjects=(replace(SUBJECT, factors=(MATCHING,)),))


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that were trained; training writes made-up facts."""
    done: list[Job] = []

    def fabricate(job: Job, **how: object) -> None:
        if "Broken" in job.entry.model:
            raise RunFailed("out of memory")
        done.append(job)
        value = 50.0 + job.seed - 3 * ("off" in job.entry.model)
        run_folder(job.folder, facts(job.config_hash, job.entry.recipe, job.seed, value))

    monkeypatch.setattr(launch, "train", fabricate)
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.001)
    monkeypatch.chdir(tmp_path)
    assert not jobs.RUNS.is_absolute(), "runs are made below the working folder"
    return done


def ablate(monkeypatch: pytest.MonkeyPatch, *arguments: str, of: Study = SHORT) -> int:
    monkeypatch.setattr(module, "load_study", lambda name: of)
    parser = ArgumentParser()
    commands.ablate.add_arguments(parser)
    return commands.ablate.run(parser.parse_args(["any", *arguments]))


def stored(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_study_is_run_told_and_never_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ablate(monkeypatch) == 0
    before, folder = len(trained), tmp_path / "runs" / "ablate" / "any"
    first, said = stored(folder), capsys.readouterr().out
    assert before == 4
    assert "-3.00" in said
    assert f"By chance: {METRIC} 2.50." in said
    assert "4 runs, 48 steps; 0 are stored" in said
    assert {"effects.md", "effects.jsonl", "effects.svg", "rows.jsonl", "costs.jsonl"} <= first.keys()
    assert ablate(monkeypatch) == 0
    assert len(trained) == before
    assert stored(folder) == first
    assert "0 runs, 0 steps; 4 are stored" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seeds", "1", "--factor", "matching", "train.steps=5"),
        ("train.steps=5", "evaluate.retrieval.also_within=[20, 50]", "--model", "Toy"),
    ],
)
def test_what_was_told_is_told_anew_by_its_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job], arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(module, "load_study", lambda name: SHORT)
    parser = ArgumentParser()
    commands.ablate.add_arguments(parser)
    assert commands.ablate.run(parser.parse_intermixed_args(["any", *arguments])) == 0
    folder = tmp_path / "runs" / "ablate" / "any"
    told = (folder / "effects.md").read_text()
    command = told.splitlines()[0].removeprefix("Made by `").removesuffix("`.")
    again = module.told_anew(commands.ablate_arguments(command), command, Store(folder).read())
    assert again["effects.md"] == told
    assert again["effects.jsonl"] == (folder / "effects.jsonl").read_text()


def test_a_study_that_was_cut_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    ablate(monkeypatch, "--seeds", "1")
    capsys.readouterr()
    ablate(monkeypatch, "--dry-run")
    assert "about 0.2 minutes of training for 2 of them" in capsys.readouterr().out
    assert [job.seed for job in trained] == [0, 0]
    ablate(monkeypatch)
    assert [job.seed for job in trained] == [0, 0, 1, 1]


def test_a_dry_run_runs_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job]) -> None:
    assert ablate(monkeypatch, "--dry-run") == 0
    assert trained == []
    assert list(tmp_path.iterdir()) == []


def test_what_another_store_has_is_read_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job]
) -> None:
    ablate(monkeypatch, "--store", "known")
    before = stored(tmp_path / "known")
    assert ablate(monkeypatch, "--store", "own", "--known", "known") == 0
    assert len(trained) == 4
    assert stored(tmp_path / "known") == before
    own = stored(tmp_path / "own")
    assert {name: own[name] for name in before} == before, "the study's folder tells all that its table is made of"
    with pytest.raises(StudyError, match="--known nowhere holds no rows"):
        ablate(monkeypatch, "--known", "nowhere")


def test_rows_tell_what_runs_take_where_no_costs_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    ablate(monkeypatch, "--seeds", "1", "--store", "known")
    (tmp_path / "known" / "costs.jsonl").unlink()
    reseal(tmp_path / "known")
    capsys.readouterr()
    ablate(monkeypatch, "--dry-run", "--known", "known")
    assert "about 0.2 minutes of training for 2 of them" in capsys.readouterr().out


def test_what_runs_take_is_not_guessed_from_other_settings_which_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    ablate(monkeypatch, "--dry-run")
    assert "what 4 of them take is not known: nothing like them is stored; name a store" in capsys.readouterr().out
    ablate(monkeypatch, "train.steps=5", "--store", "known")
    rows = tmp_path / "known" / "rows.jsonl"
    set_so = rows.read_text().replace('"overrides": []', '"overrides": ["train.steps=5"]')
    rows.write_text(set_so.replace(" seed=", " train.steps=5 seed="))
    reseal(rows.parent)
    capsys.readouterr()
    ablate(monkeypatch, "--dry-run", "--known", "known")
    assert "what is stored of these recipes has other settings (train.steps=5); set the same" in capsys.readouterr().out


def test_rows_of_data_that_have_changed_stop_the_study_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job]
) -> None:
    ablate(monkeypatch, "--seeds", "1")
    curves = tmp_path / "runs" / "ablate" / "any" / "curves.jsonl"
    curves.write_text(curves.read_text().replace("toy64", "toy65"))
    reseal(curves.parent)
    with pytest.raises(StudyError, match=r"stored rows are of data toy65, the data are toy64 now"):
        ablate(monkeypatch)
    assert len(trained) == 2


def test_before_data_are_made_to_compare_them_it_is_said(
    monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    ablate(monkeypatch, "--dry-run")
    assert "reading the data" not in capsys.readouterr().out
    ablate(monkeypatch, "--seeds", "1")
    capsys.readouterr()

    def told(_: ToyData, seed: int) -> None:
        assert capsys.readouterr().out == "reading the data of stored rows, or making them: it may take minutes\n"
        raise InterruptedError

    monkeypatch.setattr(ToyData, "build", told)
    with pytest.raises(InterruptedError):
        ablate(monkeypatch, "--dry-run")


def test_a_run_that_two_subjects_need_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    twice = replace(SHORT, subjects=(*SHORT.subjects, replace(SHORT.subjects[0], model="Toy again")))
    assert ablate(monkeypatch, "--processes", "2", of=twice) == 0
    assert len(trained) == 4
    assert "the runs of Toy on toys (reference)" in capsys.readouterr().out
    rows = Store(tmp_path / "runs" / "ablate" / "any").read().rows
    assert len(rows) == 4


def test_a_run_that_fails_stops_no_other_and_the_status_is_1(
    monkeypatch: pytest.MonkeyPatch, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(SHORT.subjects[0], model="Broken", overrides=("train.steps=5",))
    assert ablate(monkeypatch, of=replace(SHORT, subjects=(broken, *SHORT.subjects))) == 1
    said = capsys.readouterr()
    assert len(trained) == 4
    assert "FAILED out of memory" in said.err
    assert "-3.00" in said.out


def test_the_command_that_is_told_can_be_given_to_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Job]
) -> None:
    spaced = replace(MATCHING, name="matching of pairs")
    of = replace(SHORT, subjects=(replace(SUBJECT, factors=(spaced, WIDTH)),))
    asked = ["--seeds", "1", "--factor", "matching of pairs"]
    ablate(monkeypatch, "train.steps=6", *asked, "--store", "kept", of=of)
    said = (tmp_path / "kept" / "effects.md").read_text().splitlines()[0]
    assert shlex.split(said.removeprefix("Made by `").removesuffix("`.")) == [
        *("quatrefoil", "ablate", "any", "train.steps=6"),
        *asked,
    ]


def test_a_stored_run_without_a_metric_of_the_study_is_told_and_is_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch, trained: list[Job]
) -> None:
    ablate(monkeypatch)
    more = (*SUBJECT.measures, Measure("left_code-to-right_code/R@1"))
    asked = study(seeds=(0, 1), subjects=(replace(SUBJECT, factors=(MATCHING,), measures=more),))
    with pytest.raises(StudyError, match=r"its stored run of seed 0 has no left_code-to-right_code/R@1, test"):
        ablate(monkeypatch, of=asked)
    assert len(trained) == 4


def test_a_split_that_the_data_do_not_have_is_told_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, trained: list[Job]
) -> None:
    asked = study(subjects=(replace(SUBJECT, measures=(Measure(METRIC, "tset"),)),))
    with pytest.raises(StudyError, match="its data have no split `tset`; there are val, test"):
        ablate(monkeypatch, of=asked)
    assert trained == []


def test_fewer_than_one_seed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="--seeds 0: a study takes one seed at least"):
        ablate(monkeypatch, "--seeds", "0")


def test_the_list_names_every_level(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablate(monkeypatch, "--list", of=study()) == 0
    said = capsys.readouterr().out
    assert "width: 8 (reference); 4; 16" in said
    assert "matching: on (reference); off" in said


def test_a_study_that_cannot_be_loaded_hides_no_other_in_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> Study:
        if name == "broken":
            raise StudyError("study `broken` cannot be loaded")
        return study()

    monkeypatch.setattr(module, "load_study", load)
    monkeypatch.setattr(module.installed, "names", lambda _: ["broken", "whole"])
    parser = ArgumentParser()
    commands.ablate.add_arguments(parser)
    assert commands.ablate.run(parser.parse_args(["--list"])) == 1
    said = capsys.readouterr()
    assert said.out.startswith("whole: ")
    assert said.err == "error: study `broken` cannot be loaded\n"
    with pytest.raises(StudyError, match="`broken`"):
        commands.ablate.run(parser.parse_args(["broken", "--list"]))
