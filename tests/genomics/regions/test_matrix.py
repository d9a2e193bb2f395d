"""The matrix holds, for each peak, the summed scores of the hits that bedtools would intersect with it."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bioframe
import numpy as np
import pandas as pd
import pytest
import zarr

from quatrefoil.genomics.regions import matrix as matrix_module
from quatrefoil.genomics.regions.bed import write_hits
from quatrefoil.genomics.regions.hits import Hits
from quatrefoil.genomics.regions.matrix import MatrixPlan, build, summed_scores
from quatrefoil.genomics.regions.peaks import Interval, PeakError, Peaks, merged, read_peaks, units_of
from quatrefoil.genomics.regions.pvalues import Scoring
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.regions.similarity import similar_first
from quatrefoil.genomics.regions.sources import HitSource, MadeHits, Scan, read_hits
from quatrefoil.genomics.regions.store import ACCESSIBILITY, PEAKS_PER_CHUNK, MatrixError, RegionMatrix
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.sequence.fasta import Genome
from tests.genomics.regions.toys import UNIFORM, motif, sequence, write_fasta

MOTIFS = [motif(8, 1), motif(12, 2), motif(6, 3), motif(8, 4)]
CHROMOSOMES = {"chr1": 6000, "chr2": 3000, "chr3": 2000}


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    texts = {n: LETTERS[sequence(size, size)].tobytes().decode() for n, size in CHROMOSOMES.items()}
    return Genome.open(write_fasta(tmp_path_factory.mktemp("genome") / "toy.fa", texts))


@pytest.fixture(scope="module")
def source(genome: Genome) -> Scan:
    return Scan(genome, Scanner(MOTIFS, Scoring(UNIFORM, 3e-3)))


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Peaks]:
    folder, rng = tmp_path_factory.mktemp("peaks"), np.random.default_rng(0)
    for cell in ("liver", "lung"):
        places = [
            (name, start, min(size, start + int(rng.integers(20, 300))))
            for name, size in CHROMOSOMES.items()
            for start in sorted(rng.integers(0, size - 1, size // 150).tolist())
        ]
        lines = [f"{n}\t{s}\t{e}\tp\t0\t.\t{rng.random() * 9:.3f}\t1\t1\t1\n" for n, s, e in places]
        (folder / f"{cell}.narrowPeak").write_text("".join(lines))
    return {cell: read_peaks(folder / f"{cell}.narrowPeak", CHROMOSOMES) for cell in ("liver", "lung")}


def plan_of(source: HitSource, peaks: Mapping[str, Peaks], training: tuple[str, ...] = ("chr1", "chr2")) -> MatrixPlan:
    return MatrixPlan(source, peaks, CHROMOSOMES, training, similar_first(MOTIFS), {"scoring": "toy"})


def whole(matrix: RegionMatrix, cell: str) -> np.ndarray:
    return matrix.window(cell, 0, len(matrix.peaks(cell)))


def by_bioframe(source: Scan, peaks: Peaks) -> np.ndarray:
    """Sums (P, T) by an overlap join of all hits of the whole genome."""
    parts = []
    for name, size in CHROMOSOMES.items():
        hits = source.hits(name, [Interval(name, 0, size)])
        parts.append(
            pd.DataFrame({"chrom": name, "start": hits.start, "end": hits.end, "m": hits.motif, "s": hits.score})
        )
    places = pd.DataFrame({"chrom": peaks.chromosome, "start": peaks.start, "end": peaks.end, "p": range(len(peaks))})
    joined = bioframe.overlap(places, pd.concat(parts, ignore_index=True), how="inner")
    sums = np.zeros((len(peaks), len(MOTIFS)))
    np.add.at(sums, (joined["p"].to_numpy(int), joined["m_"].to_numpy(int)), joined["s_"].to_numpy(float))
    return sums


def test_values_are_overlap_sums_over_the_training_maximum(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path
) -> None:
    matrix = build(plan_of(source, peaks), tmp_path / "m")
    order = similar_first(MOTIFS)
    assert matrix.motifs == tuple(MOTIFS[place].name for place in order)
    sums = {cell: by_bioframe(source, found)[:, order] for cell, found in peaks.items()}
    train = np.concatenate([sums[cell][found.chromosome != "chr3"] for cell, found in peaks.items()])
    for cell, found in peaks.items():
        assert sums[cell].any()
        expected = np.clip(sums[cell] / train.max(0), 0, 1).T.astype(np.float32)
        np.testing.assert_array_equal(whole(matrix, cell), expected)
        stored = matrix.peaks(cell)
        np.testing.assert_array_equal(stored.start, found.start)
        np.testing.assert_array_equal(stored.chromosome, found.chromosome)


@dataclass(frozen=True, eq=False)
class Given:
    """Hits that are given, sorted by their starts, of one chromosome."""

    found: Hits
    names: Sequence[str] = tuple(motif.name for motif in MOTIFS)
    tables: None = None

    def hits(self, chromosome: str, intervals: Sequence[Interval]) -> Hits:
        inside = (self.found.end > intervals[0].start) & (self.found.start < intervals[-1].end)
        return Hits(*(column[inside & (chromosome == "chr1")] for column in self.found))


@pytest.mark.parametrize("highest", ["first", "second"])
def test_the_maximum_is_of_all_cell_types_and_of_all_chunks_of_their_peaks(highest: str, tmp_path: Path) -> None:
    """The strongest peak is early among more than a chunk holds, and in one cell type alone, be it the first or not."""
    count, rng = PEAKS_PER_CHUNK * 2 + 10, np.random.default_rng(1)
    cells = ("first", "second")
    sums = {cell: rng.integers(1, 50, (count, len(MOTIFS))) for cell in cells}
    sums[highest][3] = 1000
    starts = {cell: 8 * np.arange(count) + 4 * place for place, cell in enumerate(cells)}
    peaks = {
        c: Peaks(np.array(["chr1"] * count), start, start + 3, np.ones(count), 0, 0) for c, start in starts.items()
    }
    start = np.repeat(np.stack([starts[cell] for cell in cells], 1).ravel(), len(MOTIFS))
    score = np.stack([sums[cell] for cell in cells], 1).ravel()
    motif_of = np.tile(np.arange(len(MOTIFS)), 2 * count)
    source = Given(Hits(start, start + 2, motif_of, np.ones_like(start), score))
    matrix = build(plan_of(source, peaks), tmp_path / "m")
    order = similar_first(MOTIFS)
    for cell in cells:
        np.testing.assert_allclose(whole(matrix, cell).T, sums[cell][:, order] / 1000, rtol=1e-6)


def test_held_out_values_above_the_training_maximum_are_clipped_to_one(source: Scan, tmp_path: Path) -> None:
    """A peak over all of a held-out chromosome holds more hits, and has more signal, than any that scales."""
    start, end = np.array([100, 900, 2000, 0, 300]), np.array([300, 1100, 2200, 2000, 500])
    peaks = Peaks(np.array(["chr1"] * 3 + ["chr3"] * 2), start, end, np.array([1.0, 2, 3, 50, 1]), 0, 0)
    sums = by_bioframe(source, peaks)
    assert (sums[3] > sums[:3].max(0)).all()
    build(plan_of(source, {"liver": peaks}, ("chr1",)), tmp_path / "m")
    values = whole(RegionMatrix.open(tmp_path / "m", accessibility=True), "liver")
    assert (values[:, 3] == 1).all()
    assert values.min() >= 0
    assert values.max() == 1


def test_a_hit_counts_where_one_base_is_shared_and_not_where_it_only_touches() -> None:
    one = Hits(*(np.array([value]) for value in (100, 110, 0, 1, 7)))
    places = [("c", 90, 100), ("c", 90, 101), ("c", 109, 120), ("c", 110, 120), ("c", 0, 500), ("c", 103, 104)]
    spans = np.array([place[1:] for place in places])
    assert summed_scores(one, spans, 2).tolist() == [[0, 0], [7, 0], [7, 0], [0, 0], [7, 0], [7, 0]]


def test_the_same_dna_has_the_same_column_in_every_cell_type(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path
) -> None:
    """A cell type changes the matrix through its list of regions alone."""
    both = {"liver": peaks["liver"], "same": peaks["liver"], "lung": peaks["lung"]}
    matrix = build(plan_of(source, both), tmp_path / "m")
    np.testing.assert_array_equal(whole(matrix, "liver"), whole(matrix, "same"))


def test_the_matrix_does_not_depend_on_units_or_workers(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(build(plan_of(source, peaks), tmp_path / "one"), "lung")
    monkeypatch.setattr(matrix_module, "_UNIT_BASES", 300)
    np.testing.assert_array_equal(whole(build(plan_of(source, peaks), tmp_path / "many", workers=1), "lung"), expected)


class Interrupted(Exception):
    pass


def test_an_interrupted_build_goes_on_and_gives_the_same(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_module, "_UNIT_BASES", 300)
    calls: list[str] = []

    def stops_at_five(scan: Scan, chromosome: str, intervals: tuple[Interval, ...]) -> Hits:
        calls.append(chromosome)
        if len(calls) == 5:
            raise Interrupted
        return found(scan, chromosome, intervals)

    found = Scan.hits
    monkeypatch.setattr(Scan, "hits", stops_at_five)
    units = len(list(units_of(merged(peaks.values(), CHROMOSOMES), 300)))
    with pytest.raises(Interrupted):
        build(plan_of(source, peaks), tmp_path / "m")
    with pytest.raises(MatrixError, match=r"not finished; run the same .* again"):
        RegionMatrix.open(tmp_path / "m")
    with (tmp_path / "m" / "units.done").open("a") as journal:
        journal.write("1")  # a line that was cut off
    with pytest.raises(MatrixError, match="begun with other training, scoring"):
        build(replace(plan_of(source, peaks, ("chr1",)), made_of={"scoring": "other"}), tmp_path / "m")
    resumed = build(plan_of(source, peaks), tmp_path / "m")
    assert len(calls) == units + 1  # the fifth call, which gave nothing, and every unit once
    monkeypatch.setattr(Scan, "hits", found)
    fresh = build(plan_of(source, peaks), tmp_path / "fresh")
    for cell in peaks:
        np.testing.assert_array_equal(whole(resumed, cell), whole(fresh, cell))
    with pytest.raises(MatrixError, match="holds a finished matrix"):
        build(plan_of(source, peaks), tmp_path / "m")


def test_precomputed_hits_give_the_matrix_of_the_scan(source: Scan, peaks: dict[str, Peaks], tmp_path: Path) -> None:
    write_hits(source, None, tmp_path / "hits.bed")
    lines = [line.split("\t")[:6] for line in (tmp_path / "hits.bed").read_text().splitlines()]
    (tmp_path / "hits6.bed").write_text("".join("\t".join(line) + "\n" for line in lines))
    file = read_hits(tmp_path / "hits6.bed", merged(peaks.values(), CHROMOSOMES))
    scanned = build(plan_of(source, peaks), tmp_path / "a")
    order = [list(file.names).index(name) for name in scanned.motifs]
    read = build(replace(plan_of(file, peaks), order=order), tmp_path / "b")
    for cell in peaks:
        np.testing.assert_array_equal(whole(read, cell), whole(scanned, cell))


def test_hits_read_in_blocks_are_those_of_the_file_that_touch_a_peak_and_their_lines_are_counted_on(
    source: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hits.bed"
    write_hits(source, None, path)
    pieces = [Interval("chr1", 30, 90), Interval("chr1", 200, 204), Interval("chr2", 0, 50)]
    found = ["\t".join(line.split("\t")[:6]) for line in path.read_text().splitlines()]
    beside = [f"chr1\t{start}\t{end}\tbeside\t3\t+" for start, end in ((20, 30), (90, 95), (21, 30))]
    touching = [line for line in found if any(touches(line, piece) for piece in pieces)]
    assert 0 < len(touching) < len(found)
    # The first block touches nothing, the last repeats a hit; what follows six columns is not read.
    lines = [f"{line}\tmodel\tword" for line in [*beside, *found, touching[0]]]
    path.write_text("# header\n" + "".join(f"{line}\n" for line in lines))
    monkeypatch.setattr("quatrefoil.genomics.regions.sources._BLOCK", 3)
    read = read_hits(path, pieces, CHROMOSOMES)
    assert (list(read.names), read.repeated) == (sorted({line.split("\t")[3] for line in lines}), 1)
    assert sorted(told(read)) == sorted(map(row, [*touching, touching[0]]))
    with path.open("a") as file:
        file.write(lines[0].replace("+", "?"))
    with pytest.raises(PeakError, match=rf"hits.bed:{len(lines) + 2}: .* has no strand in its sixth column"):
        read_hits(path, pieces, CHROMOSOMES)


def told(read: MadeHits) -> Iterator[tuple[object, ...]]:
    for chromosome, hits in read.by_chromosome.items():
        assert list(hits.start) == sorted(hits.start)
        for start, end, number, strand, score in zip(*hits, strict=True):
            yield chromosome, start, end, read.names[number], strand, score


def row(line: str) -> tuple[object, ...]:
    chromosome, start, end, motif, score, strand = line.split("\t")
    return chromosome, int(start), int(end), motif, {"+": 1, "-": -1}[strand], round(1000 * float(score))


def touches(line: str, piece: Interval) -> bool:
    chromosome, start, end, *_ = line.split("\t")
    return chromosome == piece.chromosome and int(start) < piece.end and int(end) > piece.start


def test_hits_written_by_pieces_are_those_of_the_whole(
    source: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hits(source, None, tmp_path / "one.bed")
    monkeypatch.setattr("quatrefoil.genomics.regions.bed._BASES", 177)
    write_hits(source, None, tmp_path / "many.bed")
    assert (tmp_path / "one.bed").read_text() == (tmp_path / "many.bed").read_text()


def test_accessibility_is_one_more_row_and_changes_no_other(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path
) -> None:
    build(plan_of(source, peaks), tmp_path / "m")
    plain, more = RegionMatrix.open(tmp_path / "m"), RegionMatrix.open(tmp_path / "m", accessibility=True)
    assert more.motifs == (*plain.motifs, ACCESSIBILITY)
    np.testing.assert_array_equal(whole(more, "lung")[:-1], whole(plain, "lung"))
    signal, train = peaks["lung"].signal, peaks["lung"].chromosome != "chr3"
    assert signal is not None
    expected = np.clip(np.log1p(signal) / np.log1p(signal[train].max()), 0, 1)
    np.testing.assert_allclose(whole(more, "lung")[-1], expected, rtol=1e-6)


@pytest.mark.parametrize("accessibility", [False, True])
def test_what_is_usual_is_mean_and_deviation_of_the_values_on_training_chromosomes(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path, accessibility: bool
) -> None:
    build(plan_of(source, peaks), tmp_path / "m")
    matrix = RegionMatrix.open(tmp_path / "m", accessibility)
    parts = [whole(matrix, cell)[:, found.chromosome != "chr3"] for cell, found in peaks.items()]
    values = np.concatenate(parts, 1).astype(float)
    np.testing.assert_allclose(matrix.usual.mean_T, values.mean(1), rtol=1e-6)
    np.testing.assert_allclose(matrix.usual.deviation_T, values.std(1), rtol=1e-6)


@pytest.mark.parametrize("accessibility", [False, True])
def test_held_out_cell_types_have_columns_and_no_part_in_scale_or_usual(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path, accessibility: bool
) -> None:
    """A new type beside the others changes nothing of what a model reads or was trained on."""
    apart = {name: found for name, found in peaks.items() if name != "lung"}
    build(replace(plan_of(source, peaks), held_out=("lung",)), tmp_path / "both")
    build(plan_of(source, apart), tmp_path / "apart")
    both, alone = (RegionMatrix.open(tmp_path / name, accessibility) for name in ("both", "apart"))
    assert both.held_out == ("lung",)
    np.testing.assert_array_equal(whole(both, "liver"), whole(alone, "liver"))
    assert whole(both, "lung").any()
    for values, expected in zip(both.usual, alone.usual, strict=True):
        np.testing.assert_array_equal(values, expected)


def test_cell_types_that_cannot_be_held_out_are_named(source: Scan, peaks: dict[str, Peaks]) -> None:
    with pytest.raises(ValueError, match=r"held-out cell type `lungs` \(did you mean `lung`\?\) has no peaks"):
        replace(plan_of(source, peaks), held_out=("lungs",))
    with pytest.raises(ValueError, match="every cell type is held out"):
        replace(plan_of(source, peaks), held_out=("liver", "lung"))


def test_a_matrix_knows_how_its_hits_are_scored_where_they_were_scanned_for(
    source: Scan, peaks: dict[str, Peaks], genome: Genome, tmp_path: Path
) -> None:
    matrix = build(plan_of(source, peaks), tmp_path / "m")
    assert matrix.tables is not None
    bases = genome.fetch("chr1", 0, 500)
    hits = source.scanner.scan(bases)
    for row, name in enumerate(matrix.motifs):
        width = next(one.width for one in MOTIFS if one.name == name)
        of = hits.take(np.array([MOTIFS[number].name == name for number in hits.motif]))
        assert len(of.start)
        for start, strand, score in zip(of.start, of.strand, of.score, strict=True):
            word = bases[start : start + width]
            read = word if strand > 0 else 3 - word[::-1]
            assert (
                matrix.tables.weights_TW4[row, np.arange(width), read].sum() == score >= matrix.tables.threshold_T[row]
            )
        assert not matrix.tables.weights_TW4[row, width:].any()
    write_hits(source, None, tmp_path / "hits.bed")
    made = read_hits(tmp_path / "hits.bed", merged(peaks.values(), CHROMOSOMES))
    assert build(plan_of(made, peaks), tmp_path / "given").tables is None


def test_a_matrix_of_an_older_format_is_refused(source: Scan, peaks: dict[str, Peaks], tmp_path: Path) -> None:
    build(plan_of(source, peaks), tmp_path / "m")
    root = zarr.open_group(str(tmp_path / "m"), mode="r+")
    del root.attrs["format"]
    with pytest.raises(MatrixError, match="of format 1, read is 3; remove it and make it again"):
        RegionMatrix.open(tmp_path / "m")


def test_a_reader_survives_pickling_and_names_what_is_unknown(
    source: Scan, peaks: dict[str, Peaks], tmp_path: Path
) -> None:
    matrix = build(plan_of(source, peaks), tmp_path / "m")
    np.testing.assert_array_equal(whole(pickle.loads(pickle.dumps(matrix)), "lung"), whole(matrix, "lung"))
    with pytest.raises(ValueError, match=r"no cell type `lungs` \(did you mean `lung`\?\)"):
        matrix.window("lungs", 0, 1)
    with pytest.raises(ValueError, match=r"it has \d+; choose a window"):
        matrix.window("lung", len(peaks["lung"]) - 1, 2)
    with pytest.raises(MatrixError, match="no matrix here"):
        RegionMatrix.open(tmp_path)
    with pytest.raises(ValueError, match="training chromosome `chr9` is not in the genome"):
        plan_of(source, peaks, ("chr9",))
