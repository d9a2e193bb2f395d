"""What the papers claim, each claim as a comparison of two arms that are trained here.

Several claims are of more than one kind of task, or of several parts: each is then a comparison of its own (T4a, ...).
What a comparison of small models on made data can say is whether the effect is there where the truth is known; it says
nothing of the sizes that the papers print.
"""

from dataclasses import dataclass

from benchmarks.entries import (
    BRUTE_FORCE,
    CLOVER,
    CLOVER_NO_MASKS,
    CLOVER_NO_RANKING,
    CLOVER_PAIRWISE,
    CLOVER_SCRATCH,
    FRAMES,
    NO_VTM_MLM,
    QUESTIONS,
    TABLE,
    TABLE_WITHOUT,
    Arm,
    Entry,
)


@dataclass(frozen=True)
class Claim:
    """One claim.

    Args:
        name: as the tables call it, e.g. T1.
        source: where it is made.
        statement: in one line.
        better, than: the arms; the first is claimed to score higher.
        metric: in percent, higher is better, on the split `test`.
        equal: what the arms share (budget, tuning), and what they do not.
    """

    name: str
    source: str
    statement: str
    better: Entry
    than: Entry
    metric: str
    equal: str


T2V, ACCURACY = "text-to-video/R@1", "accuracy"
TABLE_PAPER = "TABLE (Chen et al., AAAI 2023)"
CLOVER_PAPER = "Clover (Huang et al., CVPR 2023)"
_SAME = "same data, encoders, steps, batch, rates and seeds; settings chosen on validation for TABLE"
_BUDGET = "same data, model, steps, batch, rates and seeds; settings chosen on validation for the full pre-training"


def _of_table(name: str, statement: str, than: Entry) -> Claim:
    return Claim(name, TABLE_PAPER, statement, TABLE, than, T2V, _SAME)


def _of_clover(name: str, statement: str, than: Arm) -> list[Claim]:
    """Retrieval as pre-training leaves it, fine-tuned retrieval, and every kind of question."""
    arms = {
        "zero-shot retrieval": (CLOVER.zero_shot, than.zero_shot, T2V),
        "fine-tuned retrieval": (CLOVER.retrieval, than.retrieval, T2V),
        **{f"{task} questions": (CLOVER.tasks[task], than.tasks[task], ACCURACY) for task in QUESTIONS},
    }
    return [
        Claim(f"{name}{letter}", CLOVER_PAPER, f"{statement}: {task}", better, other, metric, _BUDGET)
        for letter, (task, (better, other, metric)) in zip("abcdefg", arms.items(), strict=True)
        if better and other
    ]


CLAIMS = (
    _of_table("T1", "tags help", FRAMES),
    _of_table("T2", "tags that guide beat tags that are merely added", BRUTE_FORCE),
    _of_table("T3", "matching and masked words help", NO_VTM_MLM),
    *(
        _of_table(f"T4{letter}", f"{expert} tags help", entry)
        for letter, (expert, entry) in zip("abcdef", TABLE_WITHOUT.items(), strict=True)
    ),
    *_of_clover("C1", "tri-modal alignment beats pair-wise contrast", CLOVER_PAIRWISE),
    *_of_clover("C2m", "masked copies as positives add", CLOVER_NO_MASKS),
    *_of_clover("C2r", "ranking adds", CLOVER_NO_RANKING),
    *_of_clover("C3", "one pre-trained model serves every task better than the task's own", CLOVER_SCRATCH),
)
