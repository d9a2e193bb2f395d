"""What two sets share: found on either strand, exactly as counting by hand does."""

import gzip
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quatrefoil.core.cli import main
from quatrefoil.genomics.datasets.labelled.near_duplicates import near_duplicates, usual_k
from quatrefoil.genomics.datasets.labelled.overlap import overlap
from quatrefoil.genomics.datasets.labelled.places import locus
from quatrefoil.genomics.datasets.labelled.records import Record, bases
from quatrefoil.genomics.datasets.unlabelled.config import UnlabelledData
from quatrefoil.genomics.sequence.kmers import reverse_complement
from quatrefoil.genomics.tables import TextError

FEW = st.lists(st.text("ACGTN", min_size=1, max_size=24), min_size=1, max_size=8)


def words(sequence: str, k: int) -> set[str]:
    windows = (sequence[i : i + k] for i in range(len(sequence) - k + 1))
    return {min(window, reverse_complement(window)) for window in windows if "N" not in window}


def by_hand(a: list[str], b: list[str], k: int, threshold: float) -> dict[tuple[int, int], float]:
    shares = {
        (i, j): len(words(x, k) & words(y, k)) / (min(len(x), len(y)) - k + 1)
        for i, x in enumerate(a)
        for j, y in enumerate(b)
        if min(len(x), len(y)) >= k
    }
    return {pair: share for pair, share in shares.items() if share >= threshold}


@settings(deadline=None, max_examples=100)
@given(FEW, FEW, st.integers(1, 6), st.sampled_from([0.2, 0.5, 1.0]))
def test_pairs_are_those_that_counting_by_hand_finds(a: list[str], b: list[str], k: int, threshold: float) -> None:
    found = near_duplicates([bases(x, "a") for x in a], [bases(x, "b") for x in b], k, threshold)
    assert {(pair.a, pair.b): pair.share for pair in found} == pytest.approx(by_hand(a, b, k, threshold))


def test_k_and_threshold_have_bounds() -> None:
    for k, threshold in ((0, 0.5), (32, 0.5), (16, 0.0), (16, 1.1)):
        with pytest.raises(ValueError, match=r"(k|threshold) is [\d.]+: give "):
            near_duplicates([], [], k, threshold)


def random_bases(length: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def test_a_part_a_copy_on_the_other_strand_and_a_shared_place_are_told_apart(tmp_path: Path) -> None:
    whole, same, far, near = (random_bases(100, seed) for seed in range(4))
    (tmp_path / "a.fa").write_text(f">part\n{whole[20:80]}\n>same\n{same}\n>chr1:1000-1100\n{far}\n")
    (tmp_path / "b.fa").write_text(f">w\n{whole}\n>s\n{reverse_complement(same)}\n>CHR1_1090_1190_x\n{near}\n")
    found = overlap("a.fa", "b.fa", root=tmp_path)
    assert [(pair.a[-1], pair.b[-1], pair.amount) for pair in found.alike] == [("1", "1", 1.0)]
    assert [(pair.a[-1], pair.b[-1]) for pair in found.identical] == [("3", "3")]
    assert [(pair.a[-1], pair.b[-1], pair.amount) for pair in found.loci] == [("5", "5", 10)]
    assert found.with_locus == (1, 1)


def test_neighbours_that_touch_share_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(f">chr1:0-100\n{random_bases(100, 0)}\n")
    (tmp_path / "b.fa").write_text(f">chr1:100-200\n{random_bases(100, 1)}\n>chr2:0-100\n{random_bases(100, 2)}\n")
    assert not overlap("a.fa", "b.fa", root=tmp_path).any


@pytest.mark.parametrize(
    "name", ["chr20:110-150", "20:110-150", "hg19_Chr20_110_150", "x::chr20:110-150(+)", "hg38_range=chr20:110-150"]
)
@pytest.mark.parametrize("bed", ["20\t100\t120\n", "chr20\t1\t5\tpeak\nchr20\t149\t300\tNA\n"])
def test_intervals_share_loci_with_sequences_that_tell_theirs(tmp_path: Path, name: str, bed: str) -> None:
    (tmp_path / "a.bed.gz").write_bytes(gzip.compress(bed.encode()))
    (tmp_path / "b.fa").write_text(f">{name}\n{random_bases(40, 0)}\n>none\n{random_bases(40, 1)}\n")
    found = overlap("a.bed.gz", "b.fa", root=tmp_path)
    lines = len(bed.splitlines())
    assert [(pair.a, pair.b) for pair in found.loci] == [(f"{tmp_path}/a.bed.gz:{lines}", f"{tmp_path}/b.fa:1")]
    assert (found.sequences, found.with_locus) == ((0, 2), (lines, 1))
    assert [*found.identical, *found.alike] == []


def test_low_complexity_is_no_false_alarm(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A" * 70 + "\n")
    (tmp_path / "b.txt").write_text(random_bases(30, 0) + "A" * 20 + random_bases(30, 1) + "\n")
    assert not overlap("a.txt", "b.txt", root=tmp_path).any


def test_the_command_reports_and_exits_with_1_where_anything_is_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = random_bases(60, 0), random_bases(60, 1)
    for name, sequence in {"a": one, "b": one, "c": other}.items():
        (tmp_path / name).write_text(f"sequence,label\n{sequence},1\n")
    assert main(["overlap", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert "1 of A and 1 of B are identical" in capsys.readouterr().out
    assert main(["overlap", str(tmp_path / "a"), str(tmp_path / "c"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["any"], report["identical"], report["k"], report["threshold"]) == (False, [], 10, 0.2)


def substituted(sequence: str, share: float, seed: int) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice("ACGT".replace(base, "")) if rng.random() < share else base for base in sequence)


def test_what_a_pre_training_would_leave_out_is_alike_by_default_and_most_copies_of_90_percent_are(
    tmp_path: Path,
) -> None:
    wholes = [random_bases(60, seed) for seed in range(200)]
    copies = [substituted(whole, 0.1, seed) for seed, whole in enumerate(wholes)]
    for name, sequences in (("a.txt", wholes), ("b.txt", copies)):
        (tmp_path / name).write_text("\n".join(sequences))
    as_excluded = {"k": UnlabelledData.exclude_k, "threshold": UnlabelledData.exclude_share}
    found, excluded = overlap("a.txt", "b.txt", root=tmp_path), overlap("a.txt", "b.txt", root=tmp_path, **as_excluded)  # type: ignore[arg-type]
    places = [{(pair.a, pair.b) for pair in report.alike} for report in (excluded, found)]
    assert places[0] < places[1]
    assert len(places[0]) < 100
    assert 140 < len(places[1]) < 190
    assert all(a.rpartition(":")[2] == b.rpartition(":")[2] for a, b in places[1])
    assert (
        "share 20% of their 10-mers or more, on either strand (about what a pair of 85% identity shares)"
        in found.text(0)
    )


def test_a_megabase_holds_no_short_sequence_by_chance_and_its_own_parts_are_found(tmp_path: Path) -> None:
    genome = random_bases(1_000_000, 0)
    parts = [substituted(genome[start : start + 100], 0.05, start) for start in range(0, 100_000, 10_000)]
    (tmp_path / "genome.fa").write_text(f">g\n{genome}\n")
    (tmp_path / "parts.txt").write_text("\n".join(parts))
    (tmp_path / "others.txt").write_text("\n".join(random_bases(100, seed) for seed in range(1, 100)))
    found = overlap("genome.fa", "parts.txt", root=tmp_path)
    assert (found.k, len(found.alike)) == (14, 10)
    assert not overlap("genome.fa", "others.txt", root=tmp_path).any


def test_short_sequences_are_hardly_ever_in_a_contig_by_chance(tmp_path: Path) -> None:
    (tmp_path / "contig.fa").write_text(f">c\n{random_bases(25_000, 0)}\n")
    (tmp_path / "short.txt").write_text("\n".join(random_bases(12 + seed % 9, seed) for seed in range(1, 1000)))
    assert len({pair.b for pair in overlap("contig.fa", "short.txt", root=tmp_path).alike}) < 10


@pytest.mark.parametrize("length", [1, 300, 5_200, 5_300, 10**6, 10**8])
def test_words_are_as_long_as_the_longest_sequence_asks_for(length: int) -> None:
    k = usual_k([np.zeros(length, np.uint8)])
    assert length / (4**k / 2) <= 0.01
    assert k == 10 or length / (4 ** (k - 1) / 2) > 0.01


@pytest.mark.parametrize("name", ["chr8:1001-1070", "chr8:1000-1070", "range=chr8:1,001-1,070", "chr8_1000_1070_x"])
@pytest.mark.parametrize(
    ("start", "end", "shared"), [(1000, 1001, 1), (999, 1000, 0), (1069, 1070, 1), (1070, 1071, 0)]
)
def test_a_name_that_counts_from_one_and_one_from_zero_are_the_same_place(
    tmp_path: Path, name: str, start: int, end: int, shared: int
) -> None:
    (tmp_path / "a.fa").write_text(f">{name}\n{random_bases(70, 0)}\n")
    (tmp_path / "b.bed").write_text(f"chr8\t{start}\t{end}\n")
    assert len(overlap("a.fa", "b.bed", root=tmp_path).loci) == shared


@settings(deadline=None)
@given(st.lists(st.sampled_from(["chr1", ":", ",", "-", "_", "12", "0", " "]), max_size=9).map("".join))
@example("chr1:,-,")
def test_any_name_is_read_as_the_place_of_all_the_bases_or_as_none(name: str) -> None:
    found = locus(Record("a.fa:1", name, bases("ACGTACGTAC", "a"), ""))
    assert found is None or (found.chromosome, found.end - found.start) == ("1", 10)
    assert found is not None or not re.search(r"chr1[:_]\d+[-_]\d", name)


@pytest.mark.parametrize("header", ["id,region,start,end,strand", "name,Chromosome,chromStart,chromEnd,x"])
def test_columns_of_a_table_tell_places_with_sequences_or_without(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n7,chr20,100,120,+\n8,chr20,500,600,-\n")
    (tmp_path / "b.tsv").write_text(
        "sequence\tchrom\tstart\tend\n" + "\t".join([random_bases(20, 0), "20", "119", "139"])
    )
    found = overlap("a.csv", "b.tsv", root=tmp_path)
    assert (found.sequences, found.with_locus) == ((0, 1), (2, 1))
    assert [(pair.a[-5:], pair.b[-5:], pair.amount) for pair in found.loci] == [("csv:2", "tsv:2", 1)]
    assert overlap("b.tsv", "b.tsv", root=tmp_path).identical


def test_columns_without_a_name_at_the_end_of_all_lines_are_read_past(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("chrom,start,end,,\nchr1,5,9,,\n")
    assert len(overlap("a.csv", "a.csv", root=tmp_path).loci) == 1


def test_a_header_may_begin_with_a_hash_and_needs_a_line_after_it(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("#chrom\tstart\tend\nchr1\t5\t9\n")
    (tmp_path / "b.tsv").write_text("chrom\tstart\tend\n")
    assert len(overlap("a.tsv", "a.tsv", root=tmp_path).loci) == 1
    with pytest.raises(TextError, match=r"b.tsv:1: a header and no line after it; fetch the file again"):
        overlap("a.tsv", "b.tsv", root=tmp_path)


@pytest.mark.parametrize("end", ["90", "100", "x", "-1", "1e3", ""])
def test_columns_that_tell_no_place_are_refused_with_their_line(tmp_path: Path, end: str) -> None:
    (tmp_path / "a.csv").write_text(f"region,start,end\nchr1,1,2\nchr1,100,{end}\n")
    with pytest.raises(
        TextError, match=rf"a.csv:3: region 'chr1', start '100', end '{end}'; give whole numbers, the end"
    ):
        overlap("a.csv", "a.csv", root=tmp_path)


def test_of_intervals_only_places_are_told(tmp_path: Path) -> None:
    for name in ("a.bed", "b.bed"):
        (tmp_path / name).write_text("chr1\t5\t9\n")
    said = overlap("a.bed", "b.bed", root=tmp_path).text(10)
    assert "1 of A and 1 of B share a locus" in said
    assert "identical" not in said
    assert "-mers" not in said


def test_fewer_pairs_than_none_cannot_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("ACGT\n")
    assert main(["overlap", str(tmp_path / "a"), str(tmp_path / "a"), "--limit", "-1"]) == 2
    assert "--limit is -1; give 0 or more" in capsys.readouterr().err
