"""Captions of a whole corpus in one file, by clip, and splits as lists of clips: MSVD, and benchmarks of sound."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from quatrefoil.core.wording import first_few
from quatrefoil.video_text.datasets.corpus import Caption, CorpusError
from quatrefoil.video_text.datasets.plain_pickle import read_plain_pickle
from quatrefoil.video_text.datasets.readers import read_json

Captions = Mapping[str, tuple[str, ...]]
"""The captions of each clip."""


def read_captions(path: Path) -> Captions:
    """A dictionary by clip id, as `.json` or as a pickle: a caption or a list of them, each a text or a list of words.

    A pickle is read as data: only dictionaries, lists, tuples, sets, texts and numbers can come out of it, and nothing
    in it is executed.

    Raises:
        CorpusError: another content; the clip is named.
    """
    content = read_json(path) if path.suffix == ".json" else read_plain_pickle(path)
    if not isinstance(content, dict):
        raise CorpusError(f"{path}: needs a dictionary of captions by clip id, not {type(content).__name__}")
    return {id: _sentences(captions, f"{path}: {id!r}") for id, captions in content.items()}


def listed_captions(path: Path, captions: Captions) -> Iterator[Caption]:
    """The captions of the clips of a list, one id a line.

    Raises:
        CorpusError: a listed clip has no captions, or is listed twice.
    """
    ids = path.read_text(encoding="utf-8").split()
    if twice := [id for id, times in Counter(ids).items() if times > 1]:
        raise CorpusError(f"{path}: {first_few(twice)} is listed more than once; keep one line of each")
    for id in ids:
        if not captions.get(id):
            raise CorpusError(f"{path}: {id} is listed and has no captions; fetch lists and captions of one release")
        yield from (Caption(id, text) for text in captions[id])


def _sentences(captions: Any, where: str) -> tuple[str, ...]:
    listed = [captions] if isinstance(captions, str) else captions
    if not isinstance(listed, Sequence) or isinstance(listed, bytes):
        raise CorpusError(f"{where}: needs a caption or a list of them, not {type(captions).__name__}")
    return tuple(_sentence(caption, where) for caption in listed)


def _sentence(caption: Any, where: str) -> str:
    words = [caption] if isinstance(caption, str) else caption
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise CorpusError(f"{where}: a caption must be a text or a list of words, not {caption!r}")
    return " ".join(words)
