"""Questions about clips: with candidates of which one is right, or open, answered from a closed vocabulary."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple, Self

from quatrefoil.core.evaluation.classification import OUTSIDE
from quatrefoil.video_text.datasets.corpus import CorpusError, Split, SplitName
from quatrefoil.video_text.datasets.split_files import NO_VAL, ZERO_SHOT, SplitFiles

MASK = "[MASK]"
"""Stands for the word that is missing in a sentence to be filled in; a data module puts its tokeniser's own there."""

UNKNOWN = ""
"""The answer of a question that its own file calls outside of its vocabulary; nothing that is predicted equals it."""


@dataclass(frozen=True)
class Question:
    """One question.

    Args:
        id: split and number of the row in its file, from 0 (`train#17`), unique in a protocol. What is held out for
            validation keeps the number that it has in training.
        clip_id: the clip that it is about.
        text: the question; "" where the candidates say it all; a sentence with one `[MASK]` where a word is missing.
        answer: the number of the right candidate, from 0; of an open question its text.
        candidates: what may be chosen, two or more; none in an open question.

    Raises:
        CorpusError: one candidate only, an answer that is no candidate's number, or no text in an open question.
    """

    id: str
    clip_id: str
    text: str
    answer: str | int
    candidates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.candidates)
        if count == 1:
            raise CorpusError(f"{self.id}: a choice needs at least two candidates, has {self.candidates}")
        if count and self.answer not in range(count):
            raise CorpusError(f"{self.id}: the answer {self.answer!r} is no number of one of {count} candidates")
        if not count and not isinstance(self.answer, str):
            raise CorpusError(f"{self.id}: an open question is answered by a text, not {self.answer!r}")

    @property
    def stem(self) -> str:
        """The question with its candidates, as far as it does not say which one is asked about."""
        return f"{self.text} Options: {' '.join(self.candidates)}" if self.candidates else self.text

    @property
    def inputs(self) -> tuple[str, ...]:
        """The texts that a model reads: one for each candidate, or the question (Clover's official `QATextPrepare`)."""
        return tuple(f"{self.stem} Answer: {candidate}" for candidate in self.candidates) or (self.text,)


@dataclass(frozen=True)
class AnswerVocabulary:
    """The answers that a model chooses among; the label of an answer is its place.

    It is written as MSRVTT-QA's `train_ans2label.json` is, and travels with the model as the asset `ASSET`.
    """

    ASSET: ClassVar[str] = "answers.json"

    answers: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.answers)) != len(self.answers) or not self.answers or UNKNOWN in self.answers:
            raise ValueError(f"a vocabulary needs answers, each once and none empty; got {self.answers[:5]}")

    @classmethod
    def from_training(cls, questions: Iterable[Question], size: int) -> Self:
        """The `size` most frequent answers of open *training* questions, or all of them; ties by alphabet.

        Raises:
            ValueError: a size below 1, or no open question with an answer.
        """
        if size < 1:
            raise ValueError(f"the size of an answer vocabulary is {size}; it must be at least 1")
        counts = Counter(q.answer for q in questions if isinstance(q.answer, str) and q.answer != UNKNOWN)
        ranked = sorted(counts, key=lambda answer: (-counts[answer], answer))
        return cls(tuple(ranked[:size]))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read `{answer: label}`. Raises ValueError where the labels are not 0, 1, 2, ... each once."""
        labels = json.loads(text)
        if not isinstance(labels, dict) or sorted(map(str, labels.values())) != sorted(map(str, range(len(labels)))):
            raise ValueError("an answer vocabulary needs {answer: label} with the labels 0, 1, 2, ... each once")
        return cls(tuple(sorted(labels, key=lambda answer: int(labels[answer]))))

    def to_json(self) -> str:
        return json.dumps(self._labels, indent=0)

    def __len__(self) -> int:
        return len(self.answers)

    def label(self, question: Question) -> int:
        """The label of an open question's answer; `OUTSIDE` where the vocabulary does not hold it (always wrong)."""
        return self._labels.get(str(question.answer), OUTSIDE)

    @cached_property
    def _labels(self) -> dict[str, int]:
        return {answer: label for label, answer in enumerate(self.answers)}


class Answerable(NamedTuple):
    """Questions whose answers a vocabulary holds, and the ids of the others, which training leaves out and tells."""

    questions: tuple[Question, ...]
    dropped: tuple[str, ...]


def answerable(questions: Sequence[Question], vocabulary: AnswerVocabulary) -> Answerable:
    """What can be trained on. Tests keep all questions: an answer outside of the vocabulary counts as wrong."""
    known = tuple(question for question in questions if vocabulary.label(question) != OUTSIDE)
    dropped = tuple(question.id for question in questions if vocabulary.label(question) == OUTSIDE)
    return Answerable(known, dropped)


@dataclass(frozen=True)
class QuestionSplit:
    """The questions of one split whose videos are on disk.

    Args:
        split: their clips, with protocol and what was dropped.
        questions: in the order of the file.
        dropped: ids of the questions whose videos are missing.
    """

    split: Split
    questions: tuple[Question, ...]
    dropped: tuple[str, ...]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what decides a score: the clips as `Split.fingerprint` has them, questions and answers."""
        digest = hashlib.sha256(self.split.fingerprint.encode())
        for question in self.questions:
            digest.update(repr(question).encode())
        return digest.hexdigest()


class QuestionCorpus(SplitFiles[Question]):
    """A corpus of questions. In its listing the questions stand where captions do in others, with their candidates.

    `vocabulary_sizes` gives the size of the answer vocabulary of each protocol with open questions (Clover's, section 5
    of its specification; the official code).
    """

    texts = "questions"
    vocabulary_sizes: ClassVar[Mapping[str, int]] = {}

    def question_split(self, protocol: str, name: SplitName) -> QuestionSplit:
        """The questions of one split of `protocol`, with the videos that are on disk. Raises CorpusError as `split`."""
        split = self.split(protocol, name)
        present = {clip.id for clip in split.clips}
        questions = self.items(protocol)[name]
        kept = tuple(question for question in questions if question.clip_id in present)
        return QuestionSplit(split, kept, tuple(q.id for q in questions if q.clip_id not in present))

    def vocabulary(self, protocol: str, size: int | None = None) -> AnswerVocabulary:
        """The answers of the training questions as annotated (missing videos do not change it), at most `size` of them.

        Args:
            size: None = as Clover has it for this protocol.

        Raises:
            CorpusError: the protocol's questions have candidates, or there are no training questions.
        """
        task = protocol.removesuffix(NO_VAL).removesuffix(ZERO_SHOT)
        if task not in self.vocabulary_sizes:
            raise CorpusError(f"{self.name}: {protocol} has no open questions, so it needs no answer vocabulary")
        if protocol.endswith(ZERO_SHOT):
            raise CorpusError(
                f"{self.name}: {protocol} reads no training questions, so open ones have no answers to choose among; "
                f"test a model that was trained on some with data.protocol={task}"
            )
        train = self.items(protocol).get("train")
        if train is None:
            raise CorpusError(f"{self.name}: {protocol} has no training questions here to make a vocabulary from")
        return AnswerVocabulary.from_training(train, self.vocabulary_sizes[task] if size is None else size)

    def _text(self, item: Question) -> str:
        return item.stem


def blank_filled(sentence: str, blank: str, where: str) -> str:
    """The sentence with `[MASK]` in place of its blank. Raises CorpusError unless there is exactly one."""
    if sentence.count(blank) != 1:
        raise CorpusError(f"{where}: needs exactly one {blank} to fill in, has {sentence.count(blank)}: {sentence!r}")
    return sentence.replace(blank, MASK)
