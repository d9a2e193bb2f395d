"""What a pre-training of VLSA has learned stands in the page where its run lies on this machine, and nowhere else."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.beside import picturable
from benchmarks.entries import VLSA, VLSA_GLOBAL, VLSA_JOINT, VLSA_SCRATCH
from benchmarks.leaderboard import Place, run, told_of, write_pages
from benchmarks.report import pictures
from benchmarks.report.pictures import COMMANDS, draw_pictures, read_pictures
from benchmarks.suites import Suite
from quatrefoil.core.cli import main
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import RunFailed, plan
from quatrefoil.core.measuring.launch import launcher
from quatrefoil.core.measuring.store import Results, Store
from tests.core.measuring.fabricated import facts, run_folder

ZERO_SHOT, TASK = "zero-shot text-audio retrieval", "text-audio retrieval"
PRETRAINED, JOINT, GLOBAL = (arm.tasks[ZERO_SHOT].with_seeds((0,)) for arm in (VLSA, VLSA_JOINT, VLSA_GLOBAL))
CLIPS = ("video1-0", "video7-2")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command line was asked; it draws a square of each clip."""
    commands: list[str] = []

    def draw(what: str, *arguments: str) -> list[str]:
        commands.append(shlex.join(["quatrefoil", *arguments]))
        folder = Path(arguments[arguments.index("--out") + 1])
        folder.mkdir(parents=True, exist_ok=True)
        for clip in CLIPS:
            Image.new("RGB", (8, 8)).save(folder / f"{clip}.png")
        return ["a word to the reader", *(str(folder / f"{clip}.png") for clip in CLIPS)]

    monkeypatch.setattr(pictures, "quatrefoil", draw)
    return commands


def finished(entry: Entry, seed: int = 0) -> Path:
    """A made-up run of an entry, in its place."""
    job = plan(entry, seed, Results())
    told = {**facts(entry, seed, 50.0), "config_hash": job.config_hash}
    (run_folder(job.folder, told) / "model").mkdir()
    return job.folder


def measure(place: Place, *entries: Entry) -> int:
    with launcher("local", 1) as launch:
        return run(Suite("any", entries, committed=False), place, launch)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Store(tmp_path / "store"), tmp_path / "L.md", tmp_path / "site" / "index.html", None, [])


def test_the_page_shows_what_was_drawn_of_a_run_that_lies_here_with_its_commands(
    place: Place, asked: list[str]
) -> None:
    folder = finished(PRETRAINED)
    assert measure(place, PRETRAINED) == 0
    assert [shlex.split(command)[1:3] for command in asked] == [[name, str(folder)] for name in COMMANDS]
    html = place.page.read_text()
    told = read_pictures(place.pictures)
    assert told is not None
    assert [drawn.command for drawn in told.drawn] == asked
    for drawn in told.drawn:
        assert f"<code>{drawn.command}</code>" in html
        for picture in drawn.pictures:
            assert (place.page.parent / picture).is_file()
            assert f'<a href="{picture}"><img src="{picture}"' in html
    assert html.count("<img") == len(COMMANDS) * len(CLIPS)
    assert "What VLSA, zero-shot has learned" in html
    assert told.command in html


def test_a_page_without_such_a_run_is_the_same_but_for_the_pictures(place: Place, asked: list[str]) -> None:
    finished(PRETRAINED)
    measure(place, PRETRAINED)
    results, shown = place.store.read(), place.page.read_text()
    shutil.rmtree(place.pictures)
    write_pages(place, told_of(place, results))
    without = place.page.read_text()
    assert "learned" not in without
    parts = iter(shown)  # nothing is in another place: what is left is found in order
    assert all(letter in parts for letter in without)
    assert len(without) < len(shown)


def test_nothing_is_drawn_of_a_run_that_lies_elsewhere_or_has_lost_its_weights(place: Place, asked: list[str]) -> None:
    folder = finished(PRETRAINED)
    (folder / "model").rmdir()
    assert measure(place, PRETRAINED) == 0
    assert asked == []
    assert not place.pictures.exists()


def test_the_whole_pre_training_is_drawn_or_else_a_baselines_that_restores_what_is_hidden() -> None:
    tuned = VLSA.tasks[TASK].with_seeds((0, 1))
    suite = Suite("any", [GLOBAL, JOINT, VLSA_SCRATCH.tasks[TASK], tuned], committed=False)

    def found() -> Path | None:
        job = picturable(suite, Results())
        return job and job.folder

    finished(GLOBAL)
    assert found() is None
    joint = finished(JOINT)
    assert found() == joint
    later = finished(PRETRAINED, seed=1)  # asked for as what another one starts from
    assert found() == later
    assert found() != finished(PRETRAINED) == found()


def test_a_run_that_cannot_be_drawn_is_a_failure_in_the_words_of_the_command(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(what: str, *arguments: str) -> list[str]:
        raise RunFailed(f"{what}: its own words")

    monkeypatch.setattr(pictures, "quatrefoil", refuse)
    finished(PRETRAINED)
    assert measure(place, PRETRAINED) == 1
    assert "FAILED pictures of VLSA, zero-shot: its own words" in capsys.readouterr().err
    assert "learned" not in place.page.read_text()


@pytest.mark.slow
def test_a_run_is_drawn_by_the_commands_that_the_page_names(
    tmp_path: Path, embedded_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(embedded_cache))
    folder = tmp_path / "a run"
    settings = ["data.size=tiny", "train.steps=1", "train.batch_size=4", "run.workers=0", "run.progress=false"]
    assert main(["train", "vlsa/stage-pretrain", *settings, f"run.dir={folder}"]) == 0
    draw_pictures("VLSA", folder, tmp_path / "pictures", clips=2)
    told = read_pictures(tmp_path / "pictures")
    assert told is not None
    assert told.dataset == json.loads((folder / "metrics.json").read_text())["data"]["name"]
    for drawn in told.drawn:
        assert len(drawn.pictures) == 2
        for picture in drawn.pictures:
            with Image.open(tmp_path / picture) as shown:
                assert min(shown.size) > 100
        shutil.rmtree(tmp_path / Path(drawn.pictures[0]).parent)
        assert main(shlex.split(drawn.command)[1:]) == 0
        assert all((tmp_path / picture).is_file() for picture in drawn.pictures)
