"""`data check`: what is wrong is found, counted and told."""

import json
from pathlib import Path

import pytest

from quatrefoil.video_text.datasets.check import MSRVTT, CheckOptions, check
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.msvd import Msvd
from tests.video_text.datasets.small import write_corpus


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "small")


def test_a_whole_corpus_has_no_problems(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = check(MsrVtt, root, deep=True)
    assert report.problems == []
    assert len(report.splits) == 13
    assert len(report.silent) == 8
    assert report.tags["motion"] == (7, 7, ("m",))
    assert MSRVTT.check(CheckOptions(root=root)) == 0
    said = capsys.readouterr().out
    assert "no problems found" in said
    assert said.startswith(f"msrvtt in {root}: 8 of 8 clips here\n")


def test_every_problem_is_found_and_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "videos/video0.mp4").unlink()
    (root / "videos/video1.mp4").write_bytes(b"")
    train = root / "annotation/MSRVTT_train.9k.csv"
    train.write_text(train.read_text() + "video2\nvideo6\n")
    with (root / "tags/object.jsonl").open("a") as lines:
        lines.write("{\n")
    assert MSRVTT.check(CheckOptions(root=root, json=True)) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["missing"] == ["video0"]
    assert set(told["undecodable"]) == {"video1"}
    assert told["clips"] == 8
    assert "object.jsonl:8" in told["tag_error"]
    assert any("1 clip has no video: video0; put them there, or train on" in found for found in told["problems"])
    for problem in ("listed twice in 'train' (video2)", "both in 'train' and 'test' (video6)"):
        assert any(problem in found for found in told["problems"])


def test_damage_inside_a_video_is_found_by_a_deep_check_only(root: Path) -> None:
    (root / "annotation/MSRVTT_train.7k.csv").unlink()
    path = root / "videos/video7.mp4"
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start + 850 : content.index(b"moov") - 4] = bytes(content.index(b"moov") - 4 - start - 850)
    path.write_bytes(content)
    shallow, deep = check(MsrVtt, root), check(MsrVtt, root, deep=True)
    assert set(shallow.unavailable) == {"msrvtt-7k", "msrvtt-7k-noval"}
    assert shallow.problems == []
    assert set(deep.undecodable) == {"video7"}


def test_real_corpora_are_reported_as_their_description_says(shared: Path) -> None:
    msrvtt = check(MsrVtt, shared / "data/video_text/msrvtt")
    assert (msrvtt.silent, msrvtt.undecodable, len(msrvtt.missing)) == (["video7013"], {}, 9980)
    msvd = check(Msvd, shared / "data/video_text/msvd")
    assert (len(msvd.silent), msvd.undecodable, len(msvd.missing)) == (118, {}, 1852)
