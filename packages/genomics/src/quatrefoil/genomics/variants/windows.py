"""Variants in their windows: the reference as the genome has it, and the same with the alternative allele.

Legend: L bases of a window.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from quatrefoil.genomics.sequence.codes import LETTERS, Codes, encode
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.variants.vcf import Variant, VcfError


class Alleles(NamedTuple):
    """Codes (L,) of a window, with either allele."""

    reference: Codes
    alternative: Codes


def windows(genome: Genome, variants: Sequence[Variant], length: int) -> Iterator[Alleles]:
    """`alleles` of each variant."""
    return (alleles(genome, variant, length) for variant in variants)


def alleles(genome: Genome, variant: Variant, length: int) -> Alleles:
    """A window with either allele.

    The window begins length // 2 bases before the variant. Where the alternative allele is longer or
    shorter, what follows it is moved, and the window is cut, or filled from the genome, at its end: both windows have
    `length` bases. Beyond the ends of the chromosome stands N.

    Raises:
        VcfError: a chromosome that the genome lacks, a place beyond its end, another reference allele than the
            genome's, or a window that the variant is not inside of.
    """
    try:
        size = genome.length(variant.chromosome)
    except ValueError as error:
        raise VcfError(f"{variant.where}: {error}") from error
    first = variant.position - length // 2
    end = variant.position + len(variant.reference)
    if not 0 <= variant.position < end <= size:
        raise VcfError(
            f"{variant.where}: lies beyond the end of {variant.chromosome} ({size} bases); another assembly?"
        )
    if not first <= variant.position <= first + length - max(len(variant.reference), len(variant.alternative)):
        raise VcfError(f"{variant.where}: does not fit into a window of {length} bases; take longer windows")
    _check_reference(genome, variant, end)
    before = genome.fetch(variant.chromosome, first, variant.position, "N") if first < variant.position else _nothing()
    rest = genome.fetch(variant.chromosome, variant.position, first + length + len(variant.reference), "N")
    changed = encode(variant.alternative.encode(), variant.where, 0)
    return Alleles(
        np.concatenate([before, rest])[:length],
        np.concatenate([before, changed, rest[len(variant.reference) :]])[:length],
    )


def _check_reference(genome: Genome, variant: Variant, end: int) -> None:
    found = LETTERS[genome.fetch(variant.chromosome, variant.position, end)].tobytes().decode()
    if found != variant.reference:
        raise VcfError(
            f"{variant.where}: REF is {variant.reference}, but {genome.path} has {found} there; was it called on "
            f"another assembly? `bcftools norm --check-ref w` lists all such records"
        )


def _nothing() -> Codes:
    return np.empty(0, np.uint8)
