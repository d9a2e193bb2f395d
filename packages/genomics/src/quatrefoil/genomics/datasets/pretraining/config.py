"""Which windows pre-train a model, and what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.genomics.datasets.pretraining.fields import FIELDS
from quatrefoil.genomics.sequence.kmers import KmerVocabulary


@dataclass(frozen=True, kw_only=True)
class HiddenCells:
    """Cells of the matrix that are hidden and restored: blocks of neighbouring motifs and regions.

    Args:
        grid: cells along motifs and regions, as the encoder's last stage has them.
        rate: share that is hidden, alike in all samples (0.75 is what VLSA hides of pictures).

    Raises:
        ValueError: an empty grid, or a rate that hides nothing, or all.
    """

    grid: tuple[int, int]
    rate: float = 0.75

    def __post_init__(self) -> None:
        rows, columns = self.grid
        if min(self.grid) < 1 or not 0 < round(self.rate * rows * columns) < rows * columns:
            raise ValueError(f"a rate of {self.rate} must hide some of {rows} x {columns} cells, and not all")


@dataclass(frozen=True, kw_only=True)
class PretrainingPlan:
    """Windows about the peaks of cell types, and the regions about them.

    Four splits: `train`, `val` and `test` by chromosome, with the cell types that are not held out; `unseen` are the
    held-out ones on the test chromosomes.

    Args:
        genome: a FASTA file, or a folder made by `Genome.pack`.
        matrix: a folder made by `quatrefoil matrix`; its values must be scaled by training chromosomes
            and by cell types that are not held out.
        validation_chromosomes, test_chromosomes: never trained on.
        excluded_chromosomes: in no split, whether the genome has them or not.
        held_out_cell_types: never trained on; two at least for negatives of another cell type among them.
        accessibility: append the row of accessibility to the matrix.
        k: length of the k-mers.
        segment: bases of each half of a window.
        regions: peaks of a window of regions.
        mask_rate: share of k-mers that are masked.
        hidden: cells of the matrix that are hidden for those objectives that restore them; None = there are none.
        drop_own_column: chance that the columns of the sequence's own peak are zero.
        reverse_complement: chance that a sample is read on the other strand; in evaluation none is.
        gc_tolerance: how far the GC content of a false second half may lie from the true one's.
        most_unknown: share of N above which a window is dropped.
        evaluated: windows of a split that are evaluated, drawn once and for all; all where there are fewer.

    Raises:
        ValueError: sizes or shares that cannot be, or chromosomes that are in two splits.
    """

    genome: Path = field(metadata=HOW_NOT_WHAT)
    matrix: Path = field(metadata=HOW_NOT_WHAT)
    validation_chromosomes: tuple[str, ...]
    test_chromosomes: tuple[str, ...]
    held_out_cell_types: tuple[str, ...]
    excluded_chromosomes: tuple[str, ...] = ("chrM", "chrY")
    accessibility: bool = False
    k: int = 6
    segment: int = 250
    regions: int = 200
    mask_rate: float = 0.15
    hidden: HiddenCells | None = None
    drop_own_column: float = 0.5
    reverse_complement: float = 0.5
    gc_tolerance: float = 0.05
    most_unknown: float = 0.05
    evaluated: int = 2000

    def __post_init__(self) -> None:
        KmerVocabulary(self.k)
        if self.segment < self.k or min(self.regions, self.evaluated) < 1:
            raise ValueError(
                f"a segment of {self.segment} bases needs k={self.k} at least, and {self.regions=} and "
                f"{self.evaluated=} 1 at least"
            )
        for name in ("drop_own_column", "reverse_complement", "gc_tolerance", "most_unknown"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"data.{name} is a share from 0 to 1, not {getattr(self, name)}")
        if not 0 < self.mask_rate <= 1:
            raise ValueError(f"data.mask_rate is above 0 and at most 1, not {self.mask_rate}; switch the task off")
        apart = (*self.validation_chromosomes, *self.test_chromosomes, *self.excluded_chromosomes)
        if twice := sorted({name for name in apart if apart.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} named more than once for validation, test or exclusion")

    @property
    def fields(self) -> Sequence[str]:
        return [name for name in FIELDS if name != "hidden_cells" or self.hidden is not None]
