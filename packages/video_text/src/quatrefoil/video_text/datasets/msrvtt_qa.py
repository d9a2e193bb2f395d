"""MSRVTT-QA (Xu et al., ACM MM 2017) and MSRVTT-MC (Yu et al., ECCV 2018): questions about the clips of MSR-VTT."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_choices, clover_open
from quatrefoil.video_text.datasets.corpus import CorpusError, SplitName
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.questions import Question, QuestionCorpus
from quatrefoil.video_text.datasets.readers import Row, read_json_rows
from quatrefoil.video_text.datasets.split_files import Files, text_of, variants


class MsrvttQa(QuestionCorpus):
    """Questions about MSR-VTT's clips.

    - `msrvtt-qa`: open questions. `{train,val,test}_qa.json` are lists of {question, answer, video_id: number}, the
      `.jsonl` files in common use have the clip's name for the number.
    - `msrvtt-mc`: five captions, of which one is the clip's, without a question; only a test set. Lines or a list of
      {answer: number from 0, options, video_id or clip_name}, or {answer, caption, video: file name}.
    - `msrvtt-qa-clover`, `msrvtt-mc-clover`: the pickles of the official Clover code.

    `-zeroshot`: the test split alone; `-noval`: all training questions where there are no validation questions.
    """

    name = "msrvtt-qa"
    annotation_folders = ("annotation", "annotations", ".", "questions")
    video_folders = MsrVtt.video_folders
    files: ClassVar[Mapping[str, Files]] = {
        "msrvtt-qa": {
            "train": ("train_qa.json", "train.jsonl", "msrvtt_qa/train.jsonl"),
            "val": ("val_qa.json", "val.jsonl", "msrvtt_qa/val.jsonl"),
            "test": ("test_qa.json", "test.jsonl", "msrvtt_qa/test.jsonl"),
        },
        "msrvtt-mc": {"test": ("msrvtt_mc_test.jsonl", "msrvtt_mc_test.json", "msrvtt_mc/test.jsonl")},
        "msrvtt-qa-clover": {"train": ("msrvtt_qa_train.pkl",), "test": ("msrvtt_qa_test.pkl",)},
        "msrvtt-mc-clover": {"train": ("msrvtt_mc_train.pkl",), "test": ("msrvtt_mc_test.pkl",)},
    }
    protocols = variants(files)
    vocabulary_sizes: ClassVar[Mapping[str, int]] = {"msrvtt-qa": 1500, "msrvtt-qa-clover": 1500}

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Question]:
        if path.suffix == ".pkl":
            return (clover_open if task == "msrvtt-qa-clover" else clover_choices)(path, split, self.extensions)
        return open_questions(path, split, "video") if task == "msrvtt-qa" else self._choices(path, split)

    def _choices(self, path: Path, split: SplitName) -> Iterator[Question]:
        for number, row in enumerate(read_json_rows(path)):
            where = f"{path}: item {number}"
            listed = row.get("options", row.get("caption"))
            if not isinstance(listed, list) or type(row.get("answer")) is not int:
                raise CorpusError(f"{where}: needs a list of options and the number of the right one, has {row}")
            candidates = tuple(text_of(option, "candidate", where) for option in listed)
            yield Question(f"{split}#{number}", self._clip_id(row, where), "", row["answer"], candidates)

    def _clip_id(self, row: Row, where: str) -> str:
        name = next((row[key] for key in ("video_id", "clip_name", "video") if key in row), None)
        file = Path(text_of(name, "video_id", where))
        return file.stem if file.suffix in self.extensions else file.name


def open_questions(path: Path, split: SplitName, prefix: str) -> Iterator[Question]:
    """The questions of Xu et al.'s files, also as lines.

    Args:
        prefix: of clip ids, where the file only gives numbers.

    Raises:
        CorpusError: not JSON, or a row without question, answer and video_id.
    """
    for number, row in enumerate(read_json_rows(path)):
        where, clip = f"{path}: item {number}", row.get("video_id")
        clip_id = f"{prefix}{clip}" if type(clip) is int else text_of(clip, "video_id", where)
        asked, answer = (text_of(row.get(key), key, where) for key in ("question", "answer"))
        yield Question(f"{split}#{number}", clip_id, asked, answer)
