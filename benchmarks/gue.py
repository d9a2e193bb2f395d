"""GUE's sets of sequences under a data root, and what is measured of each: GeneBERT's classifier and baselines.

Each is a folder with train.csv, dev.csv and test.csv, as `GUE/prom/prom_core_tata`. One pre-training, on all training
halves that are there and without what is like any sequence that selects or tests, is what the pre-trained one starts
from. The sets that the project reports at length, of other sources too, are those of `benchmarks/real_sequences`.
"""

import json
import os
from pathlib import Path
from typing import Final

from quatrefoil.core.measuring.entries import AS_FOUND, Entry

GUE: Final = ("GUE", "gue")
"""Names of its folder, as published and in lower case."""
_HALVES: Final = ("train", "dev", "test")
_DIRECTED: Final = ("prom", "splice")
"""Groups whose sequences are read on the strand that is given; a binding site and a mark have no direction."""


def on_gue(folder: Path) -> tuple[list[Entry], list[str]]:
    """What is measured of each set under this folder, links followed, and the sets that lack a part, with it."""
    named = {f"{half}.csv" for half in _HALVES}
    sets = sorted(Path(where) for where, _, files in os.walk(folder, followlinks=True) if named & set(files))
    if not sets:
        return [], [f"not measured: {folder}, in which no folder holds {', '.join(sorted(named))}"]
    lacking = {each: [half for half in _HALVES if not (each / f"{half}.csv").is_file()] for each in sets}
    whole = [each for each in sets if not lacking[each]]
    start = _pretraining(folder, sets)
    left_out = [
        f"not measured: {each}, which has no {', '.join(f'{half}.csv' for half in halves)}"
        for each, halves in lacking.items()
        if halves
    ]
    return [entry for each in whole for entry in _entries(folder, each, start)], left_out


def _entries(folder: Path, each: Path, start: Entry) -> list[Entry]:
    where = each.relative_to(folder)
    files = zip(("train", "validation", "test"), _HALVES, strict=True)
    settings = (f"data.root={folder}", *(f"data.{part}={where / half}.csv" for part, half in files))
    if where.parts[0] not in _DIRECTED:
        settings = (*settings, "data.both_strands=true")
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
        return json.dumps([str(file.relative_to(folder)) for file in files if file.is_file()])

    settings = (f"data.root={folder}", f"data.sequences={those('train')}", f"data.exclude={those('dev', 'test')}")
    return Entry(
        "GeneBERT on sequences, pre-training",
        "genebert/sequence-pretrain",
        "masked bases of all training halves",
        overrides=settings,
        data_version=AS_FOUND,
    )
