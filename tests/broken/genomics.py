"""Broken files of genomics: sequences, peaks, motifs, variants, tables."""

import gzip
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from Bio import bgzf

from quatrefoil.core.installed import load_command
from quatrefoil.genomics.datasets.labelled.module import LabelledData
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.openness.table import read_regions
from quatrefoil.genomics.interpret.sequences import named_sequences
from quatrefoil.genomics.models.kmer_logistic import KmerLogisticConfig
from quatrefoil.genomics.regions.motifs import read_motifs
from quatrefoil.genomics.regions.peaks import Interval, read_peaks
from quatrefoil.genomics.regions.sources import read_hits
from quatrefoil.genomics.regions.store import RegionMatrix
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.variants.phenotypes import read_people
from quatrefoil.genomics.variants.scored import read_effects
from quatrefoil.genomics.variants.vcf import Variant, read_vcf
from quatrefoil.genomics.variants.windows import windows
from tests.broken.table import Broken
from tests.genomics.variants.toy import CHROMOSOMES, write_genome, write_vcf


def genome(path: Path) -> object:
    return Genome.open(path).fetch("chr1", 0, 4)


def packed(path: Path) -> object:
    return Genome.pack(path, path.with_suffix(".packed"))


def peaks(path: Path) -> object:
    return read_peaks(path, CHROMOSOMES)


def hits(path: Path) -> object:
    return read_hits(path, [Interval("chr1", 0, 9)], CHROMOSOMES)


def labelled(path: Path) -> object:
    return read_labelled(path.parent, path.name)


def drawn(path: Path) -> object:
    return named_sequences(None, path, limit=4)


def joined(names: str) -> Callable[[Path], object]:
    """Reads files whose names are put together."""

    def labelled(path: Path) -> object:
        return read_labelled(Path(), names.format(path))

    return labelled


def classified(path: Path) -> object:
    data = LabelledData(root=path.parent, train=path.name, validation=path.name).build(seed=0)
    return KmerLogisticConfig().fitted(data)


def matrix(path: Path) -> object:
    return RegionMatrix.open(path.parent)


def beside(covariate: str) -> Callable[[Path], object]:
    """Reads people with a covariate."""

    def people(path: Path) -> object:
        return read_people(path, "disease", [covariate])

    return people


people = beside("age")


def effects(path: Path) -> object:
    return read_effects(path, [Variant("v1", "chr1", 0, "A", "C", "here")])


def vcf(path: Path) -> object:
    """Rows of `write_vcf`, or a whole file; alleles are put into windows of the toy genome."""
    text = path.read_bytes()
    if text and not text.startswith((b"##", b"chr1\t")):
        write_vcf(path, text.decode().splitlines())
    found = read_vcf(path)
    return list(windows(Genome.open(write_genome(path.parent)), found.variants, 20))


def command(name: str, arguments: str) -> Callable[[Path], object]:
    """A command whose arguments, by blanks, name the file as {path} and its folder as {folder}."""

    def run(path: Path) -> object:
        found, parser = load_command(name), ArgumentParser()
        found.add_arguments(parser)
        return found.run(parser.parse_args(arguments.format(path=path, folder=path.parent).split()))

    run.__name__ = name
    return run


def indexed(index: str, content: str = ">a\nACGT\n>b\nGTAC\n") -> Callable[[Path], object]:
    """A FASTA file, and an index beside it that is the younger one."""

    def write(path: Path) -> object:
        path.write_text(content)
        return Path(f"{path}.fai").write_text(index)

    return write


def beside_peaks(content: str) -> Callable[[Path], object]:
    """A set of sequences, and beside it a file of peaks and one of a short sequence."""

    def write(path: Path) -> object:
        path.with_name("peaks.bed").write_text("chr1\t1\t5\n")
        path.with_name("short.txt").write_text("GGGGG\n")
        return path.write_text(content)

    return write


def without_end(content: str) -> Callable[[Path], object]:
    """A bgzip file whose last block, which is empty, is missing: as one that was cut off between two blocks."""

    def write(path: Path) -> object:
        with bgzf.BgzfWriter(str(path)) as file:
            file.write(content.encode())
        return path.write_bytes(path.read_bytes()[:-28])

    return write


_MEME = "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1\nletter-probability matrix: alength= 4 w= 1\n"
_VCF = '##fileformat=VCFv4.2\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">\n##contig=<ID=chr1>\n'
_WITHIN = bytes.fromhex("1f8b08040000000000ff0600424302001b00030000")
_BARE = _MEME.replace(" w= 1", "")
_TRANSFAC = "AC  a\nP0 A C G T\n01 1 2 3 4\n//\nAC  b\nP0 A C G T\n01 1 2 3 4\n//\n"
_HIT = "{}\t1\t{}\t{}\t{}\t{}\n"
_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
_AGES = "sample\tdisease\tage\n"

TABLE = [
    Broken("empty.fa", genome, "", r"empty.fa: no record; a FASTA record starts with a line `>name`"),
    Broken("text.fa", genome, "ACGT\n", r"text.fa: .*; (a FASTA record starts|write every record)"),
    Broken("twice.fa", genome, ">chr1\nACGT\n>chr1\nACGT\n", r"twice.fa: .*chr1.*; write every record"),
    Broken("ragged.fa", genome, ">chr1\nACGT\nACGTACGT\nAC\n", r"ragged.fa: .*; write every record in lines of one"),
    Broken("letter.fa", genome, ">chr1\nAC*T\n", r"letter.fa, chr1: character '\*' at position 2 .*; remove gaps"),
    Broken("plain.fa.gz", genome, gzip.compress(b">chr1\nACGT\n"), r"plain.fa.gz: a plain gzip file .*; `gunzip` it"),
    Broken("junk.fa", genome, indexed("hello\n"), r"junk.fa.fai: no index of a FASTA file; remove it"),
    Broken("empty.fa", genome, indexed(""), r"empty.fa.fai: no index of a FASTA file; remove it"),
    Broken("lost.fa", genome, indexed("a\t4\t3\t4\t5\n"), r"lost.fa.fai: .* \(it ends before the file does\); remove"),
    Broken("first.fa", genome, indexed("b\t4\t11\t4\t5\n"), r"first.fa.fai: .* \(`b` is not where it says\); remove"),
    Broken(
        "turned.fa",
        genome,
        indexed("b\t4\t3\t4\t5\na\t4\t11\t4\t5\n"),
        r"turned.fa.fai: no index of turned.fa \(`b` is not where it says\); remove it, and it is made anew",
    ),
    Broken("bases.fa", genome, ">chr1\nACGT\n>chr9\n", r"bases.fa: `chr9` has no base; remove the record"),
    Broken("return.fa", genome, ">chr1\rACGT\r", r"return.fa: lines end in a carriage return alone; write newlines"),
    Broken("return.txt", packed, ">chr1\rACGT\r", r"return.txt: lines end in a carriage return alone; write newlines"),
    Broken("wide.fa", genome, ">chr1\nACGT\n".encode("utf-16"), r"wide.fa: UTF-16; write it as plain text"),
    Broken("bytes.fa", genome, b"\0\1\2", r"bytes.fa: no text, but bytes of another kind; a FASTA record starts"),
    Broken("latin.fa", genome, b">caf\xe9\nACGT\n", r"latin.fa: a line that is no text .*; write it in UTF-8"),
    Broken("name.fa", genome, ">\nACGT\n", r"name.fa:1: a record without a name; name each once"),
    Broken("plain.fa.gz", genome, ">chr1\nACGT\n", r"plain.fa.gz: not compressed; take .gz off its name"),
    Broken("other.fa", genome, without_end(">chr1\nACGT\n"), r"other.fa: bgzip; name it FILE.gz"),
    Broken("end.fa.gz", genome, without_end(">chr1\nACGT\n"), r"end.fa.gz: damaged bgzip .*cut off.*; fetch it again"),
    Broken("tail.fa.gz", packed, without_end(">chr1\nACGT\n"), r"tail.fa.gz: damaged bgzip .*cut off.*; fetch it"),
    Broken("within.fa.gz", genome, _WITHIN, r"within.fa.gz: damaged bgzip .*; fetch it again"),
    Broken(
        "over.fa",
        command("scan", "--genome {path} --motifs {folder}/m.jaspar --out {folder}/./over.fa"),
        ">chr1\nACGT\n",
        r"--out over.fa: is named for something else, too, and would be lost; name another file",
    ),
    Broken(
        "folder.bed",
        command("scan", "--genome g.fa --motifs m.jaspar --out {path}"),
        Path.mkdir,
        r"--out folder.bed: a folder; name a file in it",
    ),
    Broken(
        "over.vcf",
        command("variants", "run --genome g.fa --vcf {path} --out {path}"),
        "",
        r"--out over.vcf: is named for something else, too",
    ),
    Broken(
        "over.tsv",
        command("cohort", "e.tsv --vcf v.vcf --phenotypes {path} --out {path}"),
        "",
        r"--out over.tsv: is named for something else, too",
    ),
    Broken(
        "over.svg",
        command("interpret", "run --fasta set.fa --table {path} --out {path}"),
        "",
        r"--table over.svg: is named for something else, too",
    ),
    Broken("head.fa", packed, "ACGT\n>chr1\nACGT\n", r"head.fa:1: sequence before the first `>name` line; add one"),
    Broken("nameless.fa", packed, ">\nACGT\n", r"nameless.fa:1: a record without a name; name each once"),
    Broken("bare.fa", packed, ">chr1\nACGT\n>chr2\n", r"bare.fa: `chr2` has no base; remove the record"),
    Broken(
        "cut.fa.gz",
        packed,
        gzip.compress(b">chr1\n" + b"ACGT\n" * 99)[:-9],
        r"cut.fa.gz: damaged gzip .*; fetch it again",
    ),
    Broken("empty.bed", peaks, "# nothing\n", r"empty.bed: no interval; a line is `chromosome<TAB>start<TAB>end`"),
    Broken("blanks.bed", peaks, "chr1 1 5\n", r"blanks.bed:1: 1 column between tabs.*; bed needs 3-12"),
    Broken("word.bed", peaks, "chr1\t1\tfive\n", r"word.bed:1: .* has no whole number as its end; mend the line"),
    Broken("turned.bed", peaks, "chr1\t9\t5\n", r"turned.bed:1: chr1:9-5 is no interval; 0 <= start < end"),
    Broken(
        "other.bed",
        peaks,
        "chrX\t1\t5\n",
        r"other.bed:1: chrX:1-5 is on no chromosome .*; rename it, or leave it out with --exclude",
    ),
    Broken("beyond.bed", peaks, "chr1\t1\t999\n", r"beyond.bed:1: .* leaves its chromosome; was it called on another"),
    Broken("short.narrowPeak", peaks, "chr1\t1\t5\n", r"short.narrowPeak:1: 3 columns .*; narrowPeak needs 10"),
    Broken("tracks.bed", peaks, "track1\t1\t5\n", r"tracks.bed:1: track1:1-5 is on no chromosome of the genome"),
    Broken("wide.bed", peaks, "chr1\t1\t5\n".encode("utf-16"), r"wide.bed:1: not text .*; is it another kind of file"),
    Broken(
        "feed.bed", peaks, "chr1\t1\t5\tx\fy\nchr1\t5\n", r"feed.bed:2: 2 columns between tabs, the first line has 4"
    ),
    Broken("folder.bed", peaks, Path.mkdir, r"folder.bed: a folder; name a file"),
    Broken(
        "encode.bed", peaks, "chr1\t1\t5\tx\t9\t.\thigh\t-1\t-1\t-1\n", r"encode.bed:1: .*number as its signal value"
    ),
    Broken("five.hits", hits, "chr1\t1\t5\tM\t9\n", r"five.hits:1: 5 columns between tabs; hits need the 6 columns"),
    Broken("word.hits", hits, "chr1\t1\t5\tM\thigh\t+\n", r"word.hits:1: chr1:1-5 has no number as its score; mend"),
    Broken(
        "strand.hits",
        hits,
        _HIT.format("chr1", 5, "M", 3, "x"),
        r"strand.hits:1: .* no strand .*; write one of \+ - \.",
    ),
    Broken(
        "nameless.hits", hits, _HIT.format("chr1", 5, " ", 3, "+"), r"nameless.hits:1: .* names no motif .*; fill it"
    ),
    Broken(
        "below.hits", hits, _HIT.format("chr1", 5, "M", -3, "+"), r"below.hits:1: .* score below 0, .*; take the line"
    ),
    Broken(
        "high.hits", hits, _HIT.format("chr1", 5, "M", 3000000, "+"), r"high.hits:1: .* above 2,147,483 bits; scale"
    ),
    Broken(
        "other.hits",
        hits,
        _HIT.format("1", 5, "M", 3, "+"),
        r"other.hits:1: 1:1-5 is on no chromosome .*; rename it or",
    ),
    Broken(
        "beyond.hits", hits, _HIT.format("chr1", 999, "M", 3, "+"), r"beyond.hits:1: .* leaves its chromosome; was it"
    ),
    Broken(
        "apart.hits",
        hits,
        _HIT.format("chr2", 5, "M", 3, "+"),
        r"apart.hits: no hit shares a base with a peak; are both",
    ),
    Broken(
        "cut.bed.gz", peaks, gzip.compress(b"chr1\t1\t5\n" * 99)[:-9], r"cut.bed.gz: damaged gzip .*; fetch it again"
    ),
    Broken("none.jaspar", read_motifs, "hello\n", r"none.jaspar: neither JASPAR .* nor TRANSFAC .*; convert it"),
    Broken(
        "rows.jaspar",
        read_motifs,
        ">M1\nA [1 2]\nC [1]\nG [1 2]\nT [1 2]\n",
        r"rows.jaspar:3: 1 count where the first row of `>M1` has 2; mend or",
    ),
    Broken("zero.jaspar", read_motifs, ">M1\n1 0\n1 0\n1 0\n1 0\n", r"zero.jaspar:1: `>M1`: position 2 has no counts"),
    Broken(
        "twice.jaspar",
        read_motifs,
        ">M\n1\n1\n1\n1\n>M\n1\n1\n1\n1\n",
        r"twice.jaspar:6: a second motif `M` .*; rename",
    ),
    Broken("word.meme", read_motifs, _MEME + "0.5 half 0 0\n", r"word.meme:7: `half` in `MOTIF M1` is no number; mend"),
    Broken("bare.meme", read_motifs, "MEME version 4\n", r"bare.meme: no motif, .* is the file cut off"),
    *(
        Broken(f"{name}.motifs", read_motifs, content, rf"{name}.motifs:{said}")
        for name, content, said in (
            ("unended", _TRANSFAC.replace("//\n", "", 1), "4: a second `AC` in `AC a`; end each record with `//`"),
            ("after", f">a\n1\n1\n1\n1\n{_MEME}1 0 0 0\n", "1: `>a` is JASPAR's; give each format a file of its own"),
            ("before", f"{_MEME}1 0 0 0\n>a\n1\n1\n1\n1\n", "8: `>a` is JASPAR's; give each format a file of its own"),
            ("mixed", f"{_TRANSFAC}>a\n1\n1\n1\n1\n", "9: `>a` is JASPAR's; give each format a file of its own"),
            (
                "three",
                f"{_TRANSFAC}{_MEME}1 0 0 0\n",
                "2: `P0 A C G T` is TRANSFAC's; give each format a file of its own",
            ),
            ("stray", "A [1]\n>a\n1\n1\n1\n1\n", r"1: `A \[1\]` belongs to no record; remove it, or mark it #"),
            ("lost", f"{_TRANSFAC}P1\n", "9: `P1` belongs to no record; remove it"),
            ("five", f"{_BARE}1 0 0 0\n1 0 0 0 0\n", "8: 5 numbers in a row of `MOTIF M1`; four are"),
            (
                "letter",
                f"{_BARE}1 0 0 0\nx 0 0 1\n",
                "8: `x 0 0 1` follows the rows of `MOTIF M1`, .* mend the line, or",
            ),
            ("minus", f"{_MEME[:-1]} nsites= -5\n1 0 0 0\n", "6: `nsites= -5` of `MOTIF M1`; give a number"),
            ("many", f"{_MEME[:-1]} nsites= many\n1 0 0 0\n", "6: `nsites= many` of `MOTIF M1`; give a number"),
            ("dots", f"{_MEME[:-1]} nsites= 1.2.3\n1 0 0 0\n", "6: `nsites= 1.2.3` of `MOTIF M1`; give a number"),
            (
                "protein",
                f"{_MEME.replace('= 4', '= 20')}1 0 0 0\n",
                "6: `alength= 20` of `MOTIF M1`; DNA has 4 letters",
            ),
            ("twice", ">a\nA [1]\nA [1]\nG [1]\nT [1]\n", "2: a row of `A` in `>a`; name A, C, G and T once each"),
            ("long", ">a\n" + "1 2 3 4\n" * 1001, "1: `>a` has 1,001 positions; a motif has 1,000 at most"),
            ("bytes", b">a\n\xff\n", "2: not text .*; is it another kind of file"),
        )
    ),
    Broken("nothing.vcf", vcf, "", r"nothing.vcf: no VCF; its first line is `##fileformat=VCF"),
    Broken(
        "headless.vcf", vcf, "chr1\t5\t.\tA\tC\n", r"headless.vcf: no VCF; .*`#CHROM` with the columns ends its header"
    ),
    Broken(
        "word.vcf", vcf, "chr1 five . A C 0/0 0/0 0/0\n", r"word.vcf: record 1, after the header, is broken: .*mend or"
    ),
    Broken(
        "few.vcf", vcf, "chr1 5 . A C 0/0 0/1\n", r"few.vcf: record 1, after the header, is broken: a number of columns"
    ),
    Broken("deleted.vcf", vcf, "chr1 5 . A <DEL> 0/0 0/1 0/0\n", r"record 1 \(chr1:5\): ALT `<DEL>` .*leave them out"),
    Broken("star.vcf", vcf, "chr1 5 . A C,* 0/0 0/1 1/2\n", r"record 1 \(chr1:5\): ALT `\*` .*leave them out"),
    Broken("contig.vcf", vcf, "chr7 5 . A C 0/0 0/1 0/0\n", r"record 1 \(chr7:5\): .*has no chromosome `chr7`"),
    Broken("bare.vcf", vcf, "chr1 5 . A . 0/0 0/0 0/0\n", r"bare.vcf: no variant \(1 record without an alternative"),
    Broken("allele.vcf", vcf, "chr1 5 . A C 0/0 0/3 0/0\n", r"allele 3 is called, but 1 alternative .*bcftools norm"),
    Broken(
        "end.vcf", vcf, "chr2 121 . A C 0/0 0/1 0/0\n", r"lies beyond the end of chr2 \(120 bases\); another assembly"
    ),
    Broken(
        "reference.vcf",
        vcf,
        "chr1 51 . A C 0/0 0/1 0/0\n",
        r"REF is A, but .*genome.fa has N there; .*another assembly",
    ),
    Broken(
        "depth.vcf",
        vcf,
        f"{_VCF}{_COLUMNS}chr1\t5\t.\tA\tC\t.\t.\t.\tDP\t3\t4\n",
        r"record 1 \(chr1:5\): no genotypes; ",
    ),
    Broken("end.vcf.gz", read_vcf, without_end(_VCF + _COLUMNS), r"end.vcf.gz: damaged bgzip .*cut off.*; fetch"),
    Broken(
        "cut.vcf.gz",
        read_vcf,
        gzip.compress((_VCF + _COLUMNS).encode())[:-9],
        r"cut.vcf.gz: damaged gzip file .*; fetch it again",
    ),
    Broken(
        "spaces.vcf",
        read_vcf,
        (_VCF + _COLUMNS).replace("\t", " "),
        r"spaces.vcf: its columns stand apart by blanks; write one tab between",
    ),
    Broken("zero.vcf", vcf, "chr1 0 . A C 0/0 0/1 0/0\n", r"record 1 \(chr1:0\): positions count from 1; mend it"),
    Broken("same.vcf", vcf, "chr1 5 . A a 0/0 0/1 0/0\n", r"record 1 \(chr1:5\): REF and ALT are both `a`.*; remove"),
    Broken("semicolons.csv", labelled, "sequence;label\nACGT;1\n", r"semicolons.csv:1: .* by tabs or commas; replace"),
    Broken(
        "twice.fa", joined("{0}+{0}"), ">a\nACGT\n", r"twice.fa: is said to hold the positives and the negatives; give"
    ),
    Broken("one.fa", joined("{0}+"), ">a\nACGT\n", r"one.fa\+: 1 files joined by `\+`; give POSITIVES\+NEGATIVES"),
    Broken(
        "short.csv",
        classified,
        "sequence,label\n" + "".join(f"ACGTAC{n % 2 * 'G'},{n % 2}\n" for n in range(8)) + "AC,1\n",
        r"short.csv:10: 2 bases; this model reads sequences of 6 and more: take it out",
    ),
    Broken(
        "table.csv",
        command("overlap", "{path} {folder}/peaks.bed"),
        beside_peaks("sequence\nACGTACGTACGTACGTACGT\n"),
        r"nothing to compare: .*table.csv has 1 sequence of 10 bases or more and 0 places,.*peaks.bed has 0 .*; give",
    ),
    Broken(
        "small.csv",
        command("overlap", "{path} {folder}/short.txt"),
        beside_peaks("sequence\nACGT\n"),
        r"nothing to compare: .*small.csv has 0 sequences of 10 bases or more and 0 .*, short.txt has 0",
    ),
    Broken("zarr.json", matrix, "{", r"zarr.json: damaged .*; remove the folder and make it again"),
    Broken("header.tsv", labelled, "sequence\tlabel\n", r"header.tsv:1: a header and no line after it; fetch"),
    Broken("names.tsv", labelled, "bases\tclass\nACGT\t1\n", r"names.tsv:1: .* begins no known format; give a table"),
    Broken(
        "cells.tsv", labelled, "sequence\tlabel\nACGT\n", r"cells.tsv:2: 1 column where the header has 2; is the line"
    ),
    Broken(
        "kmers.tsv", labelled, "sequence\tlabel\nACG TTT\t1\n", r"kmers.tsv:2: 'ACG' and 'TTT' .*; write one k-mer for"
    ),
    Broken(
        "bytes.tsv", labelled, b"sequence\tlabel\nAC\xff\xfeGT\t1\n", r"bytes.tsv:2: not text .*another kind of file"
    ),
    Broken("sick.tsv", people, f"{_AGES}x\tyes\t3\n", r"sick.tsv:2: `disease` of x is 'yes'; write 1 for those who"),
    Broken(
        "healthy.tsv", people, f"{_AGES}x\t0\t3\ny\t0\t4\n", r"healthy.tsv: `disease` is 0 for everyone; people with"
    ),
    Broken(
        "twin.tsv",
        people,
        f"{_AGES}x\t0\t3\nx\t1\t4\n",
        r"twin.tsv:3: x is named twice, .*twin.tsv:2 has it too; one line a person",
    ),
    Broken(
        "young.tsv", people, "sample\tdisease\tages\nx\t0\t3\n", r"young.tsv:1: no column `age` .did you mean `ages`"
    ),
    Broken("gap.tsv", people, f"{_AGES}x\t0\t \ny\t1\t4\n", r"gap.tsv:2: (nothing under `age`|2 columns)"),
    Broken(
        "lost.tsv", effects, "variant\teffect\nv2\t1\n", r"lost.tsv: no effect of v1 and 0 others; score the same VCF"
    ),
    Broken(
        "twins.tsv",
        effects,
        "variant\teffect\nv1\t1\nv1\t2\n",
        r"twins.tsv:3: v1 is named twice, .*:2 has it too; make the table",
    ),
    Broken(
        "words.tsv",
        effects,
        "variant\teffect\nv1\thigh\n",
        r"words.tsv:2: `effect` holds 'high', which is no number; take the",
    ),
    Broken(
        "other.tsv",
        effects,
        "variant\tchrom\tposition\treference\talternative\teffect\nv1\tchr1\t1\tA\tG\t1\n",
        r"other.tsv:2: `alternative` of v1 is G, and C in the genotypes \(here\); score the same VCF",
    ),
    Broken(
        "circle.tsv",
        beside("disease"),
        f"{_AGES}x\t0\t3\ny\t1\t4\n",
        r"circle.tsv: `disease` is what is predicted, so it is no covariate; leave it out",
    ),
    Broken(
        "names.tsv",
        beside("sample"),
        f"{_AGES}x\t0\t3\ny\t1\t4\n",
        r"names.tsv: `sample` names people, so it is no covariate; leave it out",
    ),
    *(
        Broken(
            "bounds.json",
            command("cohort", "e.tsv --vcf v.vcf --phenotypes p.tsv --bounds {path}"),
            content,
            r"bounds.json: no bounds of `disease`; give the bounds.json of a folder of Regulome",
        )
        for content in ('{"disease": {"auc": 3}}', '{"disease": {"auc": {"all": "high"}}}', "[]", "{", b"\xff")
    ),
    Broken("unknown.fa", drawn, ">a\nNNNN\n", r"unknown.fa:1: no base but N, so none can be substituted; give A"),
    Broken(
        "open.tsv", read_regions, "chrom\tstart\tend\tcell_type\topen\nchr1\t1\t5\ta\tyes\n", r"open is 'yes'; write 1"
    ),
    Broken(
        "region.tsv", read_regions, "chrom\tstart\tend\tcell_type\topen\nchr1\t5\t5\ta\t1\n", r"5-5 is no region; whole"
    ),
]

READERS = (genome, packed, peaks, read_motifs, labelled, people, effects, read_vcf, read_regions)
