"""Runs that stop before their end: told to by SIGTERM or Ctrl-C, or by a loss that is not finite."""

import json
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

from safetensors.torch import save_file
from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.files import whole_folder

_STDERR = 2


class NonFiniteLoss(ValueError):
    """A loss or gradient is NaN or infinite."""


class Preempted(SystemExit):
    """The run was told to end, has saved its state and exits.

    The status is 0 after SIGTERM, as what a scheduler asked for was done; 130 after Ctrl-C, so that what was to follow
    in a script does not.
    """


class StopSignal:
    """Within it SIGTERM, which schedulers send before they kill, and Ctrl-C are noted, said, and end nothing.

    A second one of a kind ends the process at once. One that was ignored before still is. In threads other than
    the main one no signal can be noted: none is.
    """

    _STATUS: Final = {signal.SIGTERM: 0, signal.SIGINT: 130}

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def status(self) -> int:
        """What to exit with; of ranks to which another one was told, 0."""
        return self._STATUS[self.asked] if self.asked else 0

    def __enter__(self) -> "StopSignal":
        if threading.current_thread() is threading.main_thread():
            # Shells have Ctrl-C ignored in what they put into the background.
            heard = [number for number in self._STATUS if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, stack: FrameType | None) -> None:
        self.asked = signal.Signals(number)
        signal.signal(number, signal.SIG_DFL)
        said = f"\n{self.asked.name}: saving after the step that is being made; once more ends the run at once\n"
        with suppress(OSError):  # who started the run, and read this, may have been ended first
            os.write(_STDERR, said.encode())  # print may be what was interrupted


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
