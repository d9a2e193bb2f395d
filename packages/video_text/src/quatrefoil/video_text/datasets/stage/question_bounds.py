"""How far a question gets without the clip: its reader knows all training questions and guesses what is likeliest."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from quatrefoil.video_text.datasets.stage.question_files import MULTIPLE_CHOICE_TWINS, Questions
from quatrefoil.video_text.datasets.stage.questions import BLANK, OPTIONS, Blank, Choice, Open

Q = TypeVar("Q")
Keyed = tuple[tuple[str, ...], str]
"""What a reader may condition on, most specific first, and the answer."""


def question_bounds(questions: Questions) -> dict[str, dict[str, dict[str, float]]]:
    """`{set: {"accuracy": {"chance", "question_only"}}}` on the test questions.

    For multiple choice the reader of the options sees two pairs of alike sentences and guesses among their four.
    """
    opens = {
        "tgif_frameqa": [list(map(open_key, only(questions.frameqa(split)))) for split in ("train", "test")],
        "msrvtt_qa": [list(map(open_key, only(questions.msrvtt_qa(split)))) for split in ("train", "test")],
        "lsmdc_fib": [list(map(blank_key, only(questions.fib(split)))) for split in ("train", "test")],
    }
    choices = {
        "tgif_action": [only(questions.action(split)) for split in ("train", "test")],
        "tgif_transition": [only(questions.transition(split)) for split in ("train", "test")],
    }
    found = {name: (1 / OPTIONS, choice_accuracy(*sets)) for name, sets in choices.items()}
    found |= {name: (1 / len({answer for _, answer in train}), open_accuracy(train, test))
              for name, (train, test) in opens.items()}  # fmt: skip
    found["msrvtt_mc"] = (1 / OPTIONS, 1 / (2 * MULTIPLE_CHOICE_TWINS))
    names = ("chance", "question_only")
    return {k: {"accuracy": {n: round(v, 6) for n, v in zip(names, pair, strict=True)}} for k, pair in found.items()}


def only(rows: Iterable[tuple[object, Q]]) -> list[Q]:
    """The questions without their clips."""
    return [question for _, question in rows]


def open_key(asked: Open) -> Keyed:
    """A question: as a whole, then by its first two words, then by nothing."""
    return (asked.question, " ".join(asked.question.split()[:2]), ""), asked.answer


def blank_key(blank: Blank) -> Keyed:
    """A gap: by the words on both sides, then by the one before it, then by nothing."""
    words = ["", *blank.fill_in.split(), ""]
    place = next(k for k, word in enumerate(words) if BLANK in word)
    return (f"{words[place - 1]} {BLANK} {words[place + 1]}", f"{words[place - 1]} {BLANK}", ""), blank.word


def open_accuracy(train: Sequence[Keyed], test: Sequence[Keyed]) -> float:
    """Share of test questions whose answer is the commonest of the most specific key seen in training."""
    answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for keys, answer in train:
        for key in keys:
            answers[key][answer] += 1
    guesses = (next(answers[key].most_common(1)[0][0] for key in keys if key in answers) for keys, _ in test)
    return float(np.mean([guess == answer for guess, (_, answer) in zip(guesses, test, strict=True)]))


def choice_accuracy(train: Sequence[Choice], test: Sequence[Choice]) -> float:
    """Share of test questions whose right option is that which was right most often where it was offered."""
    right: Counter[str] = Counter()
    offered: Counter[str] = Counter()
    for question in train:
        offered.update(question.options)
        right[question.options[question.answer]] += 1
    rate = {option: right[option] / offered[option] for option in offered}
    guesses = (max(range(OPTIONS), key=lambda k: rate.get(q.options[k], 0.0)) for q in test)
    return float(np.mean([guess == q.answer for guess, q in zip(guesses, test, strict=True)]))
