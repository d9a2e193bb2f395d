"""Stored candidates are those that were found, for whatever texts, and cost a worker their path."""

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.candidates import StoredCandidates, candidates_once, store_candidates
from quatrefoil.video_text.text.semantic import Span

spans = st.lists(st.builds(Span, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), max_size=5).map(tuple)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)  # a lone half of a pair is no text in UTF-8


@given(found=st.dictionaries(texts, spans, max_size=20), other=texts)
def test_every_text_has_the_words_that_were_found_in_it(found: dict[str, tuple[Span, ...]], other: str) -> None:
    with TemporaryDirectory() as name:
        store_candidates(Path(name), found)
        stored = StoredCandidates(Path(name))
        assert {text: stored[text] for text in found} == found
        if other not in found:
            with pytest.raises(KeyError):
                stored[other]


def test_candidates_are_found_once_and_pickled_as_their_path(tmp_path: Path) -> None:
    found = {f"text {number}": (Span(0, 4), Span(5, 6)) for number in range(1000)}
    calls = []

    def find() -> dict[str, tuple[Span, Span]]:
        calls.append(1)
        return found

    stored = [candidates_once(tmp_path / "stored", find) for _ in range(2)]
    assert len(calls) == 1
    assert stored[1]["text 7"] == found["text 7"]
    assert len(pickle.dumps(stored[0])) < 300
    assert pickle.loads(pickle.dumps(stored[0]))["text 999"] == found["text 999"]
