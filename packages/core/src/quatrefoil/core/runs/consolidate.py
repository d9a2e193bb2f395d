"""`quatrefoil consolidate`: the weights of a checkpoint, of whichever engine, as one safetensors file."""

import json
from pathlib import Path

from torch import Tensor

from quatrefoil.core.files import whole_folder
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import CheckpointError, save_tensors
from quatrefoil.core.runs.folder import RunFolder

DESCRIBED = "run.json"
"""The settings of the run; not named config.json, which Hugging Face's mixin would take for those of the model."""


def consolidate(path: Path, to: Path) -> Path:
    """Write the weights that would be evaluated, averaged ones where an average is kept, and the run's description.

    They are weights alone, to start from by `model.pretrained=FILE`; for `from_pretrained` a finished run has `model/`,
    whole under every engine, with tokeniser and card.

    Every byte of the checkpoint is checked first; nothing in it is executed or unpickled.

    Raises:
        CheckpointError: there is no valid checkpoint of ours; FileExistsError: `to` is there already.
    """
    if to.exists():
        raise FileExistsError(f"{to} is there already: name a folder to make")
    saved = checkpoint.load(_checkpoint(path))
    about = {"format": "pt", "step": str(saved.step), "config_hash": str(saved.config.get("config_hash"))}
    with whole_folder(to) as part:
        save_tensors(_once(saved.tensors.get("ema", saved.tensors["model"])), part / "model.safetensors", about)
        (part / DESCRIBED).write_text(json.dumps(saved.config, indent=1) + "\n")
    return to / "model.safetensors"


def _checkpoint(path: Path) -> Path:
    if checkpoint.is_checkpoint(path):
        return path
    if any(path.glob("zero_to_fp32.py")) or any(path.glob("**/*_optim_states.pt")):
        raise CheckpointError(
            f"{path} was saved by DeepSpeed itself, in pickles and with a script to run: neither is touched here. "
            f"Checkpoints of our runs are whole and plain under ZeRO too; give one of those"
        )
    newest = checkpoint.newest_valid(RunFolder(path).checkpoints)
    if newest is None:
        raise CheckpointError(f"{path} is no checkpoint (no {checkpoint.MANIFEST}) and no run folder with a valid one")
    return newest


def _once(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tied tensors under their first name alone: safetensors holds no memory twice, and models tie them again."""
    first: dict[int, str] = {}
    for name, tensor in tensors.items():
        first.setdefault(id(tensor), name)
    return {name: tensors[name] for name in first.values()}
