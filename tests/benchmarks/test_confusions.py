"""What a run got wrong: its own clips, those found in their place, and a page that shows them."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.beside import confusable, copy_in_place
from benchmarks.entries import FRAMES, TABLE
from benchmarks.leaderboard import Place, lay_answers
from benchmarks.report import confusions
from benchmarks.report.confusions import (
    DIRECTION,
    TOLD,
    draw_confusions,
    read_confusions,
    spread,
    tells_confusions,
)
from benchmarks.report.page import page
from benchmarks.suites import suites
from quatrefoil.core import recipes
from quatrefoil.core.measuring import jobs
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import RunFailed
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.store import Results, Store
from quatrefoil.core.runs.folder import description

MOST = 2


@pytest.fixture
def run(tmp_path: Path, embedded_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that found its clip first for the first caption alone, and the next one in the place of the others."""
    monkeypatch.setenv("QUATREFOIL_CACHE", str(embedded_cache))
    recipe = recipes.load("table/stage-frames", ["data.size=tiny"])
    clips = len(recipe.data.build(0).split("test").clips)  # type: ignore[attr-defined]  # Stage's
    told = {
        "ranks": {DIRECTION: [1, *[2] * (clips - 1)]},
        "rivals": {DIRECTION: [(place + 1) % clips for place in range(clips)]},
    }
    facts = description("table/stage-frames", recipe, ["data.size=tiny"])
    facts |= {"data": {"name": "stage-v1-tiny"}, "seed": 0, "scores": {"test": told}, "command": "a command"}
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps(facts))
    return folder


def test_wrong_queries_come_with_their_own_clip_and_the_one_that_was_found(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "confusions"
    assert read_confusions(out) is None
    draw_confusions("TABLE", run, out, MOST)
    told = read_confusions(out)
    assert told is not None
    assert (told.wrong, len(told.shown)) == (told.queries - 1, MOST)
    html = page([], "", None, told)
    for wrong in told.shown:
        assert wrong.asked.id != wrong.found.id
        for clip in (wrong.asked, wrong.found):
            with Image.open(tmp_path / clip.strip) as strip:
                assert strip.width > 4 * strip.height
            assert f'src="{clip.film}"' in html
            assert (tmp_path / clip.film).read_bytes()[4:8] == b"ftyp"
    assert "captions of stage-v1-tiny" in html
    assert "http" not in html


def test_a_run_that_does_not_tell_what_it_found_says_so(run: Path, tmp_path: Path) -> None:
    facts = json.loads((run / "metrics.json").read_text())
    del facts["scores"]["test"]["rivals"]
    (run / "metrics.json").write_text(json.dumps(facts))
    assert not tells_confusions(run)
    with pytest.raises(RunFailed, match=f"{run} does not tell what text-to-video found.*run again"):
        draw_confusions("TABLE", run, tmp_path / "confusions")
    assert not (tmp_path / "confusions" / TOLD).exists()


def test_the_wrong_answers_shown_are_tables_or_else_a_baselines_that_lies_here(run: Path) -> None:
    suite = suites()["quick"]
    assert confusable(suite, Results()) is None
    for entry in (FRAMES, TABLE):
        (asked,) = (each for each in suite.entries if each.model == entry.model)
        folder = jobs.plan(asked, 0, Results()).folder
        shutil.copytree(run, folder)
        found = confusable(suite, Results())
        assert found is not None
        assert (found.entry, found.folder) == (asked, folder)


def test_a_drawing_that_fails_leaves_no_folder(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(video: Path) -> None:
        assert (tmp_path / ".confusions.part").is_dir()
        raise ValueError(f"{video}: no frames")

    monkeypatch.setattr(confusions, "open_video", unreadable)
    with pytest.raises(ValueError, match="no frames"):
        draw_confusions("TABLE", run, tmp_path / "confusions", MOST)
    assert not (tmp_path / "confusions").exists()
    assert not (tmp_path / ".confusions.part").exists()


def test_a_page_beside_which_no_run_lies_shows_what_is_kept_today(tmp_path: Path) -> None:
    suite = suites()["quick"]
    place = Place(Store(tmp_path), tmp_path / "table.md", tmp_path / "site" / "index.html", tmp_path / "claims.md", [])
    assert lay_answers(suite, place, Results()) == ({}, [])
    kept = tmp_path / "confusions"
    kept.mkdir()
    for drawn in ("first", "second"):
        (kept / TOLD).write_text(drawn)
        assert lay_answers(suite, place, Results())[0]["wrong"] == place.confusions
        assert (place.confusions / TOLD).read_text() == drawn


@pytest.mark.parametrize(
    ("entry", "fails", "kept"), [(TABLE, False, "drawn"), (TABLE, True, "before"), (FRAMES, False, "before")]
)
def test_what_is_kept_is_the_drawing_of_table_where_it_was_drawn_whole(
    entry: Entry, fails: bool, kept: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(model: str, folder: Path, out: Path) -> None:
        if fails:
            raise RunFailed("no clips")
        out.mkdir(parents=True)
        (out / TOLD).write_text("drawn")

    monkeypatch.setattr("benchmarks.leaderboard.draw_confusions", draw)
    suite = suites()["quick"]
    (asked,) = (each for each in suite.entries if each.model == entry.model)
    shutil.copytree(run, jobs.plan(asked, 0, Results()).folder)
    place = Place(Store(tmp_path), tmp_path / "table.md", tmp_path / "site" / "index.html", tmp_path / "claims.md", [])
    (tmp_path / "confusions").mkdir()
    (tmp_path / "confusions" / TOLD).write_text("before")
    assert len(lay_answers(suite, place, Results())[1]) == fails
    assert (tmp_path / "confusions" / TOLD).read_text() == kept


def test_what_is_shown_is_spread_evenly_and_never_twice() -> None:
    assert spread(range(10), 3) == [0, 4, 9]
    assert spread([5, 7], 8) == [5, 7]
    assert spread([], 8) == []


def test_a_copied_folder_takes_the_place_of_an_older_one_whole(tmp_path: Path) -> None:
    folder, kept = tmp_path / "site", tmp_path / "kept"
    for each, name in ((folder, "new"), (kept, "old")):
        each.mkdir()
        (each / name).write_text(name)
    copy_in_place(folder, kept)
    assert [path.read_text() for path in kept.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("wrong", "said"), [("film", r"\.mp4 is not there"), ("told", "wrong: Field required")])
def test_a_folder_that_was_damaged_is_refused_by_what_is_wrong(
    run: Path, tmp_path: Path, wrong: str, said: str
) -> None:
    out = tmp_path / "confusions"
    draw_confusions("TABLE", run, out, MOST)
    if wrong == "film":
        next(out.glob("*.mp4")).unlink()
    else:
        (out / TOLD).write_text((out / TOLD).read_text().replace('"wrong"', '"wrongs"'))
    with pytest.raises(RowError, match=rf"{said}; remove"):
        read_confusions(out)
