"""The configuration of data about open regions; what opens them is imported when they are opened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.genomics.datasets.regulome.tasks import RegulomeData, read_bounds
from quatrefoil.genomics.datasets.regulome.world import CHROMOSOMES_OF
from quatrefoil.genomics.extras import extras
from quatrefoil.genomics.sequence.kmers import KmerVocabulary

if TYPE_CHECKING:
    from quatrefoil.genomics.datasets.openness.module import OpennessModule

SEQUENCE, REGIONS = ("ids", "token_mask", "segments"), ("matrix", "region_mask")
PAIRED = ("open_in", "place", "cell_type", "chromosome")
FIELDS = (*SEQUENCE, *REGIONS, "label", *PAIRED)
ALL, VARYING = "region", "varying_region"
_METRICS = {"auc/all": "openness/ROC-AUC", "auc/varies": "openness-varying/ROC-AUC"}


@dataclass(frozen=True, kw_only=True)
class OpennessSizes:
    """What a sample is made of: the same as in pre-training, `PretrainingData`.

    Args:
        k: length of the k-mers.
        segment: bases of each half of the window about the middle of a region.
        regions: at most so many peaks of the cell type about the region, without its own, or the nearest one;
            in training the region lies anywhere among them, or it would be told by a matrix that is known by heart.
        only_varying: train on the regions alone that are open in some cell types and closed in others.
        shift: in training a window lies at most so many bases off the middle of its region, either way. Places are few
            and come back in every cell type: without this and the other strand, they are learned by heart.
        reverse_complement: chance that a region is read on the other strand in training.
    """

    k: int = 6
    segment: int = 100
    regions: int = 32
    only_varying: bool = False
    shift: int = 50
    reverse_complement: float = 0.5

    def __post_init__(self) -> None:
        KmerVocabulary(self.k)
        if self.shift < 0 or not 0 <= self.reverse_complement <= 1:
            raise ValueError(f"{self.shift=} is 0 or more bases, {self.reverse_complement=} a share from 0 to 1")
        if self.shift > self.segment:
            raise ValueError(f"data.shift={self.shift} leaves the region; at most data.segment={self.segment}")
        if self.segment < self.k or self.regions < 1:
            raise ValueError(f"a segment of {self.segment} bases needs k={self.k} at least, {self.regions=} 1 at least")

    @property
    def fields(self) -> Sequence[str]:
        return FIELDS


@dataclass(frozen=True, kw_only=True)
class OpennessData(OpennessSizes):
    """Regions by cell types, from tables with the columns chrom, start, end, cell_type and open (0 or 1).

    Args:
        genome: a FASTA file, or a folder made by `Genome.pack`.
        matrix: a folder made by `quatrefoil matrix` with all cell types of the tables; those that are only tested by
            `--held-out`.
        train, validation, test: tables by tabs, with a header; without `test` nothing is tested.
    """

    genome: Path = field(metadata=HOW_NOT_WHAT)
    matrix: Path = field(metadata=HOW_NOT_WHAT)
    train: Path = field(metadata=HOW_NOT_WHAT)
    validation: Path = field(metadata=HOW_NOT_WHAT)
    test: Path | None = field(default=None, metadata=HOW_NOT_WHAT)

    @extras()
    def build(self, seed: int) -> "OpennessModule":
        """Opens genome, matrix and tables. Raises ValueError as `OpennessModule`."""
        from quatrefoil.genomics.datasets.openness.module import OpennessModule

        return OpennessModule(self, self, seed, {"name": self.matrix.stem, "protocol": "openness"})


@dataclass(frozen=True, kw_only=True)
class RegulomeOpenness(OpennessSizes, RegulomeData):
    """Regulome's elements; those of `test` are of chromosomes and cell types that are held out."""

    @extras()
    def build(self, seed: int) -> "OpennessModule":
        """Makes benchmark and matrix if need be, and opens them."""
        from quatrefoil.genomics.datasets.openness.module import OpennessModule
        from quatrefoil.genomics.datasets.pretraining.regulome import regulome_matrix

        folder = self.folder()
        train, validation, test = (folder / "openness" / f"{split}.tsv" for split in CHROMOSOMES_OF)
        matrix, genome = regulome_matrix(folder), folder / "genome.fa"
        files = OpennessData(genome=genome, matrix=matrix, train=train, validation=validation, test=test)
        reference = {"test": read_bounds(folder, "openness", _METRICS)}
        return OpennessModule(self, files, seed, self.facts("openness", reference))
