"""Real corpora under a data root, and what is measured of each: at full size on a GPU, small where there is none; sets
of sequences (`gue`) as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.gue import GUE, on_gue
from quatrefoil.core import recipes
from quatrefoil.core.measuring.entries import AS_FOUND, Entry
from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.lsmdc import LsmdcQa
from quatrefoil.video_text.datasets.msrvtt_qa import MsrvttQa
from quatrefoil.video_text.datasets.msvd_qa import MsvdQa
from quatrefoil.video_text.datasets.questions import QuestionCorpus
from quatrefoil.video_text.datasets.tgif_qa import TgifQa

CORPORA = "QUATREFOIL_DATA"
"""Environment variable: the folder that holds real corpora, each in a folder of its name."""


@dataclass(frozen=True)
class OnCorpus:
    """A model on a corpus.

    Args:
        full: its recipe at the paper's size, which takes a GPU; None where there is none.
        small: one that a CPU affords; None where there is none.
        small_as: what the small one is called, where it is not the same method.
        questions: the corpus and the protocol of questions that it answers, where it does: not every copy has them.
    """

    model: str
    full: str | None
    small: str | None = None
    small_as: str | None = None
    questions: tuple[type[QuestionCorpus], str] | None = None

    def lacks(self, folder: Path) -> str | None:
        """The file of questions that is not there, in all the ways that it may be called; None where one is."""
        if self.questions is None:
            return None
        corpus, protocol = self.questions
        files = corpus.files[protocol]["test"]
        return None if any(map(corpus(folder).find_annotation, files)) else " or ".join(files)


def _clover_asked(folder: str, task: str, corpus: type[QuestionCorpus], protocol: str) -> OnCorpus:
    recipe = f"clover/{folder}-{task}"
    return OnCorpus("Clover", recipe, f"{recipe}-small", questions=(corpus, protocol))


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
        _clover_asked("msrvtt", "qa", MsrvttQa, "msrvtt-qa"),
        _clover_asked("msrvtt", "mc", MsrvttQa, "msrvtt-mc"),
        OnCorpus("VLSA", "vlsa/msrvtt", "vlsa/msrvtt-small"),
    ),
    "msvd": (
        OnCorpus("Frames only", "table/msvd-frames", "table/msvd-small-frames"),
        OnCorpus("Brute force", "table/msvd-brute-force"),
        OnCorpus("TABLE", "table/msvd", "table/msvd-small", NO_TAGS),
        OnCorpus("Clover", None, "clover/msvd-small"),
        _clover_asked("msvd", "qa", MsvdQa, "msvd-qa"),
    ),
    "lsmdc": (
        OnCorpus("Clover", "clover/lsmdc", "clover/lsmdc-small"),
        _clover_asked("lsmdc", "mc", LsmdcQa, "lsmdc-mc"),
        _clover_asked("lsmdc", "fib", LsmdcQa, "lsmdc-fib"),
        OnCorpus("VLSA", "vlsa/lsmdc"),
    ),
    "didemo": (OnCorpus("Clover", "clover/didemo", "clover/didemo-small"),),
    "tgif": tuple(_clover_asked("tgif", task, TgifQa, f"tgif-{task}") for task in ("action", "transition", "frame")),
    "audiocaps": (OnCorpus("VLSA", "vlsa/audiocaps"),),
    "sounddescs": (OnCorpus("VLSA", "vlsa/sounddescs"),),
    "youcook2": (OnCorpus("VLSA", "vlsa/youcook2"),),
    "fsdd": (OnCorpus("VLSA", None, "vlsa/fsdd"),),
}
"""Folder -> what is measured of the corpus in it."""
_FOLDERS = (*MEASURED, GUE)


class OnRealCorpora(NamedTuple):
    """What is measured of the corpora that are there, and what is not measured or not tested, with the reason."""

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
    folders = _folders(environment)
    asked = [(folder, each) for folder in folders for each in MEASURED.get(folder.name, ())]
    entries, left_out = list[Entry](), list[str]()
    for folder, each in asked:
        named = f"{each.model} ({each.full or each.small}) on {folder}"
        if (reason := _reason(folder, each, large)) is not None:
            left_out.append(f"not measured: {named}: {reason}")
            continue
        entry = _entry(folder, each, large)
        scored = _scored(entry)
        if isinstance(scored, CorpusError):
            left_out.append(f"not measured: {named}: {scored}")
        elif scored is not None and not scored:
            left_out.append(f"not measured: {named}: no clip that it is validated or tested on is there")
        else:
            entries.append(entry)
            if scored is not None and "test" not in scored:
                said = "no clip of its test is there; validation is stored and not shown"
                left_out.append(f"not tested: {each.model} ({entry.recipe}) on {folder}: {said}")
    left_out += _unknown(folders)
    for folder in folders:
        if folder.name == GUE:
            measured, lacking = on_gue(folder)
            entries += measured
            left_out += lacking
    return OnRealCorpora(entries, left_out)


def _scored(entry: Entry) -> Sequence[str] | CorpusError | None:
    """The splits of which some clip is there, or what its annotations lack; None where only the run can tell."""
    try:
        recipe = recipes.load(entry.recipe, entry.overrides)
        return recipe.data.build(recipe.seed).splits
    except CorpusError as error:
        return error
    except (ValueError, ImportError, OSError):
        return None


def _reason(folder: Path, each: OnCorpus, large: bool) -> str | None:
    """Why it is not measured there; None where it is."""
    if each.small is None and not large:
        return "it takes a GPU, and has no small recipe"
    lacking = each.lacks(folder)
    return None if lacking is None else f"there is no {lacking}"


def _unknown(folders: Sequence[Path]) -> list[str]:
    """Folders beside them of which nothing is measured."""
    beside = sorted(path for path in folders[0].parent.iterdir() if path.is_dir()) if folders else []
    known = ", ".join(_FOLDERS)
    return [f"not measured: {path}, which is called none of {known}" for path in beside if path.name not in _FOLDERS]


def _folders(environment: Mapping[str, str]) -> list[Path]:
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


def _entry(folder: Path, each: OnCorpus, large: bool) -> Entry:
    overrides = (f"data.root={folder}",)
    if large and each.full:
        return Entry(each.model, each.full, "full size", overrides=overrides, data_version=AS_FOUND)
    assert each.small is not None, "what fits has a recipe"
    name = each.small_as or f"{each.model}, small"
    settings = (*overrides, *SHORT)
    return Entry(name, each.small, "small, on the clips that are there", overrides=settings, data_version=AS_FOUND)
