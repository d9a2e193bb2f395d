"""MSVD-QA: questions about the clips of MSVD (Xu et al., ACM MM 2017)."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_open
from quatrefoil.video_text.datasets.corpus import CorpusError, SplitName
from quatrefoil.video_text.datasets.msrvtt_qa import open_questions
from quatrefoil.video_text.datasets.msvd import Msvd
from quatrefoil.video_text.datasets.questions import Question, QuestionCorpus
from quatrefoil.video_text.datasets.split_files import Files, variants
from quatrefoil.video_text.media.stored import Media

_NAMES = "youtube_mapping.txt"


class MsvdQa(QuestionCorpus):
    """MSVD-QA: open questions, split by clip into vid1-1200, vid1201-1450 and vid1451-1970.

    That is not the split of MSVD retrieval: its 670 test clips include vid1301-1450, which validate here. A model
    trained on one must not be tested on the other.

    - `msvd-qa`: `{train,val,test}_qa.json`, lists of {question, answer, video_id: N}.
    - `msvd-qa-clover`: the pickles of the official Clover code; one training clip of 20 validates.

    Clips are known as `vidN`; their videos are files of that name, or those of MSVD where `youtube_mapping.txt` (lines
    of name and vidN) says which.
    """

    name = "msvd-qa"
    video_folders = Msvd.video_folders
    files: ClassVar[Mapping[str, Files]] = {
        "msvd-qa": {"train": ("train_qa.json",), "val": ("val_qa.json",), "test": ("test_qa.json",)},
        "msvd-qa-clover": {"train": ("msvd_qa_train.pkl",), "test": ("msvd_qa_test.pkl",)},
    }
    protocols = variants(files)
    vocabulary_sizes: ClassVar[Mapping[str, int]] = {"msvd-qa": 1000, "msvd-qa-clover": 1000}

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Question]:
        pickled = path.suffix == ".pkl"
        return clover_open(path, split, self.extensions) if pickled else open_questions(path, split, "vid")

    @cached_property
    def videos(self) -> Mapping[str, Media]:
        """Clip id -> media file: by its file's name, and as vidN."""
        files = super().videos
        return {**files, **{id: files[name] for name, id in self._names() if name in files}}

    def _names(self) -> list[tuple[str, str]]:
        path = self.find_annotation(_NAMES)
        lines = path.read_text(encoding="utf-8").splitlines() if path else []
        pairs = [(name, id) for name, _, id in (line.partition(" ") for line in lines)]
        if wrong := [number for number, (_, id) in enumerate(pairs, start=1) if not id]:
            raise CorpusError(f"{path}:{wrong[0]}: needs a name, a space and vidN")
        return pairs
