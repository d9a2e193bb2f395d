"""Real corpora under a data root, and what is measured of each: at full size on a GPU, small where there is none; sets
of sequences (`gue`) as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.gue import GUE, on_gue
from quatrefoil.core.measuring.entries import AS_FOUND, Entry

CORPORA = "QUATREFOIL_DATA"
"""Environment variable: the folder that holds real corpora, each in a folder of its name."""


@dataclass(frozen=True)
class OnCorpus:
    """A model on a corpus.

    Args:
        full: its recipe at the paper's size, which takes a GPU; None where there is none.
        small: one that a CPU affords; None where there is none.
        small_as: what the small one is called, where it is not the same method.
    """

    model: str
    full: str | None
    small: str | None = None
    small_as: str | None = None


NO_TAGS = "TABLE, small, no tags"
"""Experts have not run: no tag files lie beside a corpus."""
SHORT = ("train.steps=200", "train.batch_size=8", "train.evaluate_every=0", "train.select=none")
"""Of what is small: minutes of a CPU, on pieces of corpora too, which may have few clips and none for validation.

It says that a corpus is read and learned from, not what a model reaches.
"""
MEASURED: Mapping[str, tuple[OnCorpus, ...]] = {
    "msrvtt": (
        OnCorpus("Frames only", "table/msrvtt-frames"),
        OnCorpus("Brute force", "table/msrvtt-brute-force"),
        OnCorpus("TABLE", "table/msrvtt", "table/msrvtt-small", NO_TAGS),
        OnCorpus("Clover", "clover/msrvtt", "clover/msrvtt-small"),
        OnCorpus("VLSA", "vlsa/msrvtt", "vlsa/msrvtt-small"),
    ),
    "msvd": (
        OnCorpus("Frames only", "table/msvd-frames", "table/msvd-small-frames"),
        OnCorpus("Brute force", "table/msvd-brute-force"),
        OnCorpus("TABLE", "table/msvd", "table/msvd-small", NO_TAGS),
        OnCorpus("Clover", None, "clover/msvd-small"),
    ),
    "lsmdc": (
        OnCorpus("Clover", "clover/lsmdc", "clover/lsmdc-small"),
        OnCorpus("VLSA", "vlsa/lsmdc"),
    ),
    "didemo": (OnCorpus("Clover", "clover/didemo", "clover/didemo-small"),),
    "audiocaps": (OnCorpus("VLSA", "vlsa/audiocaps"),),
    "sounddescs": (OnCorpus("VLSA", "vlsa/sounddescs"),),
    "youcook2": (OnCorpus("VLSA", "vlsa/youcook2"),),
    "fsdd": (OnCorpus("VLSA", None, "vlsa/fsdd"),),
}
"""Folder -> what is measured of the corpus in it."""
_FOLDERS = (*MEASURED, GUE)


class OnRealCorpora(NamedTuple):
    """What is measured of the corpora that are there, and what they are not asked, with the reason."""

    entries: list[Entry]
    left_out: list[str]


def on_real_corpora(environment: Mapping[str, str], gpu: bool | None = None) -> OnRealCorpora:
    """Every model on each real corpus that is there, at the size that the machine affords.

    Args:
        gpu: whether there is one; None asks torch.

    Raises:
        FileNotFoundError: the folder that the environment names does not exist, or holds no corpus.
    """
    large = torch.cuda.is_available() if gpu is None else gpu
    folders = found(environment)
    asked = [(folder, each) for folder in folders for each in MEASURED.get(folder.name, ())]
    entries = [_entry(folder, each, large) for folder, each in asked if fits(each, large)]
    left_out = [
        f"not measured: {each.model} ({each.full}) on {folder}: it takes a GPU, and has no small recipe"
        for folder, each in asked
        if not fits(each, large)
    ]
    for folder in folders:
        if folder.name == GUE:
            measured, lacking = on_gue(folder)
            entries += measured
            left_out += lacking
    return OnRealCorpora(entries, left_out)


def found(environment: Mapping[str, str]) -> list[Path]:
    """The folders of real corpora; none where the environment names no root."""
    if CORPORA not in environment:
        return []
    root = Path(environment[CORPORA])
    folders = [root / name for name in _FOLDERS if (root / name).is_dir()]
    if not folders:
        what = "holds none of them" if root.is_dir() else "is no folder"
        raise FileNotFoundError(
            f"{CORPORA}={root} {what}; set it to the folder of {'/, '.join(_FOLDERS)}/, or unset it"
        )
    return folders


def fits(each: OnCorpus, large: bool) -> bool:
    """Whether it has a recipe that the machine affords."""
    return large or each.small is not None


def _entry(folder: Path, each: OnCorpus, large: bool) -> Entry:
    overrides = (f"data.root={folder}",)
    if large and each.full:
        return Entry(each.model, each.full, "full size", overrides=overrides, data_version=AS_FOUND)
    assert each.small is not None, "what fits has a recipe"
    name = each.small_as or f"{each.model}, small"
    settings = (*overrides, *SHORT)
    return Entry(name, each.small, "small, on the clips that are there", overrides=settings, data_version=AS_FOUND)
