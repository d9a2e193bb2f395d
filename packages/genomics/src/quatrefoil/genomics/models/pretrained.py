"""The sequence encoder of a pre-training, put into another model."""

from pathlib import Path

from torch import nn

from quatrefoil.core.runs.stored import read_stored
from quatrefoil.core.weights import State

_FIRST = "token_embedding.weight"


def refuse_two_starts(pretrained: str | None, dnabert: str | None) -> None:
    """Raise `ValueError` where both are named."""
    if pretrained is not None and dnabert is not None:
        raise ValueError(f"start from pretrained={pretrained}, or from dnabert={dnabert}, not from both")


def initialise_from_pretrained(encoder: nn.Module, source: str) -> None:
    """Copy into `encoder` the one encoder of k-mers that `source` holds: a finished run, or a checkpoint of one.

    Heads and other encoders of the pre-training are left behind; a pooler that `encoder` does not have too.

    Raises:
        CheckpointError: nothing there, or it is damaged.
        ValueError: no such encoder in it, or several, or one of other sizes (they are named).
    """
    _, state = read_stored(Path(source))
    prefixes = [key.removesuffix(_FIRST) for key in state if key.endswith(_FIRST)]
    if len(prefixes) != 1:
        raise ValueError(f"{source} holds {len(prefixes)} encoders of k-mers; name a pre-training with one")
    theirs = {key.removeprefix(prefixes[0]): value for key, value in state.items() if key.startswith(prefixes[0])}
    ours = encoder.state_dict()
    if differing := _differences(ours, theirs):
        raise ValueError(
            f"{source} was pre-trained with other sizes: {'; '.join(differing)}. Set model.* to those "
            f"of the pre-training (k, widths, layers)"
        )
    encoder.load_state_dict({name: theirs[name] for name in ours})


def _differences(ours: State, theirs: State) -> list[str]:
    shapes = {name: tuple(theirs[name].shape) if name in theirs else "not there" for name in ours}
    wrong = [
        f"{name} {shapes[name]}, here {tuple(ours[name].shape)}" for name in ours if shapes[name] != ours[name].shape
    ]
    surplus = [f"{name} is not here" for name in theirs if name not in ours and not name.startswith("pooler.")]
    return [*wrong, *surplus]
