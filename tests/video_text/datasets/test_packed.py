"""Corpora in tars and arrow files keep every guarantee that folders of files have."""

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from quatrefoil.core.data import SampleKey
from quatrefoil.core.data.collate import loader
from quatrefoil.core.data.sampler import BatchPlan, Cursor
from quatrefoil.video_text.datasets.arrow import ArrowFolder
from quatrefoil.video_text.datasets.check import check
from quatrefoil.video_text.datasets.corpus import Corpus, CorpusError, Missing
from quatrefoil.video_text.datasets.module import CORPORA, CorpusName, VideoTextData
from quatrefoil.video_text.datasets.tars import Tars
from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.errors import CorruptMediaError, EmptyMediaError
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.video import open_video
from quatrefoil.video_text.text.tokenizer import TextTokenizer
from tests.video_text.datasets.packed import Packed, clips, write_arrow, write_manifest, write_tar, write_tars

FORMS: dict[str, tuple[CorpusName, str]] = {
    "files": ("webvid", "webvid-2m"),
    "tars": ("tars", "tars"),
    "arrow": ("arrow", "arrow"),
    "paths": ("arrow", "arrow"),
    "parquet": ("arrow", "arrow"),
}
FIELDS = ("frames", "text_ids", "text_mask", "text_masked_ids", "text_labels")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> list[Packed]:
    return clips(tmp_path_factory.mktemp("media"), 7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, packed: list[Packed]) -> Path:
    root = tmp_path_factory.mktemp("packed")
    write_manifest(root / "files", packed)
    write_tars(root / "tars", packed)
    write_arrow(root / "arrow", packed, parquet=False)
    write_arrow(root / "paths", packed, parquet=False, paths=True)
    write_arrow(root / "parquet", packed, parquet=True)
    TextTokenizer.train([text for clip in packed for text in clip.captions], 280, root / "tokenizer.json")
    return root


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("QUATREFOIL_CACHE", str(path))
    return path


def _data(folder: Path, form: str, **changes: Any) -> VideoTextData:
    corpus, protocol = FORMS[form]
    data = VideoTextData(
        corpus=corpus, root=folder / form, protocol=protocol, tokenizer=str(folder / "tokenizer.json"),
        frames=FrameSampling("segments", 3), transform=FrameTransform(16, jitter=0.3), mask_rate=0.4,
    )  # fmt: skip
    return dataclasses.replace(data, **changes)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "files"])
@pytest.mark.parametrize("unit", ["clip", "caption"])
def test_samples_do_not_depend_on_what_a_corpus_is_packed_in(folder: Path, form: str, unit: str) -> None:
    of_files, of_form = (_data(folder, name, unit=unit).build(seed=3).train(FIELDS) for name in ("files", form))
    assert torch.equal(of_files.groups_N, of_form.groups_N)
    assert len(of_files) == len(of_form) == (7 if unit == "clip" else 10)
    for index in range(len(of_files)):
        one, other = (samples[SampleKey(1, index)] for samples in (of_files, of_form))
        assert one["id"] == other["id"]
        assert all(torch.equal(one[name], other[name]) for name in FIELDS)


def test_batches_of_tars_are_the_same_in_workers_after_a_resume_and_at_any_world_size(folder: Path) -> None:
    samples = _data(folder, "tars").build(seed=3).train(FIELDS)

    def ids(rank: int, world_size: int, cursor: Cursor, workers: int, steps: int) -> list[list[str]]:
        plan = BatchPlan(samples.groups_N, 3, seed=5, rank=rank, world_size=world_size)
        batches = iter(loader(samples, plan, cursor, workers=workers, fill={}))
        return [next(batches)["id"] for _ in range(steps)]

    whole = ids(0, 1, Cursor(), 0, 6)
    assert ids(0, 1, Cursor(), 2, 6) == whole
    assert ids(0, 1, Cursor(0, 2), 0, 4) == whole[2:]
    ranks = [ids(rank, 2, Cursor(), 0, 6) for rank in range(2)]
    assert [first + second for first, second in zip(*ranks, strict=True)] == whole
    assert all(len({id.partition("#")[0] for id in batch}) == 3 for batch in whole)
    assert len({id for batch in whole[:3] for id in batch}) == 9  # of ten samples three batches of three


@pytest.mark.parametrize("form", FORMS)
def test_workers_get_paths_and_not_rows(folder: Path, form: str) -> None:
    """What is pickled for a worker does not grow with the corpus; the tokeniser is not counted."""
    samples: Any = _data(folder, form).build(seed=0).train(["frames"])
    pickled = pickle.dumps((samples.clips, samples.items))
    assert len(pickled) < 2000
    loaded = pickle.loads(pickled)
    assert list(loaded[1]) == list(samples.items)
    assert list(loaded[0]) == list(samples.clips)


def test_fingerprints_follow_captions_and_media(folder: Path, packed: list[Packed], tmp_path: Path) -> None:
    first = packed[0]
    changes = {
        "same": first,
        "caption": first._replace(captions=("another", *first.captions[1:])),
        "media": first._replace(content=first.content + b"0"),
    }
    found = {}
    for name, changed in changes.items():
        write_tars(tmp_path / name, [changed, *packed[1:]])
        found[name] = Tars(tmp_path / name).split("tars", "train").fingerprint
    assert found["same"] == Tars(folder / "tars").split("tars", "train").fingerprint
    assert len(set(found.values())) == 3


BROKEN: dict[str, tuple[list[tuple[str, bytes]], str]] = {
    "no caption": ([("b.mp4", b"x")], "b has no caption"),
    "an empty caption": ([("b.mp4", b"x"), ("b.txt", b" ")], "b has no caption"),
    "no text": ([("b.mp4", b"x"), ("b.txt", b"\xff")], "b has no caption"),
    "no json": ([("b.mp4", b"x"), ("b.json", b"{")], "b has no caption"),
    "json without a caption": ([("b.mp4", b"x"), ("b.json", b'{"url": "x"}')], "b has no caption"),
    "no media": ([("b.txt", b"x")], "b has no media"),
    "a key twice": ([("b.mp4", b"x"), ("b.txt", b"x")] * 2, "b has several .txt"),
    "two media": ([("b.mp4", b"x"), ("b.jpg", b"x"), ("b.txt", b"x")], "b has 2 media"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_keys_are_named_or_left_out_and_counted(tmp_path: Path, packed: list[Packed], kind: str) -> None:
    members, message = BROKEN[kind]
    write_tar(tmp_path / "train-0.tar", [("a.mp4", packed[0].content), ("a.txt", b"a dot"), *members])
    with pytest.raises(CorpusError, match=rf"train-0\.tar: {message}"):
        Tars(tmp_path).split("tars", "train")
    split = Tars(tmp_path, "drop").split("tars", "train")
    assert (split.protocol, [clip.id for clip in split.clips]) == ("tars[1/2 clips]", ["train-0/a"])
    assert list(split.dropped) == ["train-0/b"]
    assert split.wordless == 0  # of a clip that is left out nothing is read
    assert any(message in problem for problem in check(Tars, tmp_path).problems)


def test_a_tar_that_is_cut_anywhere_is_found_and_its_whole_samples_are_read(tmp_path: Path) -> None:
    members = [(f"k{number}.{kind}", b"x" * 700) for number in range(3) for kind in ("mp4", "txt")]
    write_tar(tmp_path / "train-0.tar", members)
    content = (tmp_path / "train-0.tar").read_bytes()
    each = 512 + 1024  # bytes of a header and a padded member
    for length in (*range(700, 6 * each, 611), *(each * count for count in range(1, 7))):
        (tmp_path / "train-0.tar").write_bytes(content[:length])
        with pytest.raises(CorpusError, match=r"train-0\.tar.*cut off"):
            Tars(tmp_path).split("tars", "train")
        whole = [f"train-0/k{number}" for number in range(3) if length >= (2 * number + 1) * each + 512 + 700]
        if whole:
            split = Tars(tmp_path, "drop").split("tars", "train")
            assert [clip.id for clip in split.clips] == whole
            assert all(caption.text == "x" * 700 for caption in split.captions)


def test_garbage_after_a_member_is_no_end(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-0.tar", [("a.mp4", b"x"), ("a.txt", b"y")])
    content = bytearray((tmp_path / "train-0.tar").read_bytes())
    content[2048:2060] = b"<html>broken"
    (tmp_path / "train-0.tar").write_bytes(content)
    with pytest.raises(CorpusError, match="damaged at byte 2048"):
        Tars(tmp_path).split("tars", "train")


def test_what_is_no_tar_and_what_cannot_be_read_at_random_is_said(tmp_path: Path) -> None:
    (tmp_path / "val.tgz").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"no <split>/\*\.tar .* must be unpacked"):
        Tars(tmp_path).split("tars", "train")
    (tmp_path / "train-0.tar").write_bytes(b"<html>404</html>" * 100)
    choices: list[Missing] = ["error", "drop"]
    for missing in choices:
        with pytest.raises(CorpusError, match=r"train-0\.tar is no tar"):
            Tars(tmp_path, missing).split("tars", "train")
    write_tar(tmp_path / "train-0.tar", [("readme.md", b"x")])
    with pytest.raises(CorpusError, match=r"no clip in .*train-0\.tar"):
        Tars(tmp_path).split("tars", "train")


def test_a_clip_in_two_splits_is_refused_whatever_may_be_missing(tmp_path: Path, packed: list[Packed]) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"id": ["a"], "image": [b"x"], "text": ["one"]})
    datasets.DatasetDict({"train": rows, "validation": rows}).save_to_disk(str(tmp_path / "both"))
    with pytest.raises(CorpusError, match="1 clips both in 'train' and 'val'"):
        ArrowFolder(tmp_path / "both", "drop").split("arrow", "val")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"video": [b"x"]}, "it has video"),
        ({"video": [b"x"], "image": [b"x"], "text": ["a"]}, "it has video, image, text"),
        ({"video": [b"x"], "text": [" "]}, "row 0 needs a text"),
    ],
)
def test_columns_that_cannot_be_told_are_refused(tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
    import datasets

    datasets.Dataset.from_dict(columns).save_to_disk(str(tmp_path / "data"))
    with pytest.raises(CorpusError, match=message):
        ArrowFolder(tmp_path / "data").split("arrow", "train")


def test_empty_cells_are_missing_media(tmp_path: Path) -> None:
    import datasets

    cells = [{"bytes": b"x", "path": None}, {"bytes": None, "path": "gone.mp4"}, {"bytes": None, "path": None}]
    datasets.Dataset.from_dict({"video": cells, "text": ["a", "b", "c"]}).save_to_disk(str(tmp_path / "data"))
    with pytest.raises(CorpusError, match=r"2 of 3 videos are missing .*train/1, train/2"):
        ArrowFolder(tmp_path / "data").split("arrow", "train")
    split = ArrowFolder(tmp_path / "data", "drop").split("arrow", "train")
    assert (split.protocol, [caption.text for caption in split.captions]) == ("arrow[1/3 clips]", ["a"])


@pytest.mark.parametrize("form", FORMS)
def test_check_opens_media_wherever_they_lie(folder: Path, form: str) -> None:
    name, protocol = FORMS[form]
    report = check(CORPORA[name], folder / form, deep=True)
    assert [(s.protocol, s.clips, s.texts, s.missing) for s in report.splits] == [(protocol, 7, 10, 0)]
    assert (report.problems, len(report.silent)) == ([], 7)


def test_stored_media_are_decoded_as_files_are_and_their_errors_name_both(tmp_path: Path, folder: Path) -> None:
    corpora: list[Corpus] = [CORPORA[name](folder / form) for form, (name, _) in FORMS.items()]
    media = [corpus.videos["train/00001/k3"] for corpus in corpora]
    frames = []
    for one in media:
        with open_video(one) as reader:
            frames.append(reader.frames(range(reader.frame_count)))
        assert read_audio(one, rate=8000) is None
    assert all(torch.equal(frames[0], other) for other in frames)
    write_tar(tmp_path / "train-0.tar", [("a.mp4", b""), ("a.txt", b"y"), ("b.mp4", b"no video"), ("b.txt", b"y")])
    videos = Tars(tmp_path).videos
    with pytest.raises(EmptyMediaError, match=r"train-0\.tar/a: the file holds no bytes"):
        open_video(videos["train-0/a"])
    with pytest.raises(CorruptMediaError, match=r"train-0\.tar/b: cannot be decoded"):
        open_video(videos["train-0/b"])
    (tmp_path / "train-0.tar").write_bytes(b"")
    with pytest.raises(CorruptMediaError, match="the tar holds 0 of its 8 bytes"):
        open_video(videos["train-0/b"])
