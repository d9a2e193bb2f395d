"""A genome of two chromosomes, and VCF files on it."""

from itertools import zip_longest
from pathlib import Path

import numpy as np

CHROMOSOMES = {"chr1": 300, "chr2": 120}


def write_genome(folder: Path) -> Path:
    """Random bases, some in lower case, and a stretch of N."""
    rng, path = np.random.default_rng(0), folder / "genome.fa"
    records = []
    for name, length in CHROMOSOMES.items():
        bases = "".join(rng.choice(list("ACGTacgt"), length))
        records.append(f">{name}\n{bases[:50]}NNNNN{bases[55:]}\n")
    path.write_text("".join(records))
    return path


def write_vcf(
    path: Path, rows: list[str], samples: tuple[str, ...] = ("a", "b", "c"), filters: tuple[str, ...] = ()
) -> Path:
    """Rows are the fields from CHROM to ALT, then genotypes, by blanks; `filters` are those of the first of them."""
    head = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    head += [f"##contig=<ID={name},length={length}>" for name, length in CHROMOSOMES.items()]
    head += [
        f'##FILTER=<ID={name},Description="A filter">'
        for name in sorted({*";".join(filters).split(";")} - {"PASS", ".", ""})
    ]
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    lines = [*head, "\t".join([*columns, *(["FORMAT", *samples] if samples else [])])]
    for row, filter_ in zip_longest(rows, filters, fillvalue="PASS"):
        fields = row.split(" ")
        calls = ["GT", *fields[5:]] if samples else []
        lines.append("\t".join([*fields[:5], ".", filter_, ".", *calls]))
    path.write_text("\n".join(lines) + "\n")
    return path
