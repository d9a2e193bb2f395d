"""Regulome as data of pre-training: made where it is not there yet, with its matrix, and read as any genome is."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.files import locked
from quatrefoil.genomics.datasets.pretraining.config import PretrainingPlan
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData, module_type
from quatrefoil.genomics.datasets.regulome.tasks import RegulomeData
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, CHROMOSOMES_OF, HELD_OUT_TYPES, REGULOME_VERSION

if TYPE_CHECKING:
    from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule
    from quatrefoil.genomics.regions.matrix import MatrixPlan

_OWN = Path("the benchmark's own")


@dataclass(frozen=True, kw_only=True)
class RegulomePretraining(PretrainingData, RegulomeData):
    """The embedded benchmark; chromosomes and cell types are held out as it says.

    Raises:
        ValueError: another genome or matrix than the benchmark's own.
    """

    genome: Path = field(default=_OWN, metadata=HOW_NOT_WHAT)
    matrix: Path = field(default=_OWN, metadata=HOW_NOT_WHAT)
    validation_chromosomes: tuple[str, ...] = CHROMOSOMES_OF["dev"]
    test_chromosomes: tuple[str, ...] = CHROMOSOMES_OF["test"]
    held_out_cell_types: tuple[str, ...] = HELD_OUT_TYPES

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.genome, self.matrix) != (_OWN, _OWN):
            raise ValueError("Regulome has a genome and a matrix of its own: data.genome and data.matrix cannot be set")

    def build(self, seed: int) -> "PretrainingModule":
        """Makes benchmark and matrix if need be (one process at a time; the others wait), and opens them."""
        opened = module_type()
        folder = self.folder()
        places = {"genome": folder / "genome.fa", "matrix": regulome_matrix(folder)}
        shared = {f.name: getattr(self, f.name) for f in fields(PretrainingPlan)}
        name = f"regulome-v{REGULOME_VERSION}-{self.size}"
        return opened(PretrainingPlan(**(shared | places)), seed, name=name, embedded=True)


def regulome_matrix(folder: Path) -> Path:
    """The matrix of a finished benchmark, beside it: all motifs, all cell types, scaled by the training chromosomes of
    the types that are not held out.

    Its name holds its format and the version of the scan: a scan that finds other hits makes another matrix.
    """
    from quatrefoil.genomics.regions.matrix import build
    from quatrefoil.genomics.regions.scan import SCAN_VERSION
    from quatrefoil.genomics.regions.store import MATRIX_FORMAT, MatrixError, RegionMatrix

    target = folder.with_name(f"{folder.name}-matrix{MATRIX_FORMAT}-scan{SCAN_VERSION}")
    with locked(target):
        try:
            RegionMatrix.open(target)
        except MatrixError:  # not there yet, or interrupted
            build(_plan(folder), target)
    return target


def _plan(folder: Path) -> "MatrixPlan":
    from quatrefoil.genomics.regions.matrix import MatrixPlan
    from quatrefoil.genomics.regions.motifs import read_motifs
    from quatrefoil.genomics.regions.peaks import read_peaks
    from quatrefoil.genomics.regions.pvalues import Scoring
    from quatrefoil.genomics.regions.same_genome import BASES_UNDER_PEAKS, bases_under
    from quatrefoil.genomics.regions.scan import Scanner
    from quatrefoil.genomics.regions.similarity import similar_first
    from quatrefoil.genomics.regions.sources import Scan
    from quatrefoil.genomics.regions.store import EMBEDDED
    from quatrefoil.genomics.sequence.fasta import Genome, background

    genome, motifs = Genome.open(folder / "genome.fa"), read_motifs(folder / "motifs" / "motifs.meme")
    scoring, training = Scoring(background(genome)), CHROMOSOMES_OF["train"]
    peaks = {name: read_peaks(folder / "peaks" / f"{name}.narrowPeak", genome.lengths) for name in CELL_TYPES}
    made_of = {EMBEDDED: folder.name, "scoring": str(scoring), BASES_UNDER_PEAKS: bases_under(genome, peaks)}
    source, order = Scan(genome, Scanner(motifs, scoring)), similar_first(motifs)
    return MatrixPlan(source, peaks, genome.lengths, training, order, made_of, HELD_OUT_TYPES)
