"""Genotypes are those of the file, and windows hold either allele and nothing else that differs."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.genomics.sequence.codes import LETTERS, UNKNOWN
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.variants.vcf import Variant, VcfError, read_vcf
from quatrefoil.genomics.variants.windows import alleles
from tests.genomics.variants.toy import CHROMOSOMES, write_genome, write_vcf

pytest.importorskip("cyvcf2")


def test_every_allele_is_a_variant_with_its_own_copies(tmp_path: Path) -> None:
    rows = [
        "chr1 5 rs1 A C,GT 0/1 1|2 2/2",
        "chr1 9 . a . 0/0 0/0 0/0",
        "chr2 7 . T G ./. 1 0/1",
        "chr2 8 rs3 T G .|1 0|0 1|1",
    ]
    found = read_vcf(write_vcf(tmp_path / "a.vcf", rows))
    assert [v.name for v in found.variants] == ["rs1/C", "rs1/GT", "chr2:7:T/G", "rs3"]
    assert [(v.chromosome, v.position, v.reference, v.alternative) for v in found.variants[:2]] == [
        ("chr1", 4, "A", "C"),
        ("chr1", 4, "A", "GT"),
    ]
    assert found.samples == ["a", "b", "c"]
    assert found.dosages_VP.tolist() == [[1, 1, 0], [0, 1, 2], [-1, 1, 1], [-1, 0, 2]]
    assert found.without_alternative == 1
    assert found.of(["c", "a"]).tolist() == [[0, 1], [2, 0], [1, -1], [2, -1]]
    with pytest.raises(VcfError, match=r"a\.vcf: no genotypes of 1 person of the phenotypes \(d\); take"):
        found.of(["a", "d"])


def test_a_file_without_samples_has_variants_all_the_same(tmp_path: Path) -> None:
    found = read_vcf(write_vcf(tmp_path / "a.vcf", ["chr1 5 rs1 A C"], samples=()))
    assert (len(found.variants), found.dosages_VP.shape) == (1, (1, 0))


def test_variants_that_share_an_id_are_told_apart_by_their_place(tmp_path: Path) -> None:
    rows = ["chr1 5 rs1 A C 0/1 0/0 0/0", "chr1 5 rs1 A GT 0/0 0/1 0/0", "chr1 9 rs2 A C 0/0 0/0 0/1"]
    found = read_vcf(write_vcf(tmp_path / "split.vcf", rows))
    assert [v.name for v in found.variants] == ["rs1/chr1:5:A/C", "rs1/chr1:5:A/GT", "rs2"]
    with pytest.raises(VcfError, match=r"record 4 \(chr1:5\): chr1:5:A/GT stands there twice; keep one"):
        read_vcf(write_vcf(tmp_path / "twice.vcf", [*rows, rows[1]]))


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    return Genome.open(write_genome(tmp_path_factory.mktemp("genome")))


@given(st.data())
def test_windows_are_the_genome_with_one_allele_in_place_of_the_other(genome: Genome, data: st.DataObject) -> None:
    chromosome = data.draw(st.sampled_from(sorted(CHROMOSOMES)))
    size, length = CHROMOSOMES[chromosome], data.draw(st.integers(16, 60))
    width = data.draw(st.integers(1, 4))
    position = data.draw(st.integers(0, size - width))
    whole = LETTERS[genome.fetch(chromosome, 0, size)].tobytes().decode()
    reference = whole[position : position + width]
    alternative = data.draw(st.text("ACGT", min_size=1, max_size=4))
    found = alleles(genome, Variant("v", chromosome, position, reference, alternative, "here"), length)
    around = f"{'N' * length}{whole}{'N' * length}"
    changed = f"{'N' * length}{whole[:position]}{alternative}{whole[position + width :]}{'N' * length}"
    first = length + position - length // 2
    for codes, expected in zip(found, (around, changed), strict=True):
        assert LETTERS[codes].tobytes().decode() == expected[first : first + length]


def test_an_allele_that_is_the_reference_changes_nothing(genome: Genome) -> None:
    whole = LETTERS[genome.fetch("chr1", 0, 300)].tobytes().decode()
    same = alleles(genome, Variant("v", "chr1", 20, whole[20], whole[20], "here"), 30)
    assert np.array_equal(same.reference, same.alternative)
    assert (same.reference < UNKNOWN).all()


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_compressed_file_that_is_cut_off_is_no_shorter_cohort(tmp_path: Path, share: float) -> None:
    rows = [f"chr1 {place % 300 + 1} . A {'ACGT'[place % 4]}{place % 97 * 'C'}G 0/0 0/1 1/1" for place in range(2000)]
    content = gzip.compress(write_vcf(tmp_path / "whole.vcf", rows).read_bytes())
    (tmp_path / "cut.vcf.gz").write_bytes(content[: int(share * len(content))])
    with pytest.raises(VcfError, match=r"cut\.vcf\.gz: "):
        read_vcf(tmp_path / "cut.vcf.gz")


def test_a_sample_that_is_named_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(VcfError, match=r"twice\.vcf: no VCF; .* each sample named once"):
        read_vcf(write_vcf(tmp_path / "twice.vcf", ["chr1 5 . A C 0/0 0/1 1/1"], samples=("a", "b", "a")))
