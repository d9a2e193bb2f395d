"""The files of Regulome, in the formats that the field keeps such data in."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from quatrefoil.core.text_files import write_json, write_lines, write_table
from quatrefoil.genomics.datasets.regulome.chromosome import Chromosome
from quatrefoil.genomics.datasets.regulome.cohort import Cohort
from quatrefoil.genomics.datasets.regulome.cohort_files import phenotype_rows, variant_name, vcf_lines
from quatrefoil.genomics.datasets.regulome.grammar import Grammar
from quatrefoil.genomics.datasets.regulome.motifs import FACTORS, MEMBERS, Motif, jaspar_lines, meme_lines
from quatrefoil.genomics.datasets.regulome.openness import HEAD, TYPES_OF, element_name, openness_rows
from quatrefoil.genomics.datasets.regulome.windows import Windows
from quatrefoil.genomics.datasets.regulome.world import (
    CELL_TYPES,
    CHROMOSOMES_OF,
    DISEASE_TYPE,
    HELD_OUT_TYPES,
    SPLIT_OF,
    TRAINING_TYPES,
    Split,
)

LINE = 80  # bases in a line of FASTA
_STRANDS = {1: "+", -1: "-"}


def write_genome(folder: Path, chromosomes: Sequence[Chromosome]) -> None:
    """`genome.fa`, repeats in lower case, and its index as `samtools faidx` writes it."""
    index, offset = [], 0
    with (folder / "genome.fa").open("wb") as file:
        for chromosome in chromosomes:
            letters, head = chromosome.letters_L.tobytes(), f">{chromosome.name}\n".encode()
            lines = b"".join(letters[i : i + LINE] + b"\n" for i in range(0, len(letters), LINE))
            index.append((chromosome.name, len(letters), offset + len(head), LINE, LINE + 1))
            offset += file.write(head + lines)
    write_table(folder / "genome.fa.fai", index, "\t")


def write_motifs(folder: Path, motifs: Sequence[Motif]) -> None:
    """The matrices in both formats, and which factors are of one family."""
    write_lines(folder / "motifs" / "motifs.jaspar", jaspar_lines(motifs))
    write_lines(folder / "motifs" / "motifs.meme", meme_lines(motifs))
    families = [(motif.id, motif.name, motif.name.rstrip("0123456789")) for motif in motifs]
    write_table(folder / "motifs" / "families.tsv", [("id", "factor", "family"), *families], "\t")


def write_peaks(folder: Path, chromosomes: Sequence[Chromosome]) -> None:
    """One narrowPeak file for each cell type."""
    for number, cell_type in enumerate(CELL_TYPES):
        write_table(folder / "peaks" / f"{cell_type}.narrowPeak", _narrow_peaks(chromosomes, number), "\t")


def _narrow_peaks(chromosomes: Sequence[Chromosome], cell_type: int) -> Iterator[tuple[object, ...]]:
    """BED6+4. Score, p and q follow from the signal, as they nearly do in a caller's output."""
    peaks = [(c.name, peak) for c in chromosomes for peak in c.peaks[cell_type]]
    for number, (name, (start, end, summit, signal)) in enumerate(peaks, start=1):
        p, q = round(2.5 * signal, 5), round(2.2 * signal, 5)
        score = min(1000, int(10 * q))
        yield (name, start, end, f"{CELL_TYPES[cell_type]}_peak_{number}", score, ".", signal, p, q, summit)


def write_genes(folder: Path, chromosomes: Sequence[Chromosome]) -> None:
    """`genes.bed`, BED12: one transcript a line, its exons as blocks; the name says the class of the promoter."""
    rows: list[tuple[object, ...]] = []
    for chromosome in chromosomes:
        for number, gene in enumerate(chromosome.genes):
            name = f"{chromosome.name}_gene{number}_{'tata' if gene.tata else 'notata'}"
            lengths, starts = ([end - start for start, end in gene.exons], [s - gene.start for s, _ in gene.exons])
            span = (chromosome.name, gene.start, gene.end, name, 0, _STRANDS[gene.strand], gene.start, gene.start, 0)
            rows.append((*span, len(lengths), _listed(lengths), _listed(starts)))
    write_table(folder / "annotation" / "genes.bed", sorted(rows, key=lambda row: (row[0], row[1])), "\t")


def _listed(numbers: Sequence[int]) -> str:
    # BED's lists end in a comma, which the table's own delimiter (a tab) leaves unquoted.
    return "".join(f"{number}," for number in numbers)


def write_windows(folder: Path, sets: Mapping[str, Mapping[Split, Windows]]) -> None:
    """GUE's files: `<task>/{train,dev,test}.csv` with columns sequence and label."""
    for task, splits in sets.items():
        for split, windows in splits.items():
            rows = [
                (row.tobytes().decode(), label) for row, label in zip(windows.letters_BL, windows.labels_B, strict=True)
            ]
            write_table(folder / task / f"{split}.csv", [("sequence", "label"), *rows])


def write_openness(folder: Path, chromosomes: Sequence[Chromosome]) -> None:
    """`openness/{train,dev,test}.tsv`: elements by cell types, those of test held out."""
    for split, types in TYPES_OF.items():
        rows = [row for c in chromosomes if SPLIT_OF[c.name] == split for row in openness_rows(c, types)]
        write_table(folder / "openness" / f"{split}.tsv", [HEAD, *rows], "\t")


def write_cohort(folder: Path, cohort: Cohort, chromosomes: Sequence[Chromosome]) -> None:
    """`disease/cohort.vcf` and `phenotypes.tsv`, and the truth of the variants beside the other truth."""
    lengths = {chromosome.name: len(chromosome.letters_L) for chromosome in chromosomes}
    write_lines(folder / "disease" / "cohort.vcf", vcf_lines(cohort, lengths))
    write_table(folder / "disease" / "phenotypes.tsv", phenotype_rows(cohort), "\t")
    truth = [
        (variant_name(n), element_name(v.chromosome, v.element) if v.element >= 0 else ".", int(v.breaking), f"{e:.6f}")
        for n, (v, e) in enumerate(zip(cohort.variants, cohort.effect_V, strict=True))
    ]
    write_table(folder / "truth" / "variants.tsv", [("variant", "element", "breaking", "effect"), *truth], "\t")


def write_truth(folder: Path, chromosomes: Sequence[Chromosome], grammar: Grammar) -> None:
    """What was planted: `sites.bed` (name = factor), `core.bed`, `elements.bed` (with the types it is open in), and the
    rules; and which chromosomes and cell types belong to which split."""
    truth = folder / "truth"
    write_table(truth / "sites.bed", (row for c in chromosomes for row in _site_rows(c)), "\t")
    write_table(truth / "core.bed", (row for c in chromosomes for row in _core_rows(c)), "\t")
    write_table(truth / "elements.bed", (row for c in chromosomes for row in _element_rows(c)), "\t")
    write_json(truth / "grammar.json", _rules(grammar), indent=1)
    cell_types = {"train": TRAINING_TYPES, "held_out": HELD_OUT_TYPES}
    write_json(folder / "splits.json", {"chromosomes": CHROMOSOMES_OF, "cell_types": cell_types}, indent=1)


def _site_rows(chromosome: Chromosome) -> Iterator[tuple[object, ...]]:
    for site in sorted((s for element in chromosome.elements for s in element.sites), key=lambda site: site.start):
        yield (chromosome.name, site.start, site.end, FACTORS[site.factor], 0, _STRANDS[site.strand])


def _core_rows(chromosome: Chromosome) -> Iterator[tuple[object, ...]]:
    marks = [(start, end, name, gene.strand) for gene in chromosome.genes for name, start, end in gene.core]
    for start, end, name, strand in sorted(marks):
        yield (chromosome.name, start, end, name, 0, _STRANDS[strand])


def _element_rows(chromosome: Chromosome) -> Iterator[tuple[object, ...]]:
    for number, (element, open_C) in enumerate(zip(chromosome.elements, chromosome.open_EC, strict=True)):
        types = ",".join(CELL_TYPES[c] for c in np.flatnonzero(open_C)) or "."
        kind = f"promoter_{element.kind}" if element.promoter else element.kind
        yield (chromosome.name, element.start, element.end, element_name(chromosome.name, number), 0, ".", kind, types)


def _rules(grammar: Grammar) -> dict[str, object]:
    names = np.array(FACTORS)
    return {
        "active": {t: names[row_F].tolist() for t, row_F in zip(CELL_TYPES, grammar.active_CF, strict=True)},
        "repressors": names[grammar.repressor_F].tolist(),
        "pairs": [
            {"first": FACTORS[p.first], "second": FACTORS[p.second], "gap": p.gap, "same_strand": p.same_strand}
            for p in grammar.pairs
        ],
        "disease_cell_type": DISEASE_TYPE,
        "family_size": MEMBERS,
    }
