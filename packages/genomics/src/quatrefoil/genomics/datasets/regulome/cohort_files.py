"""The cohort as files: VCF for the genotypes, a table for the people."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.cohort import Cohort
from quatrefoil.genomics.datasets.regulome.world import ACGT

PHENOTYPE_HEAD: Final = ("sample", "disease", "sex", "age", "batch", "ancestry1", "ancestry2")


def vcf_lines(cohort: Cohort, lengths: Mapping[str, int]) -> Iterator[str]:
    """VCF 4.2 with hard calls."""
    yield "##fileformat=VCFv4.2"
    yield from (f"##contig=<ID={name},length={length}>" for name, length in lengths.items())
    yield '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency among the called">'
    yield '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
    head = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")
    people = cohort.genotypes_VP.shape[1]
    yield "\t".join([*head, *(sample_name(person) for person in range(people))])
    calls = np.array(["0/0", "0/1", "1/1"])
    for number, (variant, row_P) in enumerate(zip(cohort.variants, cohort.genotypes_VP, strict=True)):
        bases = (chr(ACGT[variant.reference]), chr(ACGT[variant.alternative]))
        where = (variant.chromosome, str(variant.position + 1), variant_name(number), *bases)
        yield "\t".join([*where, ".", "PASS", f"AF={row_P.mean() / 2:.6f}", "GT", *calls[row_P].tolist()])


def phenotype_rows(cohort: Cohort) -> Iterator[tuple[object, ...]]:
    """One row a person, as in `PHENOTYPE_HEAD`."""
    yield PHENOTYPE_HEAD
    columns = (cohort.disease_P, cohort.sex_P, cohort.age_P, cohort.batch_P)
    for person, (ill, sex, age, batch) in enumerate(zip(*columns, strict=True)):
        first, second = cohort.components_P2[person].tolist()
        yield (sample_name(person), int(ill), "FM"[sex], age, batch, f"{first:.6f}", f"{second:.6f}")


def sample_name(person: int) -> str:
    """The name of a person in all files."""
    return f"person{person:05}"


def variant_name(number: int) -> str:
    """The name of a variant in all files."""
    return f"variant{number:06}"
