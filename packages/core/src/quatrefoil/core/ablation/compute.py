"""What arms of a study, or of a claim, train alike, and what not."""

from collections.abc import Sequence
from typing import Any

from quatrefoil.core.ablation.arms import Arm, by_subject
from quatrefoil.core.config import leaves, to_plain
from quatrefoil.core.training.settings import TrainConfig


def equal_compute(arms: Sequence[Arm]) -> list[str]:
    """Steps and batch of each subject's arms, and which arms have another setting of training, these or any else."""
    return [_compute(part) for part in by_subject(arms).values()]


def _compute(arms: Sequence[Arm]) -> str:
    reference, *others = arms
    train = reference.recipe.train
    pairs = [(arm, unlike(arm.recipe.train, train)) for arm in others]
    odd = [f"{arm}: {', '.join(f'{key}={ours}' for key, (ours, _) in found.items())}" for arm, found in pairs if found]
    unequal = f"; NOT equal: {'; '.join(odd)}" if odd else " in every arm"
    return f"{reference.subject}: {train.steps:,} steps of {train.batch_size}{unequal}"


def unlike(one: TrainConfig, other: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """The settings of training that decide what is learned and differ: dotted key -> the one's, the other's."""
    ours, theirs = (leaves(to_plain(each, what_only=True), "train") for each in (one, other))
    return {key: (ours.get(key), theirs.get(key)) for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)}
