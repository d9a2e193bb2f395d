"""Windows of a genome are those of the text, whoever reads them, whatever the storage."""

import gzip
import os
import pickle
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.genomics.sequence.codes import LETTERS, Codes
from quatrefoil.genomics.sequence.commands import pack
from quatrefoil.genomics.sequence.fasta import FastaError, Genome, background, codes_of
from tests.genomics.regions.toys import sequence, write_fasta


def text(length: int, seed: int) -> str:
    return LETTERS[sequence(length, seed)].tobytes().decode()


TEXTS = {"chr1": text(1234, 1), "chr2": text(50, 2).lower(), "chrM": "ACGTNRYacgtnry"}


@pytest.fixture(params=["indexed", "packed"])
def genome(request: pytest.FixtureRequest, tmp_path: Path) -> Genome:
    fasta = write_fasta(tmp_path / "toy.fa", TEXTS)
    return Genome.open(fasta) if request.param == "indexed" else Genome.pack(fasta, tmp_path / "toy.genome")


def test_windows_are_those_of_the_text(genome: Genome) -> None:
    assert dict(genome.lengths) == {name: len(letters) for name, letters in TEXTS.items()}
    rng = np.random.default_rng(0)
    for name, letters in TEXTS.items():
        for start, end in np.sort(rng.integers(0, len(letters) + 1, (40, 2)), axis=1).tolist():
            if start < end:
                np.testing.assert_array_equal(genome.fetch(name, start, end), codes_of(letters[start:end]))


@given(st.text("ACGTNRYSWKMBDHVacgtnryswkmbdhv", min_size=1))
def test_case_is_dropped_and_ambiguous_letters_are_n(letters: str) -> None:
    read = LETTERS[codes_of(letters)].tobytes().decode()
    assert read == "".join(letter if letter in "ACGT" else "N" for letter in letters.upper())


def test_bases_outside_a_chromosome_are_an_error_or_n(genome: Genome) -> None:
    with pytest.raises(ValueError, match=r"chr2:-3-60 leaves the chromosome \(0-50 in .*outside"):
        genome.fetch("chr2", -3, 60)
    padded = genome.fetch("chr2", -3, 60, outside="N")
    np.testing.assert_array_equal(padded, [4] * 3 + genome.fetch("chr2", 0, 50).tolist() + [4] * 10)
    assert (genome.fetch("chr2", 70, 75, outside="N") == 4).all()


def test_a_genome_reads_the_same_after_pickling(genome: Genome) -> None:
    again = pickle.loads(pickle.dumps(genome))
    np.testing.assert_array_equal(again.fetch("chr1", 100, 900), genome.fetch("chr1", 100, 900))


def wrong_windows(genome: Genome, codes: Codes, start_N: np.ndarray) -> int:
    """How many of the windows that begin here are not those of the chromosome `codes`."""
    width = 100
    read_NW = np.stack([genome.fetch("chr1", start, start + width) for start in start_N.tolist()])
    return int((read_NW != codes[start_N[:, None] + np.arange(width)]).any(1).sum())


@pytest.mark.parametrize("storage", ["indexed", "packed"])
def test_four_workers_read_five_thousand_windows_each_from_one_file_and_none_is_wrong(
    storage: str, tmp_path: Path
) -> None:
    """A handle shared with the parent and the others would return other bases now and then."""
    letters = text(50_000, 3)
    fasta = write_fasta(tmp_path / "toy.fa", {"chr1": letters})
    genome = Genome.open(fasta) if storage == "indexed" else Genome.pack(fasta, tmp_path / "toy.genome")
    codes, starts_4N = codes_of(letters), np.random.default_rng(0).permutation(49_900)[:20_000].reshape(4, 5_000)
    assert wrong_windows(genome, codes, starts_4N[0, :10]) == 0  # opened before the fork
    children = []
    for start_N in starts_4N:
        if (child := os.fork()) == 0:
            status = 255  # also where a read fails: what is forked must not go on with the tests
            try:
                status = min(wrong_windows(genome, codes, start_N), 254)
            finally:
                os._exit(status)
        children.append(child)
    assert wrong_windows(genome, codes, starts_4N[:, ::5].ravel()) == 0
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4


def test_the_background_counts_bases_of_both_strands(genome: Genome) -> None:
    letters = "".join(TEXTS.values()).upper()
    strong = (letters.count("G") + letters.count("C")) / sum(letters.count(base) for base in "ACGT")
    assert background(genome) == pytest.approx(((1 - strong) / 2, strong / 2, strong / 2, (1 - strong) / 2))


def test_a_plain_gzip_file_is_refused_by_window_and_read_by_packing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasta = write_fasta(tmp_path / "toy.fa", TEXTS)
    (tmp_path / "toy.fa.gz").write_bytes(gzip.compress(fasta.read_bytes()))
    with pytest.raises(FastaError, match=r"toy\.fa\.gz: a plain gzip file .*gunzip.*bgzip.*quatrefoil pack"):
        Genome.open(tmp_path / "toy.fa.gz")
    parser = ArgumentParser()
    pack.add_arguments(parser)
    assert pack.run(parser.parse_args([f"{tmp_path}/toy.fa.gz", "--out", f"{tmp_path}/packed"])) == 0
    assert f"bases of {len(TEXTS)} records in {tmp_path}/packed" in capsys.readouterr().out
    packed = Genome.open(tmp_path / "packed")
    np.testing.assert_array_equal(packed.fetch("chr1", 0, 1234), codes_of(TEXTS["chr1"]))


@pytest.mark.parametrize(
    ("name", "message"),
    [("1", r"no chromosome `1`; it has `chr1`: .*`chr`"), ("chr3", r"no chromosome `chr3` \(did you mean `chr\w`\?\)")],
)
def test_an_unknown_chromosome_is_answered_with_the_nearest(genome: Genome, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        genome.fetch(name, 0, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ACGT\n", r"bad\.fa:1: sequence before the first"),
        (">a\nAC\n>a\nGT\n", r"bad\.fa:3: a second record `a`"),
        (">a\nAC\n>\nGT\n", r"bad\.fa:3: a record without a name"),
        (">a\nACGT\nACXT\n", r"bad\.fa:3: character 'X' at position 2 is no IUPAC letter"),
        (">a\n>b\nAC\n", r"bad\.fa: `a` has no base"),
        (">a\udce9\nAC\n", r"bad\.fa:1: a name that is no text .*; write it in UTF-8"),
        ("", r"bad\.fa: no record"),
    ],
)
def test_a_broken_fasta_is_told_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.fa").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(FastaError, match=message):
        Genome.pack(tmp_path / "bad.fa", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.fa"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">a\nACGT\nAC\nACGT\n", "line 3"),
        (">a\nACGT\n>a\nACGT\n", "uplicate"),
        ("", "no record; a FASTA record starts with"),
        ("hello\n", "bad.fa"),
        (">a\nACGT\n\n\n>b\nAC\n", r"bad\.fa: cannot be indexed, as by blank lines .*; write every record in lines of"),
    ],
)
def test_a_fasta_that_cannot_be_indexed_is_named_each_time(tmp_path: Path, content: str, message: str) -> None:
    """An index of the part that could be read must not stay behind."""
    (tmp_path / "bad.fa").write_text(content)
    for _ in range(2):
        with pytest.raises(FastaError, match=message):
            Genome.open(tmp_path / "bad.fa")


def test_comments_before_the_first_record_are_passed_over_by_both_readers(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text("; of somebody\n>a\nACGT\nAC\n")
    opened, packed = Genome.open(tmp_path / "a.fa"), Genome.pack(tmp_path / "a.fa", tmp_path / "packed")
    for genome in (opened, packed):
        assert dict(genome.lengths) == {"a": 6}
        assert genome.fetch("a", 0, 6).tolist() == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize("edited", [">a\nACGTAC\nGTACGT\nAC\n", ">a\nACGTAC\n\nGTACG\nTACGTA\n"])
def test_a_fasta_edited_under_a_younger_index_says_to_remove_the_index(tmp_path: Path, edited: str) -> None:
    path, index = tmp_path / "a.fa", tmp_path / "a.fa.fai"
    path.write_text(">a\nACGTAC\nGTACGT\nACGTAC\n")
    Genome.open(path)
    path.write_text(edited)
    os.utime(index, (path.stat().st_mtime + 100,) * 2)
    genome = Genome.open(path)
    with pytest.raises(FastaError, match=r"a\.fa\.fai: no index of a\.fa \(a:0-18 has \d+ bases\); remove it, and it"):
        genome.fetch("a", 0, genome.length("a"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_is_told_and_how_to_take_it_out(tmp_path: Path, packed: bool) -> None:
    path, content = tmp_path / ("a.fa.gz" if packed else "a.fa"), b"\xef\xbb\xbf>a\nACGT\n"
    with bgzf.BgzfWriter(str(path)) if packed else path.open("wb") as file:
        file.write(content)
    for read in (Genome.open, lambda path: Genome.pack(path, tmp_path / "out")):
        with pytest.raises(FastaError, match=rf"{path.name}: begins with a byte order mark; write it as UTF-8 without"):
            read(path)


def test_a_damaged_bgzip_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.fa.gz").write_bytes(b"\x1f\x8b\b\4\0\0\0\0\0\xff\6\0BC\2\0\x1b\0garbage")
    with pytest.raises(FastaError, match=r"bad\.fa\.gz: damaged bgzip .*; fetch it again"):
        Genome.open(tmp_path / "bad.fa.gz")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("compressed", [False, True])
def test_an_index_that_fits_its_file_is_read_again_however_records_stand_apart(
    tmp_path: Path, newline: str, compressed: bool
) -> None:
    letters = text(200_000, 4)
    lines = [";by hand", ";twice", ">a b c", *(letters[n : n + 60] for n in range(0, 150_000, 60)), "", ">b", "AC"]
    lines += [">c", *(letters[n : n + 7] for n in range(150_000, 200_000, 7)), "", ""]
    path = tmp_path / ("a.fa.gz" if compressed else "a.fa")
    with bgzf.BgzfWriter(str(path)) if compressed else path.open("wb") as file:
        file.write(newline.join(lines if newline == "\n" else lines[2:-2]).encode())
    for _ in range(2):
        genome = Genome.open(path)
        assert dict(genome.lengths) == {"a": 150_000, "b": 2, "c": 50_000}
        np.testing.assert_array_equal(genome.fetch("c", 0, 50_000), codes_of(letters[150_000:]))


@pytest.mark.parametrize("index", ["{}", "[]", '{"a": "x"}', '{"a": 3}', "{"])
def test_a_packed_genome_that_is_damaged_is_named(tmp_path: Path, index: str) -> None:
    Genome.pack(write_fasta(tmp_path / "toy.fa", {"a": "ACGT"}), tmp_path / "toy.genome")
    (tmp_path / "toy.genome/index.json").write_text(index)
    with pytest.raises(FastaError, match=r"toy\.genome: .*; (make one with Genome\.pack|pack it anew)"):
        Genome.open(tmp_path / "toy.genome")


def test_packed_and_indexed_agree_on_real_sequence(shared: Path, tmp_path: Path) -> None:
    fasta = shared / "data/genomics/genomes/hg_chrM.fa"
    indexed, packed = Genome.open(fasta), Genome.pack(fasta, tmp_path / "m")
    (name,) = indexed.lengths
    assert dict(indexed.lengths) == dict(packed.lengths) == {name: 16569}
    np.testing.assert_array_equal(indexed.fetch(name, 0, 16569), packed.fetch(name, 0, 16569))
