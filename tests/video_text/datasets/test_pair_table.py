"""Tables of pairs say what their rows say, and are made once."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.clip_texts import ClipTexts
from quatrefoil.video_text.datasets.columns import Lazy, Texts, TextWriter
from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.pair_table import Pair, Problem, table_of

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
PAIRS = st.lists(st.tuples(IDS, st.text(st.characters(exclude_categories=["Cs"]))), min_size=1, max_size=30)


@settings(deadline=None, max_examples=50)
@given(pairs=PAIRS, data=st.data())
def test_clips_and_captions_come_in_the_order_of_their_rows(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    expected: dict[str, list[str]] = {}
    for id, caption in pairs:
        expected.setdefault(id, []).append(caption)
    with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUATREFOIL_CACHE", cache)
        table = table_of([], "test", [Pair(id, text, (row, -row)) for row, (id, text) in enumerate(pairs)])
        texts = ClipTexts(table.texts, table.first_C1)
        assert {id: list(texts.of_clip(clip)) for clip, id in enumerate(table.ids)} == expected
        assert list(table.ids) == list(expected)
        first_rows = [[id for id, _ in pairs].index(id) for id in expected]
        assert table.places_CP.values.tolist() == [[row, -row] for row in first_rows]
        assert len(table.keys_C) == len(expected)
        assert [texts.place(row) for row in range(len(pairs))] == [
            (clip, number) for clip, captions in enumerate(expected.values()) for number in range(len(captions))
        ]
        assert texts.most_of_a_clip == max(map(len, expected.values()))
        some = data.draw(st.lists(st.sampled_from(range(len(expected))), min_size=1, unique=True))
        picked = texts.of_clips(np.array(some))
        assert [list(picked.of_clip(row)) for row in range(len(some))] == [list(expected.values())[c] for c in some]
        assert picked.clip_N.tolist() == [row for row, clip in enumerate(some) for _ in texts.of_clip(clip)]


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_are_read_as_they_were_written(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with TextWriter(Path(folder) / "texts") as writer:
            for text in texts:
                writer.add(text)
        column: Lazy[str] = Texts(Path(folder) / "texts")
        assert list(column) == column[:] == texts
        assert column[::-2] == texts[::-2]
        for beyond in (len(texts), -len(texts) - 1):
            with pytest.raises(IndexError, match=f"no item {beyond}"):
                column[beyond]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUATREFOIL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "source").write_text("one")
    return tmp_path / "source"


def _never() -> Iterator[Pair]:
    raise AssertionError("the table is there already")
    yield  # makes this a generator


def test_a_table_is_made_once_for_a_source_and_anew_when_it_changes(source: Path) -> None:
    first = table_of([source], "test", [Pair("a", "x"), Problem("b is broken")])
    again = table_of([source], "test", _never())
    assert (first.digest, first.problems, list(again.ids)) == (again.digest, ("b is broken",), ["a"])
    os.utime(source, ns=(0, 1))
    changed = table_of([source], "test", [Pair("a", "y")])
    assert (list(changed.texts), changed.digest == first.digest) == (["y"], False)


def test_a_table_that_fails_leaves_nothing(source: Path) -> None:
    def fails() -> Iterator[Pair]:
        yield Pair("a", "x")
        raise CorpusError("line 2")

    with pytest.raises(CorpusError, match="line 2"):
        table_of([source], "test", fails())
    with pytest.raises(CorpusError, match=f"no clip in {source}"):
        table_of([source], "empty", [])
    assert list(table_of([source], "test", [Pair("b", "x")]).ids) == ["b"]
