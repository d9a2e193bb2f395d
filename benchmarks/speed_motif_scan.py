"""The motif scan against MOODS and lightmotif, and k-mer ids against DNABERT's text, on the same sequence.

`python -m benchmarks.speed_motif_scan GENOME.fa MOTIFS [--bases N]` stores and prints one JSON object: processor
seconds of each scanner in one thread (the least of three turns), the numbers of hits, and how many hits are not common
to both. What each does once for all motifs is timed apart (`setup_s`; ours finds thresholds in it, which the others are
given; theirs makes the sequence ready, too), and making Python's tuples of their hits is not timed. MOODS (`pip install
MOODS-python`, compiled) and lightmotif are timed where they are installed.
Ids of 6-mers are timed on windows of 1,000 bases, against cutting each into words that a table numbers, as DNABERT's
tokeniser does; `kmer_differ` counts windows whose ids are not the same.
"""

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.timing import CPU, keep, least, surroundings, timed
from quatrefoil.genomics.regions.motifs import read_motifs
from quatrefoil.genomics.regions.pvalues import Scoring
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.codes import LETTERS, Codes
from quatrefoil.genomics.sequence.fasta import Genome, background
from quatrefoil.genomics.sequence.kmers import UNK, KmerVocabulary
from tests.genomics.regions import trusted

RESULTS: Final = Path(__file__).parent / "results" / "speed_motif_scan.json"
OTHERS: Final = {"moods": "MOODS-python", "lightmotif": "lightmotif"}
"""The package that brings each scanner of `trusted`."""
_K: Final = 6
_WINDOW: Final = 1000
_TURNS: Final = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genome", type=Path)
    parser.add_argument("motifs", type=Path)
    parser.add_argument("--bases", type=int, default=200_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    given = f"{options.genome.name} {options.motifs.name} --bases {options.bases}"
    around = surroundings(f"python -m benchmarks.speed_motif_scan {given}", CPU, ("torch", "numpy"))
    around["versions"] |= installed()
    keep(RESULTS, around | measured(options.genome, options.motifs, options.bases))


def installed() -> dict[str, str]:
    """The versions of `OTHERS` that are here."""
    found = {}
    for other, package in OTHERS.items():
        with suppress(PackageNotFoundError):
            found[other] = version(package)
    return found


def measured(genome_file: Path, motifs: Path, bases: int) -> dict[str, Any]:
    """Times, hits and k-mer rates on the first bases of the first sequence.

    Raises:
        ValueError: it has less than a window.
    """
    genome = Genome.open(genome_file)
    name = next(iter(genome.lengths))
    codes = genome.fetch(name, 0, min(bases, genome.length(name)))
    if len(codes) < _WINDOW:
        raise ValueError(f"{genome_file}: {name} gives {len(codes)} bases; give {_WINDOW} or more, and --bases as many")
    scanner, setup = timed(lambda: Scanner(read_motifs(motifs), Scoring(background(genome))), CPU)
    ready = {other: timed(partial(getattr(trusted, other), scanner, codes), CPU) for other in installed()}
    scans: dict[str, Callable[[], Any]] = {"": lambda: scanner.scan(codes)}
    scans |= {other: theirs.given.scan for other, theirs in ready.items()}
    found = least(scans, _TURNS, CPU)
    hits, seconds = found[""]
    ours = set(zip(*(c.tolist() for c in (hits.start, hits.motif, hits.strand, hits.score)), strict=True))
    row: dict[str, Any] = {"bases": len(codes), "motifs": len(scanner.motifs), "hits": len(ours)}
    row |= {"setup_s": round(setup, 2), "scan_s": round(seconds, 2)}
    for other, theirs in ready.items():
        results, its = found[other]
        row |= {f"{other}_setup_s": round(theirs.seconds, 2), f"{other}_s": round(its, 2)}
        row |= {f"{other}_ratio": round(its / seconds, 2), f"{other}_differ": len(theirs.given.read(results) ^ ours)}
    return row | kmer_rates(codes)


def kmer_rates(codes: Codes) -> dict[str, Any]:
    """Windows a processor second, ours and through text."""
    windows_BL = LETTERS[codes[: len(codes) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)]
    texts = [window_L.tobytes().decode() for window_L in windows_BL]
    vocabulary = KmerVocabulary(_K)
    number = {token: place for place, token in enumerate(vocabulary.tokens)}
    ours, seconds = timed(lambda: vocabulary.encode_batch(windows_BL), CPU)
    theirs, its = timed(lambda: [through_text(text, number) for text in texts], CPU)
    differ = sum(a.tolist() != b for a, b in zip(ours, theirs, strict=True))
    rates = {"kmer_windows_per_s": round(len(texts) / seconds), "kmer_text_windows_per_s": round(len(texts) / its)}
    return rates | {"kmer_ratio": round(its / seconds, 1), "kmer_differ": differ}


def through_text(text: str, number: Mapping[str, int]) -> list[int]:
    """Ids of the words of a window, by looking each up."""
    words = " ".join(text[start : start + _K] for start in range(len(text) - _K + 1))
    return [number.get(word, UNK) for word in words.split()]


if __name__ == "__main__":
    main()
