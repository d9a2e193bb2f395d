"""Captions to train on as for retrieval, and choices among captions to be tested with (MSRVTT-MC)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from quatrefoil.core.data import SampleSet
from quatrefoil.video_text.datasets.clips import Files, TestedOtherwise, combined
from quatrefoil.video_text.datasets.corpus import CorpusError, Split, SplitName
from quatrefoil.video_text.datasets.module import VideoTextData, VideoTextModule
from quatrefoil.video_text.datasets.msrvtt_qa import MsrvttQa
from quatrefoil.video_text.datasets.question_data import ANSWER, QUESTION, UNIT, samples_of
from quatrefoil.video_text.datasets.questions import Question, QuestionSplit
from quatrefoil.video_text.datasets.text_lengths import ReadTexts

CANDIDATES = 5


@dataclass(frozen=True, kw_only=True)
class ChoiceData(TestedOtherwise, VideoTextData):
    """Clips with captions; tests ask which of five captions is a clip's.

    Args:
        choices: protocol of MSR-VTT's questions whose test split is asked.
    """

    choices: str = "msrvtt-mc"

    @property
    def fields(self) -> Sequence[str]:
        """The fields that can be asked for; `id` and `group` always come."""
        return (*super().fields, *QUESTION, *ANSWER)

    def build(self, seed: int) -> "ChoiceModule":
        """Opens both corpora. Raises CorpusError where they are not what the protocols need."""
        return ChoiceModule(self, seed, self.files)


class ChoiceModule(VideoTextModule):
    """The captions of a `ChoiceData` for training, its choices for tests.

    The set has no choices to validate on: they are made from the captions of `val`, see `validation_choices`.
    """

    config: ChoiceData

    def __init__(self, config: ChoiceData, seed: int, files: Files) -> None:
        super().__init__(config, seed, files)
        self.chosen_from = MsrvttQa(files.root, config.missing)
        if self._training_clips & {clip.id for clip in self._test.split.clips}:
            raise CorpusError(f"{config.protocol} trains on clips that {config.choices} tests: take another protocol")

    @property
    def _training_clips(self) -> set[str]:
        return {clip.id for clip in self.split("train").clips}

    @cached_property
    def _test(self) -> QuestionSplit:
        return self.chosen_from.question_split(self.config.choices, "test")

    def items(self, split: str, unit: str, fields: Iterable[str]) -> SampleSet:
        """The choices of a split in order, where `unit` is `question`; else its clips or captions."""
        if unit != UNIT:
            return super().items(split, unit, fields)
        asked, clips = (
            (self._test.questions, self._test.split.clips)
            if split == "test"
            else (validation_choices(self.split("val")), self.split("val").clips)
        )
        labels = [int(question.answer) for question in asked]
        return samples_of(self, clips, asked, labels, attrgetter("candidates"), frozenset(fields), training=False)

    def describe(self) -> Mapping[str, Any]:
        """As ever, but for the test split."""
        described = super().describe()
        test = {"clips": len(self._test.split.clips), "questions": len(self._test.questions)}
        skipped = {"dropped_questions": len(self._test.dropped), "too_long": self._too_long("test")}
        tested = {**test, **skipped, "fingerprint": self._test.fingerprint}
        splits = {**described["splits"], "test": tested}
        protocol = f"{self._test.split.protocol}, trained on {described['protocol']}"
        fingerprint = combined(split["fingerprint"] for split in splits.values())
        return {**described, "protocol": protocol, "splits": splits, "fingerprint": fingerprint}

    def _texts(self, name: SplitName) -> ReadTexts:
        """Of the tests their candidates."""
        if name != "test":
            return super()._texts(name)
        candidates = [text for question in self._test.questions for text in question.candidates]
        return ReadTexts(candidates, f"candidates {self._test.fingerprint}")


def validation_choices(split: Split) -> list[Question]:
    """For each clip its first caption among those of four others.

    Our rule: clips stand in a circle in the order of the SHA-256 of their ids, and the captions of a clip and of the
    four after it are its candidates, in the order of the SHA-256 of clip and candidate. So each caption is offered five
    times and right once, and nothing but the clip tells which.

    Raises:
        CorpusError: fewer than five clips.
    """
    first = {caption.clip_id: caption.text for caption in reversed(split.captions)}
    circle = sorted(first, key=_hash)
    if len(circle) < CANDIDATES:
        raise CorpusError(f"{split.protocol}: choices among {CANDIDATES} need as many clips; {split.name} has {circle}")
    return [_choice(circle[row:] + circle[:row], first, row) for row in range(len(circle))]


def _choice(circle: Sequence[str], captions: Mapping[str, str], row: int) -> Question:
    """About the first clip of `circle`."""
    right = circle[0]
    mixed = sorted(circle[:CANDIDATES], key=lambda id: _hash(f"{right} {id}"))
    return Question(f"val#{row}", right, "", mixed.index(right), tuple(captions[id] for id in mixed))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
