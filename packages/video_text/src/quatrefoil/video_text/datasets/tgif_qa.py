"""TGIF-QA: questions about animated GIFs (Jang et al., CVPR 2017): repeated action, state transition, frames."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_choices, clover_open
from quatrefoil.video_text.datasets.corpus import EXTENSIONS, CorpusError, SplitName
from quatrefoil.video_text.datasets.questions import Question, QuestionCorpus
from quatrefoil.video_text.datasets.readers import read_table
from quatrefoil.video_text.datasets.split_files import Files, variants

_OPTIONS = tuple(f"a{number}" for number in range(1, 6))
_CLOVER = "-clover"


class TgifQa(QuestionCorpus):
    """TGIF-QA.

    - `tgif-action`: what is done N times, `tgif-transition`: what comes before or after; five candidates each.
    - `tgif-frame`: open questions that one frame answers.
    - the same with `-clover`: the pickles of the official Clover code.

    The set has no validation questions: one training GIF of 20 is held out, and `-noval` trains on all of them;
    `-zeroshot` is the test split alone. Files: `{Train,Test}_{action,transition,frameqa}_question.csv`, tab separated
    in spite of their names, with gif_name, question, answer, and a1-a5 where the answer is the number of the right one,
    from 0. Videos: `<gif_name>.gif`, or a conversion of it.
    """

    name = "tgif-qa"
    extensions = (".gif", *EXTENSIONS)
    annotation_folders = ("annotation", "annotations", ".", "questions/tgif_qa")
    video_folders = ("gifs", "videos", ".")
    files: ClassVar[Mapping[str, Files]] = {
        "tgif-action": {"train": ("Train_action_question.csv",), "test": ("Test_action_question.csv",)},
        "tgif-transition": {"train": ("Train_transition_question.csv",), "test": ("Test_transition_question.csv",)},
        "tgif-frame": {"train": ("Train_frameqa_question.csv",), "test": ("Test_frameqa_question.csv",)},
        "tgif-action-clover": {"train": ("action_train.pkl",), "test": ("action_test.pkl",)},
        "tgif-transition-clover": {"train": ("transition_train.pkl",), "test": ("transition_test.pkl",)},
        "tgif-frame-clover": {"train": ("frameqa_train.pkl",), "test": ("frameqa_test.pkl",)},
    }
    protocols = variants(files)
    vocabulary_sizes: ClassVar[Mapping[str, int]] = {"tgif-frame": 1540, "tgif-frame-clover": 1540}

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Question]:
        is_open = task.startswith("tgif-frame")
        if task.endswith(_CLOVER):
            return (clover_open if is_open else clover_choices)(path, split, self.extensions)
        return _open(path, split) if is_open else _choices(path, split)


def _open(path: Path, split: SplitName) -> Iterator[Question]:
    for number, row in enumerate(read_table(path, ("gif_name", "question", "answer"), "\t")):
        yield Question(f"{split}#{number}", row["gif_name"], row["question"], row["answer"])


def _choices(path: Path, split: SplitName) -> Iterator[Question]:
    rows = read_table(path, ("gif_name", "question", "answer", *_OPTIONS), "\t")
    for number, row in enumerate(rows):
        if not row["answer"].isdecimal():
            raise CorpusError(f"{path}:{number + 2}: the answer is the number of a candidate, not {row['answer']!r}")
        candidates = tuple(row[option] for option in _OPTIONS)
        yield Question(f"{split}#{number}", row["gif_name"], row["question"], int(row["answer"]), candidates)
