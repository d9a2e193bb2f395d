"""GUE's sets of sequences under a data root, and what is measured of each: GeneBERT's classifier and baselines.

Each is a folder with train.csv, dev.csv and test.csv, as `gue/prom/prom_core_tata`. One pre-training, on all training
halves that are there and without what is like any sequence that selects or tests, is what the pre-trained one starts
from. The sets that the project reports at length, of other sources too, are those of `benchmarks/real_sequences`.
"""

import json
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.real_sequences.sets import BOTH_STRANDS, PARTS
from quatrefoil.core.measuring.entries import AS_FOUND, Entry

GUE: Final = "gue"
_HALVES: Final = ("train", "dev", "test")
_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("prom", "splice"), ()),
    **dict.fromkeys(("tf", "mouse", "EMP"), BOTH_STRANDS),
}
"""Groups of sets: promoters and splice sites have a direction, binding sites and marks have none."""


def on_gue(folder: Path) -> tuple[list[Entry], list[str]]:
    """What is measured of each set under this folder, links followed, and the sets that are not, with the reason."""
    named = {f"{half}.csv" for half in _HALVES}
    sets = sorted(Path(where) for where, _, files in os.walk(folder, followlinks=True) if named & set(files))
    if not sets:
        return [], [f"not measured: {folder}, in which no folder holds {', '.join(sorted(named))}"]
    start = _pretraining(folder, sets)
    measured, left_out = list[Entry](), list[str]()
    for each in sets:
        where = each.relative_to(folder)
        strands = next((_SETTINGS[part] for part in where.parts if part in _SETTINGS), None)
        if lacking := [file.name for file in _files(each) if not _holds_sequences(file)]:
            left_out.append(f"not measured: {each}, which has no sequences in {', '.join(lacking)}")
        elif strands is None:
            groups = "/, ".join(_SETTINGS)
            left_out.append(
                f"not measured: {each}, which is in none of {groups}/, so that it is not known whether a strand means "
                f"something"
            )
        else:
            files = (f"data.{part}={where / half}.csv" for part, half in zip(PARTS, _HALVES, strict=True))
            measured += _entries((f"data.root={folder}", *files, *strands), start)
    return measured, left_out


def _files(folder: Path) -> list[Path]:
    return [folder / f"{half}.csv" for half in _HALVES]


def _holds_sequences(file: Path) -> bool:
    """Whether a head and a line are there; what they say is read when it is trained on."""
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        return sum(1 for _ in islice(lines, 2)) == 2


def _entries(settings: tuple[str, ...], start: Entry) -> list[Entry]:
    of_recipe = (
        ("GeneBERT on sequences", "classify", "pre-trained on all training halves", start),
        ("GeneBERT on sequences, untrained twin", "classify", "from random weights", None),
        ("Motif CNN", "classify-motif-cnn", "its motif filters alone", None),
        ("One-hot CNN", "classify-cnn", "baseline", None),
        ("K-mer logistic regression", "classify-kmer-logistic", "baseline", None),
    )
    return [
        Entry(name, f"genebert/{recipe}", note, overrides=settings, start=begun, data_version=AS_FOUND)
        for name, recipe, note, begun in of_recipe
    ]


def _pretraining(folder: Path, sets: list[Path]) -> Entry:
    def those(*halves: str) -> str:
        files = (each / f"{half}.csv" for each in sets for half in halves)
        return json.dumps([str(file.relative_to(folder)) for file in files if _holds_sequences(file)])

    settings = (f"data.root={folder}", f"data.sequences={those('train')}", f"data.exclude={those('dev', 'test')}")
    return Entry(
        "GeneBERT on sequences, pre-training",
        "genebert/sequence-pretrain",
        "masked bases of all training halves",
        overrides=settings,
        data_version=AS_FOUND,
    )
