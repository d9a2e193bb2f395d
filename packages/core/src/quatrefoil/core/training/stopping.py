"""Runs that stop before their end: told to by SIGTERM, or by a loss that is not finite."""

import json
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.files import whole_folder


class NonFiniteLoss(ValueError):
    """A loss or gradient is NaN or infinite."""


class Preempted(SystemExit):
    """The run was told to end (SIGTERM), has saved its state and exits with status 0."""


class StopSignal:
    """Within it SIGTERM, which schedulers send before they kill, is noted in `asked` and ends nothing.

    A second one ends the process at once. In threads other than the main one no signal can be noted: none is.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> "StopSignal":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _note(self, number: int, stack: FrameType | None) -> None:
        self.asked = True
        signal.signal(number, signal.SIG_DFL)


def dump(folder: Path, step: int, rank: int, batch: Batch, reason: str) -> Path:
    """Writes a batch, as this rank had it, and why; the folder, which takes the place of an older one.

    It holds `batch.safetensors` (fields that are tensors) and `batch.json` (the others, the ids among them, and the
    reason).
    """
    target = folder / "dumps" / f"step-{step:08d}-rank{rank}"
    for old in sorted(target.glob("*")):
        old.unlink()
    with whole_folder(target) as part:
        # Copies: safetensors refuses fields that share their memory.
        tensors = {name: v.detach().cpu().clone().contiguous() for name, v in batch.items() if isinstance(v, Tensor)}
        others = {name: value for name, value in batch.items() if name not in tensors}
        save_file(tensors, part / "batch.safetensors")
        (part / "batch.json").write_text(json.dumps({"step": step, "reason": reason, **others}, indent=1) + "\n")
    return target
