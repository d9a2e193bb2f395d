"""Retrieval corpora that are files of splits: DiDeMo, LSMDC, manifests of the web, and the official pickles."""

import csv
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from quatrefoil.video_text.datasets.check import check
from quatrefoil.video_text.datasets.clover_pickles import MsrVttClover
from quatrefoil.video_text.datasets.corpus import Clip, Corpus, CorpusError, Listing
from quatrefoil.video_text.datasets.didemo import DiDeMo
from quatrefoil.video_text.datasets.frames import FileFrames
from quatrefoil.video_text.datasets.lsmdc import Lsmdc
from quatrefoil.video_text.datasets.manifests import Cc3m, WebVid
from quatrefoil.video_text.datasets.readers import read_json_rows, read_table, read_tabs
from quatrefoil.video_text.datasets.split_files import is_held_out, variants
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.stored import place_of
from tests.video_text.datasets.small import write_video


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path_factory.mktemp("cache")))


def _plain(listing: Listing) -> dict[str, dict[str, list[str]]]:
    return {name: {entry.id: list(entry.captions) for entry in entries} for name, entries in listing.items()}


def _table(path: Path, rows: Sequence[Sequence[str]], delimiter: str) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)


def _pickle(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_bytes(pickle.dumps(list(rows)))


def test_variants_hold_out_only_where_there_is_nothing_to_validate_on() -> None:
    files = {"a": {"train": ("x",), "test": ("y",)}, "b": {"train": ("x",), "val": ("z",), "test": ("y",)}}
    assert variants(files) == ("a", "a-noval", "a-zeroshot", "b", "b-zeroshot")  # type: ignore[arg-type]
    assert variants({"c": {"test": ("y",)}, "d": {"train": ("x",), "val": ("y",)}}) == ("c", "d")


def test_about_one_clip_of_twenty_is_held_out_always_the_same() -> None:
    held = [number for number in range(10_000) if is_held_out(f"video{number}")]
    assert 400 < len(held) < 600
    assert held[:5] == [13, 61, 93, 129, 149]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), unique=True, min_size=1))
def test_splitting_off_validation_loses_no_clip(tmp_path_factory: pytest.TempPathFactory, ids: list[str]) -> None:
    root = tmp_path_factory.mktemp("root")
    names = [f"v{number}{id.encode().hex()}" for number, id in enumerate(ids)]
    _pickle(root / "train_Retri_9k_anno_new.pkl", [{"filename": id, "text": "a"} for id in names])
    corpus = MsrVttClover(root)
    held, whole = (_plain(corpus.listing(f"msrvtt-1kA-clover{end}")) for end in ("", "-noval"))
    assert held["train"] | held["val"] == whole["train"]
    assert not held["train"].keys() & held["val"].keys()


def test_real_didemo_has_its_published_videos_and_every_description(shared: Path) -> None:
    root = shared / "data/video_text/didemo"
    found = _plain(DiDeMo(root).listing("didemo-paragraph"))
    rows = read_json_rows(root / "val_data.json")
    assert (list(found), len(found["val"]), len(rows)) == (["val"], 1_065, 4_180)
    words = sum(len(text.split()) for texts in found["val"].values() for text in texts)
    assert words == sum(len(row["description"].split()) for row in rows)
    assert all(len(texts) == 1 for texts in found["val"].values())
    report = check(DiDeMo, root)
    assert (len(report.missing), report.contradictions) == (1_065, [])


def test_a_paragraph_joins_descriptions_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [("a_1.mov", "first "), ("b_2.avi", "other"), ("a_1.mp4", "second"), ("c.", "bare")]
    (tmp_path / "test_data.json").write_text(json.dumps([{"video": v, "description": d} for v, d in rows]))
    wanted = {"a_1": ["first second"], "b_2": ["other"], "c": ["bare"]}
    assert _plain(DiDeMo(tmp_path).listing("didemo-paragraph-zeroshot")) == {"test": wanted}
    write_video(tmp_path / "videos/a_1.mp4", 10)
    write_video(tmp_path / "videos/b_2.m4v", 10)
    assert set(DiDeMo(tmp_path).videos) == {"a_1", "b_2"}


def test_zero_shot_asks_for_no_training_video(tmp_path: Path) -> None:
    for split, video in (("train", "a"), ("test", "b")):
        (tmp_path / f"{split}_data.json").write_text(json.dumps([{"video": f"{video}.mp4", "description": "x"}]))
    write_video(tmp_path / "videos/b.mp4", 10)
    assert DiDeMo(tmp_path).split("didemo-paragraph-zeroshot", "test").protocol == "didemo-paragraph-zeroshot"
    with pytest.raises(CorpusError, match="1 of 2 videos are missing"):
        DiDeMo(tmp_path).split("didemo-paragraph", "test")


def test_lsmdc_is_read_with_its_quotes_and_folders_of_movies(tmp_path: Path) -> None:
    id = "1_Movie_00.00.51.926-00.00.54.129"
    lines = ['"He turns, she goes.', 'A "sign" falls.', "He sits."]
    rows = [f"{id}\t0\t1\t0\t1\t{lines[0]}", f"x\t0\t1\t0\t1\t{lines[1]}", f"{id}\t0\t1\t0\t1\t{lines[2]}"]
    (tmp_path / "LSMDC16_challenge_1000_publictect.csv").write_text("\n".join(rows) + "\n")
    write_video(tmp_path / f"videos/1_Movie/{id}.avi", 10)
    write_video(tmp_path / "videos/x.mp4", 10)
    split = Lsmdc(tmp_path).split("lsmdc-1k-zeroshot", "test")
    assert [(caption.clip_id, caption.text) for caption in split.captions] == [
        (id, lines[0]),
        (id, lines[2]),
        ("x", lines[1]),
    ]
    assert place_of(split.clips[0].video).parent.name == "1_Movie"


CLOVER: list[tuple[type[Corpus], str, str, str]] = [
    (DiDeMo, "didemo-clover-zeroshot", "test_new.pkl", "a"),
    (Lsmdc, "lsmdc-clover-zeroshot", "lsmdc_retrieval_test.pkl", "1_m_00.01"),
    (MsrVttClover, "msrvtt-1kA-clover-zeroshot", "test_Retri_1k_anno_new.pkl", "video7"),
]


@pytest.mark.parametrize(("corpus", "protocol", "file", "id"), CLOVER)
def test_a_list_of_texts_is_that_many_captions(
    tmp_path: Path, corpus: type[Corpus], protocol: str, file: str, id: str
) -> None:
    _pickle(tmp_path / file, [{"filename": id, "text": ["one", "two"]}, {"filename": "other", "text": "three"}])
    assert _plain(corpus(tmp_path).listing(protocol)) == {"test": {id: ["one", "two"], "other": ["three"]}}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    pixels = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3) % 251
    for name in ("images/train/00000/000000000.jpg", "images/train/00000/000000002.jpg", "images/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return tmp_path


def test_images_are_clips_of_one_frame(pictures: Path) -> None:
    (pictures / "cc3m_val.tsv").write_text("filename\ttext\nb.png\ta pattern\n")
    clip = Cc3m(pictures).split("cc3m", "val").clips[0]
    frames = FileFrames(FrameSampling("segments", 4)).frames(clip, torch.Generator())
    assert torch.equal(
        frames, torch.from_numpy(np.array(Image.open(place_of(clip.video)))).permute(2, 0, 1).expand(4, -1, -1, -1)
    )
    jpeg = Clip("a", pictures / "images/train/00000/000000000.jpg")
    assert FileFrames(FrameSampling("uniform", 2)).frames(jpeg, None).shape == (2, 3, 40, 60)


def test_missing_media_of_a_manifest_are_counted_and_named(pictures: Path) -> None:
    rows = [(f"caption {number}", f"http://host/{number}") for number in range(4)]
    _table(pictures / "Train_GCC-training.tsv", rows, "\t")
    split = Cc3m(pictures, "drop").split("cc3m", "train")
    assert split.protocol == "cc3m[2/4 clips]"
    assert [caption.text for caption in split.captions] == ["caption 0", "caption 2"]
    report = check(Cc3m, pictures)
    assert report.missing == ["train/00000/000000001.jpg", "train/00000/000000003.jpg"]
    assert report.undecodable == {}
    assert any(problem.startswith("2 clips have no video") for problem in report.problems)


@pytest.mark.parametrize("form", ["release", "named", "pickle"])
def test_webvid_has_three_forms(tmp_path: Path, form: str) -> None:
    write_video(tmp_path / "videos/pages/12.mp4", 10)
    caption = 'a "dog", running'
    if form == "release":
        rows = [["videoid", "contentUrl", "duration", "page_dir", "name"], ["12", "http://x", "PT1S", "pages", caption]]
        _table(tmp_path / "results_2M_val.csv", rows, ",")
    elif form == "named":
        _table(tmp_path / "webvid_val.csv", [["filename", "text"], ["pages/12.mp4", caption]], ",")
    else:
        _pickle(tmp_path / "webvid_val.pkl", [{"filename": "pages/12.mp4", "text": caption}])
    split = WebVid(tmp_path).split("webvid-clover" if form == "pickle" else "webvid-2m", "val")
    assert [(c.clip_id, c.text) for c in split.captions] == [("pages/12.mp4", caption)]
    assert split.clips[0].video == tmp_path / "videos/pages/12.mp4"


@pytest.mark.parametrize(
    ("corpus", "name", "table", "mend"),
    [
        (WebVid, "results_2M_val.csv", "videoid,page_dir,name\n12,pages,a dog, running\n", "put texts with commas"),
        (WebVid, "webvid_val.csv", "filename,text\npages/12.mp4,a dog, running\n", "put texts with commas"),
        (Cc3m, "cc3m_val.tsv", "filename\ttext\nb.png\ta dog,\trunning\n", "take the tabs out of texts"),
    ],
)
def test_no_caption_ends_at_its_first_comma_or_tab(
    tmp_path: Path, corpus: type[WebVid | Cc3m], name: str, table: str, mend: str
) -> None:
    (tmp_path / name).write_text(table)
    with pytest.raises(CorpusError, match=rf"{name}:2: has more or fewer columns than the header; {mend}"):
        corpus(tmp_path).split(corpus.protocols[0], "val")


def test_errors_of_tables_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("a,b\n1,2\n3,\n")
    with pytest.raises(CorpusError, match=r"table:3: needs a value in the columns a, b"):
        list(read_table(path, ("a", "b")))
    path.write_text("a,b\n1,2\n3")
    with pytest.raises(CorpusError, match=r"table:3: has more or fewer columns than the header"):
        list(read_table(path, ("a",)))
    path.write_text("x\ty\nx\n")
    with pytest.raises(CorpusError, match=r"table:2: needs 2 columns separated by tabs, has 1"):
        list(read_tabs(path, [2]))
    for name, content in (("rows.jsonl", '{"a": 1}\n{\n'), ("rows.json", "{")):
        (tmp_path / name).write_text(content)
        with pytest.raises(CorpusError, match=rf"{name}.*: not JSON"):
            read_json_rows(tmp_path / name)
    (tmp_path / "rows.json").write_text('{"a": 1}')
    with pytest.raises(CorpusError, match="needs a list of objects"):
        read_json_rows(tmp_path / "rows.json")
