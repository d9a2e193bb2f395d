"""A small genome with peaks of a few cell types and a matrix, on disk, in the files that real ones have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.regions.hits import Hits
from quatrefoil.genomics.regions.matrix import MatrixPlan, build
from quatrefoil.genomics.regions.peaks import Interval, Peaks
from quatrefoil.genomics.regions.same_genome import BASES_UNDER_PEAKS, bases_under
from quatrefoil.genomics.sequence.fasta import Genome

LENGTH, SEGMENT, MOTIFS = 12_000, 60, 5
CHROMOSOMES = ("chr1", "chr2", "chr3", "chr8", "chr10")
TYPES, HELD_OUT = ("amber", "birch", "cedar", "delta"), ("cedar", "delta")


@dataclass(frozen=True)
class EverySpot:
    """Hits of motifs in turn, every 20 bases, each with a score of its own."""

    names: Sequence[str] = tuple(f"motif{i}" for i in range(MOTIFS))
    tables: None = None

    def hits(self, chromosome: str, intervals: Sequence[Interval]) -> Hits:
        start = np.arange(0, LENGTH - 10, 20)
        inside = np.zeros(len(start), bool)
        for _, first, last in intervals:
            inside |= (start < last) & (start + 10 > first)
        start = start[inside]
        return Hits.sorted(start, start + 10, start // 20 % MOTIFS, np.ones_like(start), 1000 + start)


def write_world(
    folder: Path, training: Sequence[str] = ("chr1", "chr2", "chr3"), held_out: Sequence[str] = HELD_OUT
) -> PretrainingData:
    """Genome and matrix in `folder`, and the data that read them."""
    draw = np.random.default_rng(0)
    with (folder / "genome.fa").open("w") as file:
        for number, name in enumerate(CHROMOSOMES):
            letters = draw.choice(list("ACGT"), LENGTH, p=[0.3, 0.2, 0.2, 0.3])
            letters[5000 + 100 * number : 5400] = "N"
            file.write(f">{name}\n{''.join(letters)}\n")
    genome = Genome.open(folder / "genome.fa")
    places = {name: np.sort(draw.choice(LENGTH // 150, 60, replace=False)) * 150 for name in CHROMOSOMES}
    peaks = {kind: _peaks(places, draw) for kind in TYPES}
    source = EverySpot()
    build(
        MatrixPlan(
            source,
            peaks,
            genome.lengths,
            training,
            range(MOTIFS),
            {BASES_UNDER_PEAKS: bases_under(genome, peaks)},
            held_out,
        ),
        folder / "matrix",
    )
    return PretrainingData(
        genome=folder / "genome.fa",
        matrix=folder / "matrix",
        validation_chromosomes=("chr10",),
        test_chromosomes=("chr8",),
        held_out_cell_types=tuple(held_out),
        k=3,
        segment=SEGMENT,
        regions=6,
    )


def _peaks(places: dict[str, np.ndarray], draw: np.random.Generator) -> Peaks:
    """Two thirds of the places are open, and the very first bases; some peaks overlap the next one."""
    start = {name: np.union1d(at[draw.random(len(at)) < 0.67], 0) for name, at in places.items()}
    chromosome = np.repeat(list(start), [len(at) for at in start.values()])
    first = np.concatenate(list(start.values()))
    return Peaks(chromosome, first, np.minimum(first + draw.integers(80, 200, len(first)), LENGTH), None, 0, 0)
