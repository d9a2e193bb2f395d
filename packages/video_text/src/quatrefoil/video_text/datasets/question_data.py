"""Samples of clips and questions for training and evaluation, made from a corpus of questions on disk.

Legend: N questions, O candidates of a question, L text tokens.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, Literal, cast

import torch
from torch import Tensor

from quatrefoil.core.data import Sample, SampleError, SampleKey
from quatrefoil.core.seeding import generator
from quatrefoil.video_text.datasets.clips import ClipModule, Files, TestedOtherwise, combined
from quatrefoil.video_text.datasets.corpus import Clip, CorpusError, Split, SplitName
from quatrefoil.video_text.datasets.fields import FRAMES, FramesMaker, check_fields, mask_id_of, padded
from quatrefoil.video_text.datasets.lsmdc import LsmdcQa
from quatrefoil.video_text.datasets.msrvtt_qa import MsrvttQa
from quatrefoil.video_text.datasets.msvd_qa import MsvdQa
from quatrefoil.video_text.datasets.questions import MASK, AnswerVocabulary, Question, QuestionCorpus, answerable
from quatrefoil.video_text.datasets.text_lengths import ReadTexts
from quatrefoil.video_text.datasets.tgif_qa import TgifQa
from quatrefoil.video_text.text.tokenizer import TextTokenizer

QUESTION = ("question_ids", "question_mask")
ANSWER = ("answer",)
UNIT = "question"
QuestionCorpusName = Literal["tgif-qa", "msrvtt-qa", "msvd-qa", "lsmdc-qa"]
QUESTION_CORPORA: Mapping[QuestionCorpusName, type[QuestionCorpus]] = {
    "tgif-qa": TgifQa,
    "msrvtt-qa": MsrvttQa,
    "msvd-qa": MsvdQa,
    "lsmdc-qa": LsmdcQa,
}


@dataclass(frozen=True)
class QuestionMaker:
    """`question_ids`, `question_mask`: (L,), or (O, L) where there is a text for each candidate.

    A candidate that a question does not have is a row of which nothing is real: then questions with other numbers of
    candidates make a batch.

    Args:
        candidates: O, the most that a question of the split has; 0 = open questions.
        whole: texts end in what is asked about, so that none may be cut at its end.
    """

    tokenizer: TextTokenizer
    length: int
    candidates: int = 0
    whole: bool = False

    def make(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Raises SampleError where the blank of a text, or a candidate at its end, would be cut off."""
        rows = [*map(self._ids, texts), *[list[int]()] * (self.candidates - len(texts))]
        longest = max(map(len, rows))
        ids_OL = torch.stack([padded(row, longest, self.tokenizer.pad_id) for row in rows])
        mask_OL = torch.stack([torch.arange(longest) < len(row) for row in rows])
        return dict(zip(QUESTION, (ids_OL, mask_OL) if self.candidates else (ids_OL[0], mask_OL[0]), strict=True))

    def _ids(self, text: str) -> list[int]:
        """The mask token stands where the text says so: no tokeniser of ours reads special tokens from texts."""
        before, blank, after = text.partition(MASK)
        if not blank:
            ids: list[int] = self.tokenizer.encode([text], self.length + self.whole).ids[0]
            if len(ids) > self.length:
                raise SampleError(f"data.text_length={self.length} cuts off the candidate of {text!r}: make it longer")
            return ids
        (start, *first, end), (_, *last, _) = self.tokenizer.encode([before, after], self.length).ids
        if len(first) + 3 > self.length:
            raise SampleError(f"data.text_length={self.length} cuts off the blank of {text!r}: make it longer")
        return [start, *first, mask_id_of(self.tokenizer), *last[: self.length - 3 - len(first)], end]


def lengths_with_blanks(tokenizer: TextTokenizer, texts: Sequence[str]) -> list[int]:
    """How many tokens `QuestionMaker` makes of each text where nothing is cut off."""
    parts = [text.partition(MASK) for text in texts]
    befores, afters = (tokenizer.lengths([part[side] for part in parts]) for side in (0, 2))
    blanks = [bool(blank) for _, blank, _ in parts]  # a token in place of the start and the end of what comes after
    return [before + (after - 1) * blank for before, after, blank in zip(befores, afters, blanks, strict=True)]


@dataclass(frozen=True)
class QuestionSamples:
    """Questions with their clips; all that is random about a sample follows from (seed, epoch, id).

    Args:
        clip_of_N: the number of the clip of each question.
        labels_N: the class of each right answer: of a candidate, or in a vocabulary (`OUTSIDE` where it has none).
        texts: what is read of a question, a text for each candidate or one alone.
        frames: None = not wanted.
    """

    clips: Sequence[Clip]
    questions: Sequence[Question]
    clip_of_N: Sequence[int]
    labels_N: Tensor
    texts: Callable[[Question], Sequence[str]]
    maker: QuestionMaker
    frames: FramesMaker | None
    wanted: frozenset[str]
    seed: int
    training: bool

    @property
    def ids(self) -> Sequence[str]:
        return [question.id for question in self.questions]

    @property
    def groups_N(self) -> Tensor:
        """The number of the clip of each question, long (N,)."""
        return torch.tensor(self.clip_of_N)

    @property
    def among_candidates(self) -> bool:
        """Whether a label is a place among the candidates of its question, and no class."""
        return self.maker.candidates > 0

    def __len__(self) -> int:
        return len(self.questions)

    def __getitem__(self, key: SampleKey) -> Sample:
        """Raises SampleError where frames are wanted and cannot be read, or a text is too long."""
        question, row = self.questions[key.index], self.clip_of_N[key.index]
        made: dict[str, Any] = {"answer": int(self.labels_N[key.index])}
        if self.wanted & set(QUESTION):
            made |= self.maker.make(self.texts(question))
        if self.frames is not None:
            draw = partial(generator, self.seed, key.epoch, question.id)
            made |= self.frames.make(self.clips[row], "", draw, self.training)
        return {"id": question.id, "group": row, **{name: made[name] for name in made if name in self.wanted}}


def samples_of(
    module: ClipModule[Any],
    clips: Sequence[Clip],
    questions: Sequence[Question],
    labels: Sequence[int],
    texts: Callable[[Question], Sequence[str]],
    wanted: frozenset[str],
    *,
    training: bool,
    whole: bool = False,
) -> QuestionSamples:
    """Questions about `clips` as `module` reads clips and texts; `whole` as in `QuestionMaker`.

    Raises:
        ValueError: a field that there is not.
    """
    check_fields(wanted, FRAMES + QUESTION + ANSWER)
    most = max((len(question.candidates) for question in questions), default=0)
    number = {clip.id: row for row, clip in enumerate(clips)}
    return QuestionSamples(
        clips=clips,
        questions=questions,
        clip_of_N=[number[question.clip_id] for question in questions],
        labels_N=torch.tensor(labels),
        texts=texts,
        maker=QuestionMaker(module.tokenizer, module.reading(training).text_length, most, whole),
        frames=module.frames_maker(training) if wanted & set(FRAMES) else None,
        wanted=wanted,
        seed=module.seed,
        training=training,
    )


@dataclass(frozen=True, kw_only=True)
class QuestionData(TestedOtherwise):
    """Clips with questions.

    Args:
        corpus: whose files are read, and as in `ClipData`.
        vocabulary: most answers of open questions; None = as many as Clover has for this protocol.
    """

    corpus: QuestionCorpusName
    vocabulary: int | None = None

    @property
    def fields(self) -> Sequence[str]:
        """The fields that can be asked for; `id` and `group` always come."""
        return FRAMES + QUESTION + ANSWER

    def build(self, seed: int) -> "QuestionModule":
        """Opens the corpus. Raises CorpusError where it is not what the protocol needs."""
        return QuestionModule(self, seed, self.files)


class QuestionModule(ClipModule[QuestionData]):
    """The clips and questions of a `QuestionData`."""

    corpus: QuestionCorpus

    def __init__(self, config: QuestionData, seed: int, files: Files) -> None:
        super().__init__(config, QUESTION_CORPORA[config.corpus](files.root, config.missing), seed, files)

    @cached_property
    def vocabulary(self) -> AnswerVocabulary | None:
        """The answers that a model chooses among; None where the candidates come with the question."""
        split, questions = next(iter(self.corpus.items(self.config.protocol).items()))
        if not questions:
            raise CorpusError(f"{self.config.protocol}: the file of {split} holds no question; fetch it again")
        if questions[0].candidates:
            return None
        return self.corpus.vocabulary(self.config.protocol, self.config.vocabulary)

    def label(self, question: Question) -> int:
        """The class of the right answer; `OUTSIDE` where the vocabulary does not hold it."""
        if self.vocabulary is None:
            assert isinstance(question.answer, int)
            return question.answer
        return self.vocabulary.label(question)

    def train(self, fields: Iterable[str]) -> QuestionSamples:
        """The training questions that can be answered from the vocabulary, with the named fields."""
        asked = self._asked("train")
        known = asked if self.vocabulary is None else answerable(asked, self.vocabulary).questions
        return self._samples("train", known, frozenset(fields), training=True)

    def items(self, split: str, unit: str, fields: Iterable[str]) -> QuestionSamples:
        """All questions of a split for evaluation, in order: no augmentation, fixed frames.

        Raises:
            ValueError: another unit than `question`.
        """
        if unit != UNIT:
            raise ValueError(f"these data have questions, no {unit!r}: use unit={UNIT!r}")
        name = cast(SplitName, split)
        return self._samples(name, self._asked(name), frozenset(fields), training=False)

    def _asked(self, split: SplitName) -> Sequence[Question]:
        return self.corpus.question_split(self.config.protocol, split).questions

    def _samples(
        self, split: SplitName, questions: Sequence[Question], wanted: frozenset[str], *, training: bool
    ) -> QuestionSamples:
        labels = [self.label(question) for question in questions]
        clips = self.split(split).clips
        chosen = self.vocabulary is None
        return samples_of(self, clips, questions, labels, attrgetter("inputs"), wanted, training=training, whole=chosen)

    def _summary(self, split: Split) -> dict[str, Any]:
        """`outside` counts the questions whose answers the vocabulary does not hold: left out of training, wrong in
        tests."""
        found = self.corpus.question_split(self.config.protocol, split.name)
        outside = sum(self.label(question) < 0 for question in found.questions)
        counts = {"clips": len(split.clips), "questions": len(found.questions), "outside": outside}
        dropped = {"dropped": len(split.dropped), "dropped_questions": len(found.dropped)}
        answers = hashlib.sha256(self._answers.encode()).hexdigest()
        return {**counts, **dropped, "fingerprint": combined([found.fingerprint, answers])}

    def _texts(self, name: SplitName) -> ReadTexts:
        found = self.corpus.question_split(self.config.protocol, name)
        texts = [text for question in found.questions for text in question.inputs]
        fate = "their ends are not read" if self.vocabulary else "they end in what is asked about: bad samples"
        return ReadTexts(texts, f"questions {found.fingerprint}", lengths_with_blanks, fate)

    @property
    def _answers(self) -> str:
        """The vocabulary as JSON, empty where candidates come with the question."""
        return "{}" if self.vocabulary is None else self.vocabulary.to_json()

    def assets(self) -> Mapping[str, str]:
        """As ever, and the answers."""
        return {**super().assets(), AnswerVocabulary.ASSET: self._answers}
