"""The annotation pickles of the official Clover code: lists of dictionaries, read as plain data.

Source: section 6 of the specification, from `mmaction/datasets/video_dataset.py`. Rows have the video's name
(`filename`, or `vid_name` in some question files), `text`, and in question files `answer_idx`. Open answers are labels
of a vocabulary that was not released: here they are the answers themselves, in digits, and a negative label is unknown.
"""

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from quatrefoil.video_text.datasets.corpus import Caption, CorpusError, SplitName
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.plain_pickle import read_plain_pickle
from quatrefoil.video_text.datasets.questions import MASK, UNKNOWN, Question, blank_filled
from quatrefoil.video_text.datasets.readers import Row, objects
from quatrefoil.video_text.datasets.split_files import CaptionFiles, Files, text_of, variants


class MsrVttClover(CaptionFiles):
    """Clover's lists of MSR-VTT's 1k-A retrieval: `msrvtt-1kA-clover`, held to the videos of MSR-VTT.

    They have no validation set (the official code selects on the test set): one training clip of 20 is held out.
    """

    name = "msrvtt-clover"
    files: ClassVar[Mapping[str, Files]] = {
        "msrvtt-1kA-clover": {"train": ("train_Retri_9k_anno_new.pkl",), "test": ("test_Retri_1k_anno_new.pkl",)}
    }
    protocols = variants(files)
    video_folders = MsrVtt.video_folders

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        return clover_captions(path, self.extensions)


def clover_captions(path: Path, extensions: Sequence[str]) -> Iterator[Caption]:
    """The captions of a retrieval file; a row's list of texts is that many captions of its clip.

    Args:
        extensions: what is taken off the file names to make clip ids, folders too; none: names stay as they are.

    Raises:
        CorpusError: not a list of rows with these keys.
    """
    for where, row in _rows(path):
        for text in _listed(row.get("text"), where):
            yield Caption(_clip_id(row, extensions, where), text_of(text, "text", where))


def clover_open(path: Path, split: SplitName, extensions: Sequence[str], blank: bool = False) -> Iterator[Question]:
    """The questions of an open-ended file: `question`, or else `text`; a list of texts is that many questions.

    Args:
        blank: the texts are sentences with exactly one `[MASK]`.

    Raises:
        CorpusError: not a list of rows with these keys.
    """
    numbers = count()
    for where, row in _rows(path):
        texts = _listed(row.get("question") or row.get("text"), where)
        for text, label in zip(texts, _labels(row, len(texts), where), strict=True):
            asked = text_of(text, "text", where)
            asked = blank_filled(asked, MASK, where) if blank else asked
            answer = str(label) if label >= 0 else UNKNOWN
            yield Question(f"{split}#{next(numbers)}", _clip_id(row, extensions, where), asked, answer)


def clover_choices(path: Path, split: SplitName, extensions: Sequence[str]) -> Iterator[Question]:
    """The questions of a multiple-choice file: candidates are `answers`, or else `text`; a list of lists is several.

    Raises:
        CorpusError: not a list of rows with these keys.
    """
    numbers = count()
    for where, row in _rows(path):
        asked = text_of(row["question"], "question", where) if row.get("question") else ""
        found = _listed(row.get("answers") or row.get("text"), where)
        several = [found] if isinstance(found[0], str) else found
        for options, label in zip(several, _labels(row, len(several), where), strict=True):
            candidates = tuple(text_of(option, "candidate", where) for option in _listed(options, where))
            yield Question(f"{split}#{next(numbers)}", _clip_id(row, extensions, where), asked, label, candidates)


def _listed(value: Any, where: str) -> list[Any]:
    """A text as a list of one, a list as it is; CorpusError for anything else, and for a list of nothing."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not found:
        raise CorpusError(f"{where}: needs a text or a list of texts, has {reprlib.repr(value)}")
    return list(found)


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    for number, row in enumerate(objects(read_plain_pickle(path), path)):
        yield f"{path}: row {number}", row


def _clip_id(row: Row, extensions: Sequence[str], where: str) -> str:
    name = text_of(row.get("vid_name", row.get("filename")), "filename", where)
    if not extensions:
        return name
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return next((last.removesuffix(end) for end in extensions if last.lower().endswith(end)), last)


def _labels(row: Row, texts: int, where: str) -> list[int]:
    """The labels of a row's questions: one that holds for all of them, or one each."""
    found: Any = row.get("answer_idx")
    labels = list(found) if isinstance(found, list | tuple) else [found] * texts
    if len(labels) != texts or not all(type(label) is int for label in labels):
        raise CorpusError(f"{where}: needs 'answer_idx', a number for all texts or one each; has {str(found)[:200]!r}")
    return labels
