"""The configuration of labelled variants; what opens them is imported when they are opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.genomics.datasets.regulome.tasks import RegulomeData
from quatrefoil.genomics.datasets.regulome.world import CHROMOSOMES_OF
from quatrefoil.genomics.extras import extras

if TYPE_CHECKING:
    from quatrefoil.genomics.datasets.variants.module import RegulomeVariantModule, VariantModule

FIELDS: Final = ("bases", "alternative", "label")
_LABELS: Final = Path("truth/variants.tsv")


@dataclass(frozen=True, kw_only=True)
class VariantWindows:
    """How a variant is shown.

    Args:
        length: bases of its window.
    """

    length: int = 101

    def __post_init__(self) -> None:
        if self.length < 8:
            raise ValueError(f"data.length is {self.length}; a window of less than 8 bases shows nothing")

    @property
    def fields(self) -> Sequence[str]:
        """`bases`, `alternative`: uint8 (L,), the window with either allele; `label`: number of the class."""
        return FIELDS


@dataclass(frozen=True, kw_only=True)
class VariantData(VariantWindows):
    """Variants of a VCF file, their classes in a table, split by chromosome.

    Args:
        genome: a FASTA file, or a folder made by `Genome.pack`.
        vcf: VCF or BCF; genotypes are not needed.
        labels: a table by tabs: `variant` (the name in the VCF) and the column `label`. Variants that it does not name
            are left out and counted.
        label: the column of the class.
        validation_chromosomes, test_chromosomes: all others are trained on.
    """

    genome: Path = field(metadata=HOW_NOT_WHAT)
    vcf: Path = field(metadata=HOW_NOT_WHAT)
    labels: Path = field(metadata=HOW_NOT_WHAT)
    label: str
    validation_chromosomes: tuple[str, ...]
    test_chromosomes: tuple[str, ...]

    @extras()
    def build(self, seed: int) -> "VariantModule":
        """Raises ValueError as `VariantModule`."""
        from quatrefoil.genomics.datasets.variants.module import VariantModule

        return VariantModule(self, {"name": self.vcf.name, "protocol": f"variants/{self.label}"})


@dataclass(frozen=True, kw_only=True)
class RegulomeVariants(VariantWindows, RegulomeData):
    """Regulome's variants, and whether their allele closes an element that is open in the cell type of the disease."""

    @extras()
    def build(self, seed: int) -> "RegulomeVariantModule":
        """Makes the benchmark if need be."""
        from quatrefoil.genomics.datasets.variants.module import RegulomeVariantModule

        folder = self.folder()
        files: Mapping[str, Path] = {"genome": folder / "genome.fa", "vcf": folder / "disease" / "cohort.vcf"}
        config = VariantData(
            **files,
            labels=folder / _LABELS,
            label="breaking",
            validation_chromosomes=CHROMOSOMES_OF["dev"],
            test_chromosomes=CHROMOSOMES_OF["test"],
            length=self.length,
        )
        return RegulomeVariantModule(config, self)
