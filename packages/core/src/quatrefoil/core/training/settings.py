"""What can be set about a run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.schedules import ScheduleConfig

Precision = Literal["fp32", "bf16"]
Engine = Literal["plain", "ddp", "zero0", "zero1", "zero2", "zero3", "fsdp2"]

ZERO_STAGES: tuple[Engine, ...] = ("zero0", "zero1", "zero2", "zero3")
"""The engines of DeepSpeed, by stage: what is cut among ranks is nothing, optimiser state, gradients, weights."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained.

    What is marked `HOW_NOT_WHAT` may be changed on resume. `evaluate_every` is not: selection sees what was evaluated.

    Args:
        steps: optimisation steps.
        batch_size: samples per step over all processes, so that a result does not depend on their number.
        precision: fp32, or bf16 autocast (weights and losses stay fp32).
        accumulate: micro-batches per step, exact for all objectives. For those that compare samples (contrast) each is
            encoded twice, as gradients are cached; refused for matching, which computes pairs across them, and, with
            objectives that compare samples, under zero2 and zero3.
        optimizer, schedule: AdamW with per-module rates; warm-up and decay.
        ema: decay of an exponential moving average of the weights, which is then what is evaluated; None = off.
        skip_budget: share of corrupt samples above which the run stops; the first ten pass, unless it is 0.
        compile: torch.compile the step.
        log_every, evaluate_every, checkpoint_every: in steps; 0 = never (both always come at the end).
        keep_last: checkpoints kept, besides the best.
        select: validation metric that chooses the checkpoint to evaluate at the end (higher is better); None = the last
            one. The test split never selects.
    """

    steps: int
    batch_size: int
    precision: Precision = "fp32"
    accumulate: int = field(default=1, metadata=HOW_NOT_WHAT)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    ema: float | None = None
    skip_budget: float = field(default=0.01, metadata=HOW_NOT_WHAT)
    compile: bool = field(default=False, metadata=HOW_NOT_WHAT)
    log_every: int = field(default=10, metadata=HOW_NOT_WHAT)
    evaluate_every: int = 0
    checkpoint_every: int = field(default=0, metadata=HOW_NOT_WHAT)
    keep_last: int = field(default=2, metadata=HOW_NOT_WHAT)
    select: str | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate", "keep_last"):
            if getattr(self, name) < 1:
                raise ValueError(f"train.{name} must be at least 1, not {getattr(self, name)}")
        for name in ("log_every", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 0:
                raise ValueError(f"train.{name} must be 0 (never) or a number of steps, not {getattr(self, name)}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"train.ema is a decay between 0 and 1, not {self.ema}")
        if not 0 <= self.skip_budget < 1:
            raise ValueError(f"train.skip_budget is a share from 0 to below 1, not {self.skip_budget}")

    @property
    def bf16(self) -> bool:
        """Whether steps and evaluations run under autocast."""
        return self.precision == "bf16"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Where a run is kept and how it is shown.

    Args:
        dir: the run folder; None = runs/<recipe>/<config hash>-seed<seed>.
        processes: number of processes that the run must have; another number is an error. None = as launched.
        engine: one process, DDP, torch's FSDP2, or a stage of DeepSpeed's ZeRO; another one is an error. None = as
            launched.
        workers: processes that load data, per rank.
        trackers: besides log.jsonl, which is always written.
        progress: show a progress bar.
    """

    dir: Path | None = None
    processes: int | None = None
    engine: Engine | None = None
    workers: int = 1
    trackers: tuple[Literal["tensorboard", "wandb"], ...] = ()
    progress: bool = True
