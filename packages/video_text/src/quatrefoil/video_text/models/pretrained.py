"""Where a model to be fine-tuned finds the weights and the files of the one that was pre-trained."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from quatrefoil.core.hub import locate
from quatrefoil.core.runs.stored import is_stored, read_stored
from quatrefoil.core.weights import read_state
from quatrefoil.video_text.text.tokenizer import TextTokenizer


def trained_weights(source: str) -> Mapping[str, Tensor]:
    """The weights of a run folder, of one of its checkpoints, of a file, or of a folder or hub id of a saved model.

    Raises:
        ValueError: it is none of these.
    """
    folder = Path(source)
    return read_stored(folder)[1] if is_stored(folder) else read_state(source)


def reads_other_tokens(tokenizer: TextTokenizer, source: str | None) -> bool:
    """Whether what a model starts from (None: nothing) was trained with another tokeniser, as far as that is known: a
    checkpoint or a file has none beside it."""
    text = None if source is None else trained_asset(source, "tokenizer.json")
    return text is not None and TextTokenizer(text).fingerprint != tokenizer.fingerprint


def trained_asset(source: str, name: str) -> str | None:
    """A file beside the weights of a run folder or of a saved model; None where they have nothing beside them.

    Raises:
        ValueError: a saved model without this file.
    """
    folder = Path(source)
    if folder.is_file():
        return None
    if is_stored(folder):
        path = folder / "model" / name
        return path.read_text(encoding="utf-8") if path.is_file() else None
    return locate(source, name).read_text(encoding="utf-8")
