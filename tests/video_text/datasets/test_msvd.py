"""MSVD: the real lists and captions, and pickles of them."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.msvd import Msvd

PROTOCOL = "msvd-all-captions"
CAPTIONS = {"a_0_1": ["a cat sits", "the cat"], "b_0_1": ["a dog"], "c_0_1": ["ein Käse"]}


def _corpus(root: Path, captions: bytes, name: str) -> Msvd:
    for split, id in zip(("train", "val", "test"), CAPTIONS, strict=True):
        (root / f"{split}_list.txt").write_text(f"{id}\n")
    (root / name).write_bytes(captions)
    return Msvd(root)


def test_counts_are_those_of_the_real_corpus(shared: Path) -> None:
    listing = Msvd(shared / "data/video_text/msvd").listing(PROTOCOL)
    counts = {name: (len(entries), sum(len(entry.captions) for entry in entries)) for name, entries in listing.items()}
    assert counts == {"train": (1200, 48_774), "val": (100, 4_290), "test": (670, 27_763)}
    assert sum(captions for _, captions in counts.values()) == 80_827


def test_a_part_of_the_corpus_has_a_protocol_of_its_own(shared: Path) -> None:
    corpus = Msvd(shared / "data/video_text/msvd", missing="drop")
    train, val = corpus.split(PROTOCOL, "train"), corpus.split(PROTOCOL, "val")
    assert train.protocol == "msvd-all-captions[118/1970 clips]"
    assert (len(train.clips), len(val.clips), len(val.dropped)) == (100, 18, 82)
    with pytest.raises(CorpusError, match="none of the 670 clips of 'test'"):
        corpus.split(PROTOCOL, "test")
    with pytest.raises(CorpusError, match="1852 of 1970 videos are missing"):
        Msvd(corpus.root).split(PROTOCOL, "val")


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("words", [False, True])
def test_pickled_captions_are_the_json_ones(tmp_path: Path, protocol: int, words: bool) -> None:
    split = {id: [text.split() for text in texts] for id, texts in CAPTIONS.items()}
    folders = [tmp_path / "pickle", tmp_path / "json"]
    for folder in folders:
        folder.mkdir()
    pickled = _corpus(folders[0], pickle.dumps(split if words else CAPTIONS, protocol), "raw-captions.pkl")
    plain = _corpus(folders[1], json.dumps(CAPTIONS).encode(), "captions_msvd.json")
    assert pickled.listing(PROTOCOL) == plain.listing(PROTOCOL)


def test_a_malicious_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"raw-captions.pkl: asks for os\.system"):
        _corpus(tmp_path, b"cos\nsystem\n(S'true'\ntR.", "raw-captions.pkl").listing(PROTOCOL)


@pytest.mark.parametrize("captions", [{"a_0_1": 5}, {"a_0_1": [3]}, {"a_0_1": [["a", 1]]}, ["a"]])
def test_captions_of_another_shape_are_errors(tmp_path: Path, captions: Any) -> None:
    with pytest.raises(CorpusError, match=r"captions_msvd.json: "):
        _corpus(tmp_path, json.dumps(captions).encode(), "captions_msvd.json").listing(PROTOCOL)
