"""Sizes of a manifest's files: asked once, and always what asking every file would give."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quatrefoil.core.files import cache_home
from quatrefoil.video_text.datasets import manifests
from quatrefoil.video_text.datasets.manifests import WebVid
from quatrefoil.video_text.datasets.media_sizes import sizes_once

IDS = ("a/1.mp4", "a/2.mp4", "b/c/3.mp4", "4.mp4")
LONG_AGO = 1e9


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))
    for length, id in enumerate(IDS[:-1], start=1):
        new(tmp_path / "videos" / id, length)
    settle(tmp_path / "videos")
    return tmp_path / "videos"


def new(path: Path, length: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(length))
    return path


def settle(root: Path) -> None:
    """As if nothing had changed for long."""
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        os.utime(folder, (LONG_AGO, LONG_AGO))


def sizes(root: Path, asked: list[str], content: str = "these") -> list[int]:
    def size(id: str) -> int:
        asked.append(id)
        path = root / id
        return path.stat().st_size if path.is_file() else -1

    return list(sizes_once(IDS, [root], content, size))


def test_no_file_is_asked_for_twice_while_folders_stay_as_they_are(root: Path) -> None:
    asked: list[str] = []
    assert sizes(root, asked) == [1, 2, 3, -1]
    assert asked == list(IDS)
    assert sizes(root, asked) == [1, 2, 3, -1]
    assert asked == list(IDS)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: new(root / "4.mp4", 7),
        lambda root: (root / "b/c/3.mp4").unlink(),
        lambda root: (root / "b/c").rename(root / "b/d"),
        lambda root: new(root / "a/new", 9).replace(root / "a/1.mp4"),
    ],
    ids=["comes", "goes", "folder goes", "is replaced"],
)
def test_a_file_that_comes_goes_or_is_replaced_is_noticed(root: Path, change: Callable[[Path], object]) -> None:
    before = sizes(root, [])
    change(root)
    fresh = [path.stat().st_size if (path := root / id).is_file() else -1 for id in IDS]
    assert sizes(root, []) == fresh != before


def test_folders_that_changed_just_now_are_not_trusted(root: Path) -> None:
    os.utime(root / "a")  # a second file may come within the same tick of the file system's clock
    asked: list[str] = []
    assert sizes(root, asked) == sizes(root, asked)
    assert asked == [*IDS, *IDS]
    assert not list((cache_home() / "media-sizes").iterdir())


def test_other_files_and_other_roots_have_sizes_of_their_own(root: Path, tmp_path: Path) -> None:
    sizes(root, [])
    other = tmp_path / "other"
    other.mkdir()
    assert sizes(other, []) == [-1] * 4
    asked: list[str] = []
    sizes(root, asked, content="those")
    assert asked == list(IDS)


def test_a_manifest_opened_again_is_the_same_data_without_a_look_at_its_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(f"{id},a caption of {id}" for id in IDS[:-1])
    (root.parent / "webvid_train.csv").write_text(f"filename,text\n{rows}\n")
    settle(root)
    os.utime(root.parent, (LONG_AGO, LONG_AGO))
    first = WebVid(root.parent).split("webvid-2m", "train")
    monkeypatch.setattr(manifests._Below, "size", lambda *_: pytest.fail("a file was asked for"))
    again = WebVid(root.parent).split("webvid-2m", "train")
    assert (again.fingerprint, list(again.clips)) == (first.fingerprint, list(first.clips))
    assert np.array_equal(again.texts.clip_N, first.texts.clip_N)
