"""Genotypes of a cohort from VCF or BCF (cyvcf2, which brings htslib).

Every alternative allele is a variant of its own, with the copies of that allele as its dosage: a record with two of
them gives two. Records without an alternative allele say nothing and are counted. Symbolic alleles (`<DEL>`, `*`,
breakends) have no sequence to put into a window and are errors. A haploid call has 0 or 1 copies. A call with an allele
that is not told is missing, -1: `./.`, and half a call (`./1`, `0/.`), too. FILTER leaves nothing out and is counted.

Legend: V variants (alleles), P people.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from quatrefoil.core.wording import counted, first_few
from quatrefoil.genomics.compressed import opened
from quatrefoil.genomics.extras import extras

MISSING: Final = -1
Dosages: TypeAlias = npt.NDArray[np.int8]
_NO_GENOTYPES: Final = "no genotypes; its FORMAT needs GT, with a call for each sample"
_BASES: Final = re.compile("[ACGTN]+", re.IGNORECASE)
_BY_BLANKS: Final = re.compile(rb"^#CHROM +POS", re.MULTILINE)
_HEAD: Final = 1 << 16


class VcfError(ValueError):
    """A VCF file that cannot be used: which record, what, how to mend it."""


class Variant(NamedTuple):
    """One alternative allele.

    Attributes:
        name: the record's id, or its place; `name/allele` where a record has several alleles. No two are alike: an id
            that several records bear, as after `bcftools norm -m-`, is followed by the place.
        chromosome: as the file writes it.
        position: of the first base of `reference`, 0-based.
        reference, alternative: upper-case bases.
        where: file and record, for errors.
    """

    name: str
    chromosome: str
    position: int
    reference: str
    alternative: str
    where: str


@dataclass(frozen=True, eq=False)
class Genotypes:
    """Variants and who has them.

    Attributes:
        samples: names (P) in the order of the file.
        dosages_VP: copies of the alternative allele, `MISSING` where the call is missing.
        without_alternative: records that were left out as they have none.
        filtered: records of the variants that FILTER says something of, neither `PASS` nor `.`.
        path: of the file, for errors.
    """

    variants: Sequence[Variant]
    samples: Sequence[str]
    dosages_VP: Dosages
    without_alternative: int
    filtered: int
    path: Path

    def of(self, samples: Sequence[str]) -> Dosages:
        """The dosages of these people, in this order. Raises VcfError for one whom the file does not have."""
        place: Mapping[str, int] = {name: number for number, name in enumerate(self.samples)}
        if lacking := [name for name in samples if name not in place]:
            raise VcfError(
                f"{self.path}: no genotypes of {counted(len(lacking), 'person', 'people')} of the phenotypes "
                f"({first_few(lacking)}); take them out there"
            )
        return self.dosages_VP[:, [place[name] for name in samples]]


def read_vcf(path: str | Path) -> Genotypes:
    """All variants of a file, plain, bgzip or BCF.

    Raises:
        VcfError: no such file, no VCF, a record that htslib cannot parse, one without genotypes (GT) where there are
            samples, a position below 1, an allele that is no sequence, or the reference itself, or stands there twice,
            a compressed file that is cut off, or no variant at all.
    """
    path = Path(path)
    reader = _opened(path)
    samples: list[str] = list(reader.samples)
    variants: list[Variant] = []
    rows: list[Dosages] = []
    bare = filtered = 0
    for where, record in _records(reader, path):
        bare += not record.ALT
        filtered += bool(record.ALT) and record.FILTER is not None  # which is what PASS, too, is to cyvcf2
        calls_PC = _calls(record, samples, where)
        for number, alternative in enumerate(record.ALT, start=1):
            variants.append(_variant(record, alternative, where))
            rows.append(_dosages(calls_PC, number))
    if not variants:
        bare_records = counted(bare, "record")
        raise VcfError(f"{path}: no variant ({bare_records} without an alternative allele); is it the right file?")
    return Genotypes(_told_apart(variants), samples, np.stack(rows), bare, filtered, path)


def _told_apart(variants: Sequence[Variant]) -> list[Variant]:
    """Effects and labels are found by name: one that two variants bear would be the one's for both."""
    bearers = Counter(variant.name for variant in variants)
    named = [v._replace(name=f"{v.name}/{_place(v)}") if bearers[v.name] > 1 else v for v in variants]
    seen: set[str] = set()
    for variant in named:
        if variant.name in seen:
            raise VcfError(
                f"{variant.where}: {_place(variant)} stands there twice; keep one (`bcftools norm -d exact`)"
            )
        seen.add(variant.name)
    return named


def _place(variant: Variant) -> str:
    return f"{variant.chromosome}:{variant.position + 1}:{variant.reference}/{variant.alternative}"


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise VcfError(f"{path}: no such file; name a VCF or BCF file")
    if _BY_BLANKS.search(_head(path)):
        raise VcfError(f"{path}: its columns stand apart by blanks; write one tab between two of them")
    with extras():
        from cyvcf2 import VCF
    try:
        return VCF(str(path))
    except Exception as error:  # cyvcf2 raises plain exceptions, too, as where a sample is named twice
        raise VcfError(
            f"{path}: no VCF; its first line is `##fileformat=VCF...`, and `#CHROM` with the columns ends its header, "
            f"each sample named once (htslib tells above)"
        ) from error


def _head(path: Path) -> bytes:
    """The first bytes of what the file holds; one that is cut off is refused, where htslib reads what there is."""
    with opened(path, VcfError) as file:
        return file.read(_HEAD)


def _records(reader: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """(where, record) of each; htslib says on stderr what is wrong with one, and not in its error."""
    before, number, records = "the header", 0, iter(reader)
    while True:
        number += 1
        try:
            record = next(records)
        except StopIteration:
            return
        except Exception as error:  # cyvcf2 raises plain exceptions
            raise VcfError(
                f"{path}: record {number}, after {before}, is broken: a number of columns between tabs, a position "
                f"or a genotype that is none (htslib tells above); mend or remove the line"
            ) from error
        before = f"{record.CHROM}:{record.POS}"
        yield f"{path}: record {number} ({before})", record


def _calls(record: Any, samples: Sequence[str], where: str) -> npt.NDArray[np.int16]:
    """Alleles (P, copies) as numbers: -1 missing, -2 no such copy."""
    if not samples:
        return np.empty((0, 2), np.int16)
    try:
        found = record.genotype
    except Exception as error:  # cyvcf2 raises plain exceptions
        raise VcfError(f"{where}: {_NO_GENOTYPES}") from error
    if found is None:
        raise VcfError(f"{where}: {_NO_GENOTYPES}")
    calls_PC: npt.NDArray[np.int16] = found.array()[:, :-1]  # the last column says whether it is phased
    if calls_PC.max(initial=0) > len(record.ALT):
        raise VcfError(
            f"{where}: allele {calls_PC.max()} is called, but {len(record.ALT)} alternative alleles are listed; "
            f"was the record split? take its genotypes along (`bcftools norm -m-`)"
        )
    return calls_PC


def _dosages(calls_PC: npt.NDArray[np.int16], allele: int) -> Dosages:
    copies_P = (calls_PC == allele).sum(1)
    return np.where((calls_PC == -1).any(1), MISSING, copies_P).astype(np.int8)


def _variant(record: Any, alternative: str, where: str) -> Variant:
    for kind, allele in (("REF", record.REF), ("ALT", alternative)):
        if not _BASES.fullmatch(allele):
            raise VcfError(
                f"{where}: {kind} `{allele}` is no sequence of A, C, G, T and N; symbolic alleles, `*` and breakends "
                f"cannot be put into a window: leave them out (bcftools view -e 'ALT~\"[<*\\[]\"')"
            )
    if record.POS < 1:
        raise VcfError(f"{where}: positions count from 1; mend it")
    if record.REF.upper() == alternative.upper():
        raise VcfError(f"{where}: REF and ALT are both `{alternative}`, so nothing varies; remove the record")
    name = record.ID or f"{record.CHROM}:{record.POS}:{record.REF}"
    several = f"/{alternative}" if len(record.ALT) > 1 or not record.ID else ""
    return Variant(name + several, record.CHROM, record.POS - 1, record.REF.upper(), alternative.upper(), where)
