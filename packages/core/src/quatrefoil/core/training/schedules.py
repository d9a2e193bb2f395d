"""The learning rate over a run: warm-up, then a decay to a floor."""

import math
from dataclasses import dataclass
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate goes; `floor` is the share of it that is left at the end.

    `warmup` below 1 is a share of all steps, from 1 on a number of steps.
    """

    name: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = 0.1
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in ("cosine", "linear", "constant"):
            raise ValueError(f"the schedule must be 'cosine', 'linear' or 'constant', got {self.name!r}")
        if self.warmup < 0 or (self.warmup > 1 and self.warmup != int(self.warmup)):
            raise ValueError(f"warmup must be a share in 0..1 or a whole number of steps, got {self.warmup}")
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor must lie in 0..1, got {self.floor}")

    def warmup_steps(self, total_steps: int) -> int:
        """Steps of warm-up. Raises ValueError where they are not fewer than `total_steps`."""
        steps = round(self.warmup * total_steps) if self.warmup < 1 else int(self.warmup)
        if steps >= total_steps:
            raise ValueError(f"a warm-up of {steps} steps leaves none of {total_steps} to train: shorten it (warmup)")
        return steps


def multiplier(step: int, total_steps: int, config: ScheduleConfig) -> float:
    """The factor on the learning rate of update `step` (from 0): up to 1 in a line, down to `floor` at `total_steps`.

    The first update has 1 / warm-up steps rather than 0, which would be wasted.
    """
    warmup = config.warmup_steps(total_steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / (total_steps - warmup))
    shape = {"cosine": (1 + math.cos(math.pi * progress)) / 2, "linear": 1 - progress, "constant": 1.0}[config.name]
    return config.floor + (1 - config.floor) * shape


def scheduler(optimizer: Optimizer, config: ScheduleConfig, total_steps: int) -> LambdaLR:
    """The schedule as a torch scheduler, to be stepped once after every update."""
    return LambdaLR(optimizer, lambda step: multiplier(step, total_steps, config))
