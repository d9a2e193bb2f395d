"""Runs that stop at a loss that is not finite leave its batch, to see why."""

import json
from pathlib import Path

from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.files import whole_folder
from quatrefoil.core.runs.checkpoint import save_tensors


class NonFiniteLoss(ValueError):
    """A loss or gradient is NaN or infinite."""


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
        save_tensors(tensors, part / "batch.safetensors")
        (part / "batch.json").write_text(json.dumps({"step": step, "reason": reason, **others}, indent=1) + "\n")
    return target
