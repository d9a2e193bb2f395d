"""Question files as TGIF-QA, MSRVTT-QA (and -MC, both in ClipBERT's lines) and LSMDC-FiB have them.

Each `*_rows` function returns the rows; `write_questions` puts them below `questions/`.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from quatrefoil.core.text_files import write_json, write_jsonl, write_table
from quatrefoil.video_text.datasets.stage.annotation import test_captions
from quatrefoil.video_text.datasets.stage.atoms import all_atoms
from quatrefoil.video_text.datasets.stage.clips import Clip
from quatrefoil.video_text.datasets.stage.motion import SECONDS
from quatrefoil.video_text.datasets.stage.questions import (
    FRAME_TYPES,
    OPTIONS,
    Blank,
    Choice,
    Open,
    blanks,
    clip_questions,
    frame_questions,
    repeated_actions,
    transitions,
)
from quatrefoil.video_text.datasets.stage.world import stream

SPLIT_NAMES = {"train": "training", "validate": "val", "test": "test"}
CHOICE_HEADER = ["gif_name", "question", *(f"a{k}" for k in range(1, OPTIONS + 1)), "answer", "vid_id", "key"]
FRAME_HEADER = ["gif_name", "question", "answer", "type", "vid_id", "key", "description"]
MULTIPLE_CHOICE_TWINS = 2
"""Pairs of siblings among the options of a multiple choice; with the one stranger this makes `OPTIONS`."""


class Questions:
    """All questions of a benchmark by set and split: pairs of a clip and a `Choice`, `Open` or `Blank`."""

    def __init__(self, clips: list[Clip], seed: int) -> None:
        self.seed = seed
        self.clips = {split: [c for c in clips if c.casting.split == split] for split in SPLIT_NAMES}
        self.multiple_choice = list(multiple_choices(self.clips["test"], stream(seed, "test", 0, "multiple choice")))

    def action(self, split: str) -> list[tuple[Clip, Choice]]:
        """TGIF-QA repeated action."""
        return [(c, q) for c in self.clips[split] for q in repeated_actions(c.casting.facts, self.rng(c, "action"))]

    def transition(self, split: str) -> list[tuple[Clip, Choice]]:
        """TGIF-QA state transition."""
        return [(c, q) for c in self.clips[split] for q in transitions(c.casting.facts, self.rng(c, "transition"))]

    def frameqa(self, split: str) -> list[tuple[Clip, Open]]:
        """TGIF-QA frame questions."""
        return [(c, q) for c in self.clips[split] for q in frame_questions(c.casting.facts)]

    def msrvtt_qa(self, split: str) -> list[tuple[Clip, Open]]:
        """MSRVTT-QA."""
        return [(c, q) for c in self.clips[split] for q in clip_questions(c.casting.facts)]

    def fib(self, split: str) -> list[tuple[Clip, Blank]]:
        """LSMDC-FiB."""
        return [
            (clip, blank)
            for clip in self.clips[split]
            for rng in [self.rng(clip, "fib")]
            for caption in clip.captions
            for blank in blanks(caption, rng)
        ]

    def rng(self, clip: Clip, purpose: str) -> random.Random:
        """The random numbers of one clip for one set."""
        return stream(self.seed, clip.casting.split, clip.casting.index, purpose)


def multiple_choices(test: list[Clip], rng: random.Random) -> Iterator[tuple[Clip, Choice]]:
    """MSRVTT-MC over test captions: the right one with one of a sibling, a strange pair of siblings, a stranger.

    The two pairs are there because a lone pair among five would give the right one away to a reader of the options.
    """
    captions = dict(zip((clip.casting.number for clip in test), test_captions(test), strict=True))
    families: dict[int | None, list[Clip]] = {}
    for clip in test:
        families.setdefault(clip.casting.family, []).append(clip)
    for clip in test:
        siblings = [other for other in families[clip.casting.family] if other is not clip]
        options = [clip, rng.choice(siblings), *strangers(clip, families, rng)]
        if any(captions[c.casting.number].states.holds(all_atoms(clip.casting.facts)) for c in options[1:]):
            continue
        rng.shuffle(options)
        yield clip, Choice("", tuple(captions[c.casting.number].text for c in options), options.index(clip))


def strangers(clip: Clip, families: dict[int | None, list[Clip]], rng: random.Random) -> list[Clip]:
    """Two members of one other family and one of a third."""
    pair, single = rng.sample([family for family in families if family != clip.casting.family], MULTIPLE_CHOICE_TWINS)
    return [*rng.sample(families[pair], 2), rng.choice(families[single])]


def write_questions(root: Path, questions: Questions) -> None:
    """Write every question file below `root / "questions"`."""
    folder = root / "questions"
    write_tgif(folder / "tgif_qa", questions)
    for split, name in (("train", "train"), ("validate", "val"), ("test", "test")):
        write_jsonl(folder / "msrvtt_qa" / f"{name}.jsonl", map(open_line, questions.msrvtt_qa(split)))
        file = folder / "lsmdc_fib" / f"LSMDC16_annos_{SPLIT_NAMES[split]}_FIB.csv"
        write_table(file, map(blank_row, questions.fib(split)), delimiter="\t")
    write_json(folder / "msrvtt_qa" / "train_ans2label.json", answer_labels(questions.msrvtt_qa("train")))
    lines = ({**choice_line(row), "qid": number} for number, row in enumerate(questions.multiple_choice))
    write_jsonl(folder / "msrvtt_mc" / "test.jsonl", lines)


def write_tgif(folder: Path, questions: Questions) -> None:
    """TGIF-QA's tables, tab separated in spite of `.csv`; validation clips are left out, as the real set has none."""
    for split, name in (("train", "Train"), ("test", "Test")):
        for task, rows in (("action", questions.action(split)), ("transition", questions.transition(split))):
            table = [choice_row(number, row, task.upper()) for number, row in enumerate(rows)]
            write_table(folder / f"{name}_{task}_question.csv", [CHOICE_HEADER, *table], delimiter="\t")
        frames = [frame_row(number, row) for number, row in enumerate(questions.frameqa(split))]
        write_table(folder / f"{name}_frameqa_question.csv", [FRAME_HEADER, *frames], delimiter="\t")


def choice_row(number: int, row: tuple[Clip, Choice], task: str) -> Sequence[object]:
    """A row of five options."""
    clip, question = row
    return [clip.casting.video_id, question.question, *question.options, question.answer, f"{task}{number}", number]


def frame_row(number: int, row: tuple[Clip, Open]) -> Sequence[object]:
    """A row of an open frame question, with a caption of the clip as its description."""
    clip, asked = row
    kind, name = FRAME_TYPES[asked.kind], f"FRAMEQA{number}"
    return [clip.casting.video_id, asked.question, asked.answer, kind, name, number, clip.captions[0].text]


def open_line(row: tuple[Clip, Open]) -> dict[str, Any]:
    """A line of MSRVTT-QA."""
    clip, asked = row
    names = {"answer": asked.answer, "question": asked.question}
    return {**names, "video_id": clip.casting.video_id, "answer_type": asked.kind}


def choice_line(row: tuple[Clip, Choice]) -> dict[str, Any]:
    """A line of MSRVTT-MC."""
    clip, asked = row
    return {"answer": asked.answer, "options": asked.options, "video_id": clip.casting.video_id}


def blank_row(row: tuple[Clip, Blank]) -> Sequence[str]:
    """A row of LSMDC-FiB: clip, aligned and extracted times (the whole clip), sentence, gapped sentence, word."""
    clip, blank = row
    span = ["00.00.00.000", f"00.00.{SECONDS:02d}.000"]
    return [clip.casting.video_id, *span, *span, blank.sentence, blank.fill_in, blank.word]


def answer_labels(rows: list[tuple[Clip, Open]]) -> dict[str, int]:
    """The numbers of the answers in train, sorted by name as in the real file."""
    return {answer: label for label, answer in enumerate(sorted(Counter(asked.answer for _, asked in rows)))}
