"""MSR-VTT: the real annotation files, small ones in the same format, and broken ones."""

import json
import shutil
from pathlib import Path

import pytest

from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from tests.video_text.datasets.small import SPLITS, write_annotation, write_corpus

REAL_COUNTS = {
    "msrvtt-1kA": {"train": (8503, 170_060), "val": (497, 9_940), "test": (1000, 1000)},
    "msrvtt-7k": {"train": (6513, 130_260), "val": (497, 9_940), "test": (1000, 1000)},
    "msrvtt-full": {"train": (6513, 130_260), "val": (497, 9_940), "test": (2990, 59_800)},
    "msrvtt-1kA-noval": {"train": (9000, 180_000), "test": (1000, 1000)},
    "msrvtt-7k-noval": {"train": (7010, 140_200), "test": (1000, 1000)},
}


@pytest.fixture(scope="module")
def real(shared: Path) -> MsrVtt:
    return MsrVtt(shared / "data/video_text/msrvtt", missing="drop")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "small")


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "copy")


@pytest.mark.parametrize("protocol", MsrVtt.protocols)
def test_every_protocol_has_the_published_counts(real: MsrVtt, protocol: str) -> None:
    listing = real.listing(protocol)
    counts = {name: (len(entries), sum(len(entry.captions) for entry in entries)) for name, entries in listing.items()}
    assert counts == REAL_COUNTS[protocol]


@pytest.mark.parametrize("protocol", MsrVtt.protocols)
def test_no_clip_of_one_split_is_in_another(real: MsrVtt, protocol: str) -> None:
    ids = [entry.id for entries in real.listing(protocol).values() for entry in entries]
    assert len(ids) == len(set(ids))


def test_dropped_clips_change_the_protocol_and_are_counted(real: MsrVtt) -> None:
    train, test = real.split("msrvtt-full", "train"), real.split("msrvtt-full", "test")
    assert train.protocol == test.protocol == "msrvtt-full[20/10000 clips]"
    assert (len(train.clips), len(train.dropped), len(train.captions)) == (10, 6503, 200)
    with pytest.raises(CorpusError, match="none of the 497 clips"):
        real.split("msrvtt-full", "val")


def test_missing_videos_are_an_error_that_counts_them(shared: Path) -> None:
    with pytest.raises(CorpusError, match=r"9980 of 10000 videos are missing.*video\d+.*missing=drop"):
        MsrVtt(shared / "data/video_text/msrvtt").split("msrvtt-1kA", "train")


def test_small_corpora_are_read_and_validation_is_taken_out_of_train(whole: Path) -> None:
    corpus = MsrVtt(whole)
    ids = {name: tuple(clip.id for clip in corpus.split("msrvtt-1kA", name).clips) for name in ("train", "val", "test")}
    assert ids == {"train": SPLITS["train"], "val": SPLITS["validate"], "test": SPLITS["test"]}
    assert corpus.split("msrvtt-1kA", "test").captions[0].text == "one caption of video6"
    assert len(corpus.split("msrvtt-full", "test").captions) == 6


def test_no_validation_never_falls_back_to_test(whole: Path) -> None:
    with pytest.raises(CorpusError, match="has no 'val' split; it has train, test"):
        MsrVtt(whole).split("msrvtt-1kA-noval", "val")


def test_files_at_the_root_and_in_two_parts_are_the_same_corpus(root: Path, whole: Path) -> None:
    content = json.loads((root / "annotation/MSRVTT_data.json").read_text())
    for name, test in (("train_val_videodatainfo.json", False), ("test_videodatainfo.json", True)):
        videos = [video for video in content["videos"] if (video["split"] == "test") == test]
        ids = {video["video_id"] for video in videos}
        part = {"videos": videos, "sentences": [row for row in content["sentences"] if row["video_id"] in ids]}
        (root / name).write_text(json.dumps(part))
    (root / "annotation/MSRVTT_data.json").unlink()
    for path in (root / "annotation").iterdir():
        path.rename(root / path.name)
    (root / "videos").rename(root / "aside")
    (root / "videos").mkdir()
    (root / "aside").rename(root / "videos/all")
    assert MsrVtt(root).listing("msrvtt-full") == MsrVtt(whole).listing("msrvtt-full")
    assert MsrVtt(root).split("msrvtt-1kA", "val").fingerprint == MsrVtt(whole).split("msrvtt-1kA", "val").fingerprint


def test_fingerprints_follow_content_and_nothing_else(root: Path, whole: Path) -> None:
    def fingerprint(folder: Path) -> str:
        return MsrVtt(folder).split("msrvtt-1kA", "train").fingerprint

    before = fingerprint(root)
    assert before == fingerprint(whole)
    (root / "videos/video6.mp4").write_bytes(b"another test clip")
    assert fingerprint(root) == before
    with (root / "videos/video0.mp4").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    changed = fingerprint(root)
    path = root / "annotation/MSRVTT_data.json"
    path.write_text(path.read_text().replace("a red dot rises slowly in video0", "a red dot rises in video0"))
    assert len({before, changed, fingerprint(root)}) == 3


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("MSRVTT_data.json", '{"info"', '"info"', "not JSON"),
        ("MSRVTT_data.json", '"sentences"', '"phrases"', "needs a list 'sentences'"),
        ("MSRVTT_data.json", "the dot goes up in video1", "  ", r"with an empty caption in 'train' \(video1\)"),
        ("MSRVTT_data.json", '"split": "validate"', '"split": 3', r"videos\[4\] needs the texts"),
        ("MSRVTT_data.json", '{"video_id": "video7", "split": "test", "id": 7}', "", "not JSON"),
        ("MSRVTT_train.9k.csv", "video1\n", "video0\n", r"ids listed twice in 'train' \(video0\)"),
        ("MSRVTT_train.9k.csv", "video1\n", "video6\n", r"clips both in 'train' and 'test' \(video6\)"),
        ("MSRVTT_train.9k.csv", "video1\n", "video99\n", r"without a caption in 'train' \(video99\)"),
        ("MSRVTT_train.9k.csv", "video_id", "name", r"9k.csv:2: needs a value in the columns video_id"),
        ("MSRVTT_JSFUSION_test.csv", "one caption of video7", "", r"test.csv:3: needs a value in the columns"),
    ],
)
def test_broken_annotations_are_errors_that_say_where(root: Path, file: str, old: str, new: str, message: str) -> None:
    path = root / "annotation" / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CorpusError, match=message):
        MsrVtt(root).split("msrvtt-1kA", "train")


def test_sentences_of_unknown_videos_are_an_error(tmp_path: Path) -> None:
    write_annotation(tmp_path)
    path = tmp_path / "annotation/MSRVTT_data.json"
    content = json.loads(path.read_text())
    content["sentences"].append({"video_id": "videoX", "caption": "who"})
    path.write_text(json.dumps(content))
    with pytest.raises(CorpusError, match=r"1 id that is no video \(videoX\)"):
        MsrVtt(tmp_path).listing("msrvtt-full")


def test_unknown_protocols_and_folders_are_errors(whole: Path) -> None:
    with pytest.raises(CorpusError, match="no protocol 'msrvtt'; it has msrvtt-1kA"):
        MsrVtt(whole).listing("msrvtt")
    with pytest.raises(CorpusError, match="set root"):
        MsrVtt(whole / "nowhere")
