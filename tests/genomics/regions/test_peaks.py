"""Peaks read from any interval file are sorted, unique and inside the genome, or the file and line are told."""

import gzip
from itertools import pairwise
from pathlib import Path

import bioframe
import numpy as np
import pytest

from quatrefoil.genomics.regions.peaks import Peaks, merged, read_peaks, units_of
from quatrefoil.genomics.tables import TextError

LENGTHS = {"chr2": 10_000, "chr10": 8_000, "chrM": 100}
NARROW = "{}\t{}\t{}\tpeak\t100\t.\t{}\t5.1\t3.2\t50\n"


def narrow(folder: Path, places: list[tuple[str, int, int, float]], name: str = "a.narrowPeak") -> Path:
    (folder / name).write_text("".join(NARROW.format(*place) for place in places))
    return folder / name


def rows(peaks: Peaks) -> list[tuple[str, int, int]]:
    return list(zip(peaks.chromosome.tolist(), peaks.start.tolist(), peaks.end.tolist(), strict=True))


def test_peaks_come_in_the_order_of_the_genome(tmp_path: Path) -> None:
    path = narrow(tmp_path, [("chr10", 5, 9, 1), ("chr2", 900, 950, 2), ("chr2", 20, 60, 3), ("chr2", 20, 50, 4)])
    peaks = read_peaks(path, LENGTHS)
    assert rows(peaks) == [("chr2", 20, 50), ("chr2", 20, 60), ("chr2", 900, 950), ("chr10", 5, 9)]
    assert peaks.signal is not None
    assert peaks.signal.tolist() == [4, 3, 2, 1]


def test_an_interval_given_twice_is_kept_once_with_the_higher_signal(tmp_path: Path) -> None:
    path = narrow(tmp_path, [("chr2", 5, 9, 1.5), ("chr2", 5, 9, 7), ("chr2", 5, 9, 3), ("chrM", 1, 2, 1)])
    peaks = read_peaks(path, LENGTHS, exclude=["chrM"])
    assert (rows(peaks), peaks.duplicates, peaks.excluded) == ([("chr2", 5, 9)], 2, 1)
    assert peaks.signal is not None
    assert peaks.signal.tolist() == [7]


@pytest.mark.parametrize("columns", [3, 4, 5, 6, 12])
def test_bed_of_any_width_is_read_plain_and_compressed(columns: int, tmp_path: Path) -> None:
    line = "\t".join(["chr2", "10", "20", "n", "7.5", "+", *"0" * 6][:columns])
    text = f"# made by hand\ntrack name=x\nbrowser y\n{line}\n"
    (tmp_path / "a.bed").write_text(text)
    (tmp_path / "a.bed.gz").write_bytes(gzip.compress(text.encode()))
    for path in (tmp_path / "a.bed", tmp_path / "a.bed.gz"):
        peaks = read_peaks(path, LENGTHS)
        assert rows(peaks) == [("chr2", 10, 20)]
        assert (peaks.signal is not None) == (columns >= 5)


def test_ten_columns_are_those_of_narrow_peak_whatever_the_suffix(tmp_path: Path) -> None:
    """ENCODE publishes narrowPeak as `.bed.gz`; the fifth column is there for how dark a browser draws it."""
    path = narrow(tmp_path, [("chr2", 5, 9, 7.5)])
    (tmp_path / "a.bed").write_bytes(path.read_bytes())
    signals = [read_peaks(each, LENGTHS).signal for each in (path, tmp_path / "a.bed")]
    assert [signal.tolist() for signal in signals if signal is not None] == [[7.5], [7.5]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.bed", "", r"a\.bed: empty; fetch the file again"),
        ("a.bed", "chr2 1 5\n", r"a\.bed:1: 1 column between tabs; bed .*; put tabs in the place of spaces"),
        ("a.bed", "chrA\t1\t5\nchrB\t1\t5\nchrC\t2\t3\n", r"As are intervals on 2 more chromosomes: chrB, chrC"),
        ("a.bed", "#x\nchr2\t1\t5\nchr2\t1\n", r"a\.bed:3: 2 columns between tabs, the first line has 3"),
        ("a.narrowPeak", "chr2\t1\t5\n", r"a\.narrowPeak:1: 3 columns between tabs.*narrowPeak needs 10"),
        ("a.bed", "chr2\t1\t5\nchr2\tx\t5\n", r"a\.bed:2: chr2:x-5 has no whole number as its start"),
        ("a.bed", "chr2\t1.5\t5\n", r"a\.bed:1: .*no whole number as its start"),
        ("a.bed", "chr2\t5\t5\n", r"a\.bed:1: chr2:5-5 is no interval"),
        ("a.bed", "chr2\t-1\t5\n", r"a\.bed:1: chr2:-1-5 is no interval"),
        ("a.bed", "chr2\t1\t5\n2\t1\t5\n", r"a\.bed:2: 2:1-5 is on no chromosome of the genome \(chr2, chr10"),
        ("a.bed", "chr2\t1\t10001\n", r"a\.bed:1: chr2:1-10001 leaves its chromosome"),
        ("a.bed", "chr2\t1\t5\tn\thigh\n", r"a\.bed:1: .*no number as its score; mend .*cut -f 1-4"),
        ("a.bed", "chr2\t1\t5\tn\tinf\n", r"a\.bed:1: .*no number as its score"),
        ("a.narrowPeak", NARROW.format("chr2", 1, 5, "."), r"a\.narrowPeak:1: .*no number as its signal value; mend"),
        ("a.narrowPeak", NARROW.format("chr2", 1, 5, "inf"), r"a\.narrowPeak:1: .*no number as its signal value"),
        ("a.bed", "chr2\t1\t99999999999999999999\n", r"a\.bed:1: .* has its end beyond all chromosomes; mend"),
        ("a.bed", "\t1\t5\n", r"a\.bed:1: :1-5 is on no chromosome of the genome"),
    ],
)
def test_a_broken_file_is_told_with_its_line(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TextError, match=message):
        read_peaks(tmp_path / name, LENGTHS)


@pytest.mark.parametrize("name", ['"half', "NA", "nan", "5'", "#1"])
def test_what_a_peak_is_called_changes_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_text(f"chr2\t10\t20\t{name}\nchr2\t30\t40\tb\nchr2\t50\t60\t{name}\n")
    assert rows(read_peaks(tmp_path / "a.bed", LENGTHS)) == [("chr2", 10, 20), ("chr2", 30, 40), ("chr2", 50, 60)]


def test_merged_intervals_cover_what_the_peaks_cover_and_do_not_touch(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    both = []
    for name in "ab":
        starts = rng.integers(0, 7_000, 60)
        places = [(str(rng.choice(["chr2", "chr10"])), int(s), int(s) + int(rng.integers(1, 200)), 1.0) for s in starts]
        both.append(read_peaks(narrow(tmp_path, places, f"{name}.narrowPeak"), LENGTHS))
    union = merged(both, LENGTHS)

    def covered(places: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
        return {(chromosome, base) for chromosome, start, end in places for base in range(start, end)}

    assert covered([tuple(piece) for piece in union]) == covered(rows(both[0]) + rows(both[1]))
    assert all(a.chromosome != b.chromosome or a.end < b.start for a, b in pairwise(union))
    for bases in (1, 500, 10**6):
        units = list(units_of(union, bases))
        assert [piece for unit in units for piece in unit.intervals] == union
        assert all(piece.chromosome == unit.chromosome for unit in units for piece in unit.intervals)


def test_real_peak_files_are_read_whole(shared: Path) -> None:
    folder = shared / "data/genomics"
    hg19 = bioframe.fetch_chromsizes("hg19", provider="local").to_dict()
    assert len(read_peaks(folder / "scatac/pbmc1k_nextgem/peaks.bed", hg19)) == 50_025
    ctcf = read_peaks(folder / "regions/macs3_ctcf/run_callpeak_narrow0_peaks.narrowPeak", hg19)
    assert len(ctcf) + ctcf.duplicates == 730
    assert ctcf.signal is not None
    assert (ctcf.signal > 1).all()
