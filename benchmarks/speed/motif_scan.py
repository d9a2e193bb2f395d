"""The motif scan against MOODS and lightmotif, on the same sequence, matrices and thresholds.

`python -m benchmarks.speed.motif_scan GENOME.fa MOTIFS [--bases N]` prints one JSON object: seconds of each scanner (with
the work that it does once for all sequences apart), the numbers of hits, and how many hits are not common to both.
MOODS (`pip install MOODS-python`, compiled) and lightmotif are timed where they are installed. One thread each.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from quatrefoil.genomics.regions.motifs import read_motifs
from quatrefoil.genomics.regions.pvalues import Scoring
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.fasta import Genome, background
from tests.genomics.regions import trusted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genome", type=Path)
    parser.add_argument("motifs", type=Path)
    parser.add_argument("--bases", type=int, default=1_000_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    genome = Genome.open(options.genome)
    name = next(iter(genome.lengths))
    codes = genome.fetch(name, 0, min(options.bases, genome.length(name)))
    scanner, setup = timed(lambda: Scanner(read_motifs(options.motifs), Scoring(background(genome))))
    hits, seconds = timed(lambda: scanner.scan(codes))
    ours = set(zip(*(c.tolist() for c in (hits.start, hits.motif, hits.strand, hits.score)), strict=True))
    row = {"bases": len(codes), "motifs": len(scanner.motifs), "hits": len(ours)}
    row |= {"setup_s": round(setup, 2), "scan_s": round(seconds, 2)}
    for other, package in (("moods", "MOODS"), ("lightmotif", "lightmotif")):
        if find_spec(package):
            row |= compared(other, lambda other=other: getattr(trusted, other)(scanner, codes), ours, seconds)
    print(json.dumps(row))


def compared(name: str, scan: Callable[[], trusted.Found], ours: trusted.Found, seconds: float) -> dict[str, Any]:
    """Its seconds (preparing and reading its results included), as a ratio to ours, and the hits that differ."""
    found, its = timed(scan)
    return {f"{name}_s": round(its, 2), f"{name}_ratio": round(its / seconds, 2), f"{name}_differ": len(found ^ ours)}


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


if __name__ == "__main__":
    main()
