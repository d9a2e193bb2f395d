"""Tables of open regions say where the peaks of a matrix are, and held-out cell types and chromosomes only test."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from quatrefoil.genomics.datasets.openness.commands import tables
from quatrefoil.genomics.datasets.openness.from_peaks import TableRule, write_tables
from quatrefoil.genomics.datasets.openness.table import read_regions
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.regions.store import RegionMatrix
from tests.genomics.pretraining.toy import HELD_OUT, TYPES, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PretrainingData:
    return write_world(tmp_path_factory.mktemp("world"))


def test_a_place_is_open_where_a_peak_of_the_type_touches_it_and_every_peak_is_in_a_place(
    world: PretrainingData, tmp_path: Path
) -> None:
    matrix, kept = RegionMatrix.open(world.matrix), set[tuple[str, int, int]]()
    written = write_tables(matrix, TableRule(["chr10"], ["chr8"], longest=10**6), tmp_path)
    assert [table.path.name for table in written] == ["train.tsv", "validation.tsv", "test.tsv"]
    seen = [name for name in TYPES if name not in HELD_OUT]
    for table, types, chromosomes in zip(
        written, (seen, seen, list(HELD_OUT)), ({"chr1", "chr2", "chr3"}, {"chr10"}, {"chr8"}), strict=True
    ):
        found = read_regions(table.path)
        assert set(found.cell_types) == set(types)
        assert set(found.chromosomes) == chromosomes
        assert (int(found.open_N.sum()), int((~found.open_N).sum())) == (table.open, table.closed)
        for row in range(len(found.start_N)):
            peaks = matrix.peaks(str(found.cell_type_N[row]))
            place = str(found.chromosome_N[row]), int(found.start_N[row]), int(found.end_N[row])
            touching = (peaks.chromosome == place[0]) & (peaks.start < place[2]) & (peaks.end > place[1])
            assert found.open_N[row] == touching.any()
            kept.add(place)
    for name in matrix.cell_types:
        peaks = matrix.peaks(name)
        for chromosome, start, end in zip(peaks.chromosome, peaks.start, peaks.end, strict=True):
            if name in seen or chromosome == "chr8":
                assert any(c == chromosome and a <= start and end <= b for c, a, b in kept)


def test_peaks_of_held_out_types_neither_make_nor_stretch_a_place_that_trains_or_validates(
    world: PretrainingData, tmp_path: Path
) -> None:
    matrix = RegionMatrix.open(world.matrix)
    known = [matrix.peaks(name) for name in TYPES if name not in HELD_OUT]
    edges = [
        {(str(c), int(at)) for p in known for c, at in zip(p.chromosome, getattr(p, side), strict=True)}
        for side in ("start", "end")
    ]
    *seen, test = write_tables(matrix, TableRule(["chr10"], ["chr8"], longest=10**6), tmp_path)
    for table in seen:
        found = read_regions(table.path)
        chromosome, start, end = (x.tolist() for x in (found.chromosome_N, found.start_N, found.end_N))
        assert {*zip(chromosome, start, strict=True)} <= edges[0]
        assert {*zip(chromosome, end, strict=True)} <= edges[1]
        places = list(zip(chromosome, start, strict=True))
        assert {place for place, yes in zip(places, found.open_N.tolist(), strict=True) if yes} == set(places)
    assert test.places > 0


def test_longer_places_are_left_out_and_without_held_out_types_all_are_tested(tmp_path: Path) -> None:
    world = write_world(tmp_path, held_out=())
    matrix = RegionMatrix.open(world.matrix)
    (*_, all_of_them) = write_tables(matrix, TableRule(["chr10"], ["chr8"], longest=10**6), tmp_path / "all")
    (*_, short) = write_tables(matrix, TableRule(["chr10"], ["chr8"], longest=190), tmp_path / "short")
    assert set(all_of_them.cell_types) == set(TYPES)
    found = read_regions(short.path)
    assert 0 < short.places < all_of_them.places
    assert (found.end_N - found.start_N).max() <= 190


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--validation", "chr80"], "no peak on `chr80`.*did you mean `chr8`"),
        (
            ["--validation", "chr1"],
            "is scaled by chr1, so that it can neither validate nor test; build it .* without chr1",
        ),
        (["--validation", "chr8", "--test", "chr8"], "chr8 both validates and tests"),
        (["--validation", "chr8", "--longest", "1"], "train: no place on its chromosomes; .* raise --longest"),
    ],
)
def test_wrong_chromosomes_are_named(
    world: PretrainingData, tmp_path: Path, arguments: list[str], message: str
) -> None:
    parser = ArgumentParser()
    tables.add_arguments(parser)
    with pytest.raises(ValueError, match=message):
        tables.run(parser.parse_args(["--matrix", str(world.matrix), "--out", str(tmp_path / "t"), *arguments]))


def test_a_table_that_cannot_be_made_leaves_those_of_before_as_they_were(
    world: PretrainingData, tmp_path: Path
) -> None:
    """Half of the tables new and half old would test on what is trained on."""
    matrix = RegionMatrix.open(world.matrix)
    written = write_tables(matrix, TableRule(["chr10"], ["chr8"], longest=10**6), tmp_path)
    before = [table.path.read_bytes() for table in written]
    with pytest.raises(ValueError, match=r"test\.tsv: is there from before, and no chromosome tests now; remove it"):
        write_tables(matrix, TableRule(["chr8"], [], longest=10**6), tmp_path)
    with pytest.raises(ValueError, match="no place on its chromosomes; name others, or raise --longest"):
        write_tables(matrix, TableRule(["chr8"], ["chr10"], longest=1), tmp_path)
    assert [table.path.read_bytes() for table in written] == before
