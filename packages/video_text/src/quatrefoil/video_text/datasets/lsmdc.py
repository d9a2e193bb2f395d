"""LSMDC 2016: clips of movies with audio descriptions (Rohrbach et al., IJCV 2017): retrieval, choice, blanks.

All files are tab separated, without a header, in spite of `.csv`. A row begins with the clip's id and four times: start
and end as aligned by hand, start and end as extracted. Clips were cut at the latter, so times are not used.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_captions, clover_choices, clover_open
from quatrefoil.video_text.datasets.corpus import Caption, CorpusError, SplitName
from quatrefoil.video_text.datasets.questions import Question, QuestionCorpus, blank_filled
from quatrefoil.video_text.datasets.readers import read_tabs
from quatrefoil.video_text.datasets.split_files import CaptionFiles, Files, text_of, variants

BLANK = "_____"
_FIRST = 5  # the column after the clip's id and its times
_OPTIONS = 5
_VIDEO_FOLDERS = ("videos", "videos/*", "*", ".")  # a folder for each movie, as released, or all clips in one


class Lsmdc(CaptionFiles):
    """LSMDC retrieval.

    - `lsmdc-1k`: training and validation files of the release, tested on the 1,000 clips of the public test list.
    - `lsmdc-clover`: the pickles of the official Clover code.

    Each also as `-zeroshot`: the test split alone. A clip on several rows has all of their sentences.
    """

    name = "lsmdc"
    video_folders = _VIDEO_FOLDERS
    files: ClassVar[Mapping[str, Files]] = {
        "lsmdc-1k": {
            "train": ("LSMDC16_annos_training.csv",),
            "val": ("LSMDC16_annos_val.csv",),
            "test": ("LSMDC16_challenge_1000_publictect.csv",),
        },
        "lsmdc-clover": {"train": ("lsmdc_retrieval_train.pkl",), "test": ("lsmdc_retrieval_test.pkl",)},
    }
    protocols = variants(files)

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        if path.suffix == ".pkl":
            yield from clover_captions(path, self.extensions)
            return
        for number, row in enumerate(read_tabs(path, [_FIRST + 1]), start=1):
            yield Caption(row[0], text_of(row[_FIRST], "sentence", f"{path}:{number}"))


class LsmdcQa(QuestionCorpus):
    """Questions of LSMDC 2016.

    - `lsmdc-mc`: the sentence of a clip among five, without a question. Training and validation files list the right
      one first; that place would give it away to a model that reads all candidates, so they are put in the order of the
      SHA-256 of question id and sentence. A row may end in the number of the right one, from 1, as in the test file.
    - `lsmdc-fib`: a sentence with one word to fill in.
    - `lsmdc-mc-clover`, `lsmdc-fib-clover`: the pickles of the official Clover code.
    """

    name = "lsmdc-qa"
    video_folders = _VIDEO_FOLDERS
    annotation_folders = ("annotation", "annotations", ".", "questions/lsmdc_fib")
    files: ClassVar[Mapping[str, Files]] = {
        "lsmdc-mc": {
            "train": ("LSMDC16_multiple_choice_train.csv",),
            "val": ("LSMDC16_multiple_choice_valid.csv",),
            "test": ("LSMDC16_multiple_choice_test_randomized.csv",),
        },
        "lsmdc-fib": {
            "train": ("LSMDC16_annos_training_FIB.csv",),
            "val": ("LSMDC16_annos_val_FIB.csv",),
            "test": ("LSMDC16_annos_test_FIB.csv",),
        },
        "lsmdc-mc-clover": {"train": ("lsmdc_MC_train.pkl",), "test": ("lsmdc_MC_test.pkl",)},
        "lsmdc-fib-clover": {"train": ("lsmdc_FIB_train.pkl",), "test": ("lsmdc_FIB_test.pkl",)},
    }
    protocols = variants(files)
    vocabulary_sizes: ClassVar[Mapping[str, int]] = {"lsmdc-fib": 908, "lsmdc-fib-clover": 908}

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Question]:
        if path.suffix == ".pkl":
            if task == "lsmdc-fib-clover":
                return clover_open(path, split, self.extensions, blank=True)
            return clover_choices(path, split, self.extensions)
        return _blanks(path, split) if task == "lsmdc-fib" else _choices(path, split)


def _blanks(path: Path, split: SplitName) -> Iterator[Question]:
    for number, row in enumerate(read_tabs(path, [_FIRST + 3])):
        where = f"{path}:{number + 1}"
        sentence, word = row[_FIRST + 1 :]
        answer = text_of(word, "word", where).strip()
        yield Question(f"{split}#{number}", row[0], blank_filled(sentence, BLANK, where), answer)


def _choices(path: Path, split: SplitName) -> Iterator[Question]:
    width = _FIRST + _OPTIONS
    for number, row in enumerate(read_tabs(path, [width, width + 1])):
        id, where, options = f"{split}#{number}", f"{path}:{number + 1}", row[_FIRST:width]
        for option in options:
            text_of(option, "candidate", where)
        if len(row) > width:
            yield Question(id, row[0], "", _number(row[width], where), tuple(options))
        else:
            mixed = sorted(options, key=lambda option: hashlib.sha256(f"{id} {option}".encode()).digest())
            yield Question(id, row[0], "", mixed.index(options[0]), tuple(mixed))


def _number(text: str, where: str) -> int:
    if text.strip() not in map(str, range(1, _OPTIONS + 1)):
        raise CorpusError(f"{where}: the last column is the number of the right sentence, 1-{_OPTIONS}, not {text!r}")
    return int(text) - 1
