"""Regions are read with the peaks about them and never with their own; sequence alone cannot tell cell types apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from quatrefoil.core.data import SampleKey
from quatrefoil.core.nn.bert import bert_transformer
from quatrefoil.core.views import Views
from quatrefoil.genomics.datasets.openness.config import ALL, FIELDS, PAIRED, VARYING, OpennessData, OpennessSizes
from quatrefoil.genomics.datasets.openness.module import OpennessModule
from quatrefoil.genomics.datasets.openness.table import read_regions
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.datasets.pretraining.loci import TypePeaks
from quatrefoil.genomics.models.openness import OpennessConfig
from quatrefoil.genomics.models.region_encoders import DeepSetsRegions
from quatrefoil.genomics.regions.peaks import Peaks
from quatrefoil.genomics.sequence.codes import reverse_complement
from quatrefoil.genomics.tables import TextError
from tests.genomics.pretraining.toy import LENGTH, write_world

SEGMENT, REGIONS, K = 20, 5, 3
SHIFT = 10


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PretrainingData:
    return write_world(tmp_path_factory.mktemp("world"))


def write_table(path: Path, world: PretrainingData, types: tuple[str, ...]) -> Path:
    """Every fourth peak of a cell type as a region, and whether each type has a peak that touches it."""
    module = world.build(0)
    lines = ["chrom\tstart\tend\tcell_type\topen"]
    peaks = {name: module.matrix.peaks(name) for name in types}
    for name in types:
        of = peaks[name]
        for place in range(0, len(of), 4):
            chromosome, start, end = str(of.chromosome[place]), int(of.start[place]), int(of.end[place])
            for other in types:
                p = peaks[other]
                is_open = ((p.chromosome == chromosome) & (p.start < end) & (p.end > start)).any()
                lines.append(f"{chromosome}\t{start}\t{end}\t{other}\t{int(is_open)}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def module(world: PretrainingData, tmp_path_factory: pytest.TempPathFactory) -> OpennessModule:
    folder = tmp_path_factory.mktemp("tables")
    known, new = (write_table(folder / f"{n}.tsv", world, types) for n, types in enumerate(TYPES))
    files = {"genome": world.genome, "matrix": world.matrix, "train": known, "validation": known, "test": new}
    return OpennessData(**files, k=K, segment=SEGMENT, regions=REGIONS, shift=SHIFT).build(0)  # type: ignore[arg-type]


TYPES = (("amber", "birch"), ("cedar", "delta"))


def test_a_genome_that_the_matrix_was_not_made_of_is_refused_by_pre_training_and_by_openness(
    world: PretrainingData, tmp_path: Path
) -> None:
    (other := tmp_path / "other.fa").write_text(world.genome.read_text().translate(str.maketrans("AC", "CA")))
    table = write_table(tmp_path / "t.tsv", world, TYPES[0])
    files = {"genome": other, "matrix": world.matrix, "train": table, "validation": table}
    for data in (
        replace(world, genome=other),
        OpennessData(**files, k=K, segment=SEGMENT, regions=REGIONS, shift=SHIFT),
    ):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"other\.fa has other bases under the peaks of .*name that genome"):
            data.build(0)


def window(start: int, end: int) -> tuple[int, int]:
    middle = (start + end) // 2
    return min(start, middle - SEGMENT), max(end, middle + SEGMENT)


def left_out(peaks: Peaks, on: np.ndarray, start: int, end: int) -> tuple[int, int]:
    """The stretch that no peak that is read may touch: a window about the region's peaks, or about its nearest one."""

    def covered(low: int, high: int) -> tuple[int, int]:
        touching = [p for p in on if peaks.start[p] < high and peaks.end[p] > low]
        return (int(peaks.start[touching].min()), int(peaks.end[touching].max())) if touching else (0, 0)

    low, high = window(start, end)
    if covered(low, high) == (0, 0):
        nearest = min(on, key=lambda p: max(peaks.start[p] - high, low - peaks.end[p]))
        low, high = window(int(peaks.start[nearest]), int(peaks.end[nearest]))
    return window(*covered(low, high))


def test_peaks_about_a_region_are_the_nearest_and_its_own_are_never_among_them(module: OpennessModule) -> None:
    reader, samples = module.reader, module.items("test", ALL, FIELDS)
    peaks_of = {name: reader.matrix.peaks(name) for name in TYPES[1]}
    matrix_of = {name: reader.matrix.window(name, 0, len(peaks)) for name, peaks in peaks_of.items()}
    for index in range(0, len(samples), 3):
        cell_type, place = samples.ids[index].split("/")
        chromosome, span = place.split(":")
        start, end = map(int, span.split("-"))
        found = samples[SampleKey(0, index)]["matrix"]
        peaks = peaks_of[cell_type]
        on = np.flatnonzero(peaks.chromosome == chromosome)
        low, high = left_out(peaks, on, start, end)
        before = [p for p in on if peaks.end[p] <= low]
        after = [p for p in on if peaks.start[p] >= high]
        assert found.shape[1] == min(REGIONS, len(before) + len(after))
        left = min(max(found.shape[1] // 2, found.shape[1] - len(after)), len(before))
        chosen = [*before[len(before) - left :], *after[: found.shape[1] - left]]
        np.testing.assert_array_equal(found.numpy(), matrix_of[cell_type][:, chosen])


def test_a_closed_region_reads_what_is_read_about_its_nearest_peak(module: OpennessModule) -> None:
    """So a matrix that comes back does not say that the region is closed; that it is open, it may."""
    samples, reader = module.items("test", ALL, FIELDS), module.reader
    closed = [index for index in range(len(samples)) if not samples.labels_N[index]]
    assert closed
    for index in closed:
        cell_type, place = samples.ids[index].split("/")
        chromosome, span = place.split(":")
        start, end = map(int, span.split("-"))
        peaks = reader.matrix.peaks(cell_type)
        on = np.flatnonzero(peaks.chromosome == chromosome)
        gap = np.maximum(peaks.start[on] - end, start - peaks.end[on])
        nearest = on[gap.argmin()]
        about_peak = reader.region_fields(cell_type, chromosome, int(peaks.start[nearest]), int(peaks.end[nearest]))
        assert torch.equal(samples[SampleKey(0, index)]["matrix"], about_peak["matrix"])


def test_about_a_closed_region_nothing_is_read_that_touches_a_window_about_its_nearest_peak(
    module: OpennessModule,
) -> None:
    """Also what does not touch the nearest peak itself: an open region there would not read it."""
    reader = replace(module.reader, sizes=replace(module.reader.sizes, segment=120))
    crowded = 0
    for cell_type in TYPES[1]:
        peaks = reader.matrix.peaks(cell_type)
        for chromosome in sorted(set(peaks.chromosome.tolist())):
            on = np.flatnonzero(peaks.chromosome == chromosome)
            for middle in range(200, LENGTH - 200, 50):
                if ((peaks.start[on] < middle + 120) & (peaks.end[on] > middle - 120)).any():
                    continue
                gap = np.maximum(peaks.start[on] - middle, middle - peaks.end[on])
                nearest = on[gap.argmin()]
                start, end = int(peaks.start[nearest]), int(peaks.end[nearest])
                closed = reader.region_fields(cell_type, chromosome, middle, middle + 1)
                about_peak = reader.region_fields(cell_type, chromosome, start, end)
                assert torch.equal(closed["matrix"], about_peak["matrix"])
                in_window = (
                    np.abs(peaks.start[on] + peaks.end[on] - start - end) < 240 + peaks.end[on] - peaks.start[on]
                )
                crowded += int((in_window & ((peaks.start[on] >= end) | (peaks.end[on] <= start))).any())
    assert crowded > 5


def test_in_training_a_region_lies_anywhere_among_its_peaks_and_none_of_them_is_its_own(module: OpennessModule) -> None:
    training, reader = module.train(["matrix"]), module.reader
    row = len(training) // 2
    cell_type, place = training.ids[row].split("/")
    chromosome, span = place.split(":")
    start, end = map(int, span.split("-"))
    windows = set()
    for epoch in range(40):
        found = training[SampleKey(epoch, row)]["matrix"]
        assert torch.equal(found, training[SampleKey(epoch, row)]["matrix"])
        windows.add(found.numpy().tobytes())
    assert len(windows) > 2
    peaks = reader.matrix.peaks(cell_type)
    columns_PM = reader.matrix.window(cell_type, 0, len(peaks)).T
    on = np.flatnonzero(peaks.chromosome == chromosome)
    low, high = left_out(peaks, on, start, end)
    before, after = ([p for p in on if peaks.end[p] <= low], [p for p in on if peaks.start[p] >= high])
    assert len(before) + len(after) < len(on)  # an open one
    possible = set()
    for left in range(REGIONS + 1):
        chosen = [*before[len(before) - left :], *after[: REGIONS - left]]
        if len(chosen) == REGIONS:
            possible.add(np.ascontiguousarray(columns_PM[chosen].T).tobytes())
    assert windows <= possible


def test_pairs_are_told_by_the_table_and_never_beside_regions_that_may_hold_the_place(module: OpennessModule) -> None:
    training = module.train(FIELDS)
    chosen = list(range(0, len(training), 7))[:40]
    samples = [training[SampleKey(0, index)] for index in chosen]
    paired = {name: torch.stack([torch.as_tensor(s[name]) for s in samples]) for name in PAIRED}
    model = OpennessConfig(regions=DeepSetsRegions(motifs=len(module.reader.matrix.motifs), set_width=8)).build()
    views = Views(model, paired)
    told, labels = views["told_pairs"].tolist(), views["open_in_pairs"].tolist()
    names = [training.ids[index].split("/") for index in chosen]
    open_by_name = dict(zip(training.ids, training.labels_N.tolist(), strict=True))
    expected = {}
    for i, (_, place) in enumerate(names):
        for j, (cell_type, other) in enumerate(names):
            apart = place.split(":")[0] != other.split(":")[0] or place == other
            if apart and f"{cell_type}/{place}" in open_by_name:
                expected[i, j] = open_by_name[f"{cell_type}/{place}"]
    assert {(i, j): label for (i, j), label in zip(told, labels, strict=True)} == expected
    assert len(chosen) < len(expected) < len(chosen) ** 2
    assert all(expected[row, row] == samples[row]["label"] for row in range(len(chosen)))


@torch.no_grad()
def test_logits_of_pairs_are_those_of_the_first_rows_sequence_and_the_second_rows_regions(
    module: OpennessModule,
) -> None:
    training = module.train(FIELDS)
    rows = [training[SampleKey(0, index)] for index in range(0, len(training), 31)][:8]
    rows = [row for row in rows if row["matrix"].shape[1] == REGIONS]
    given = {name: torch.stack([torch.as_tensor(row[name]) for row in rows]) for name in FIELDS}
    regions = DeepSetsRegions(motifs=len(module.reader.matrix.motifs), set_width=8)
    transformer = bert_transformer(16, 1, 2, dropout=0.0, attention_dropout=0.0)
    model = OpennessConfig(k=K, max_positions=64, transformer=transformer, regions=regions).build().eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    views = Views(model, given)
    found = zip(
        views["told_pairs"].tolist(), views["openness_of_pairs"], views["openness_of_sequence_of_pairs"], strict=True
    )
    for (i, j), with_regions, alone in found:
        one = {name: given[name][[j]] if name in ("matrix", "region_mask") else given[name][[i]] for name in given}
        torch.testing.assert_close(with_regions, Views(model, one)["openness"][0])
        torch.testing.assert_close(alone, Views(model, one)["openness_of_sequence"][0])
    assert not torch.allclose(views["openness_of_pairs"][0], views["openness_of_pairs"][1])


def test_a_region_that_stands_twice_for_a_cell_type_is_refused(tmp_path: Path) -> None:
    line = "chr1\t10\t60\tamber"
    (tmp_path / "a.tsv").write_text(f"chrom\tstart\tend\tcell_type\topen\n{line}\t1\n{line}\t0\n")
    with pytest.raises(TextError, match=r"a\.tsv:3: amber, chr1:10-60 is in .*a\.tsv:2, too"):
        read_regions(tmp_path / "a.tsv")


def test_where_no_region_varies_the_scores_of_those_that_do_are_refused(world: PretrainingData, tmp_path: Path) -> None:
    known, new = (write_table(tmp_path / f"{n}.tsv", world, types) for n, types in enumerate((TYPES[0], ("cedar",))))
    files = {"genome": world.genome, "matrix": world.matrix, "train": known, "validation": known, "test": new}
    module = OpennessData(**files, k=K, segment=SEGMENT, regions=REGIONS, shift=0).build(0)  # type: ignore[arg-type]
    assert len(module.items("test", ALL, FIELDS))
    with pytest.raises(
        ValueError, match=r"no region of test is open in some .*\(cedar\).*evaluate\.openness-varying=off"
    ):
        module.items("test", VARYING, FIELDS)


def test_of_peaks_that_lie_within_others_the_one_that_reaches_nearest_is_nearest() -> None:
    start, end = np.array([0, 100, 120, 900]), np.array([50, 400, 130, 950])
    peaks = Peaks(np.array(["chr1"] * 4), start, end, None, 0, 0)
    kind = TypePeaks.of("amber", peaks, ["chr1"])
    assert [kind.nearest("chr1", *stretch) for stretch in ((60, 90), (500, 520), (700, 800), (960, 990))] == [
        0,
        1,
        3,
        3,
    ]


def test_training_reads_both_strands_and_off_the_middle_anew_in_each_epoch_and_evaluation_never_does(
    module: OpennessModule,
) -> None:
    training, evaluated = module.train(["ids"]), module.items("val", ALL, ["ids"])
    views = {tuple(training[SampleKey(epoch, 0)]["ids"].tolist()) for epoch in range(20)}
    assert len(views) > 5
    _, place = training.ids[0].split("/")
    chromosome, span = place.split(":")
    start, end = map(int, span.split("-"))
    possible = set()
    for shift in range(-SHIFT, SHIFT + 1):
        codes = module.reader.window(chromosome, start + shift, end + shift)
        for read in (codes, reverse_complement(codes)):
            possible.add(tuple(module.reader.sequence_fields(read)["ids"].tolist()))
    assert views <= possible
    assert training[SampleKey(3, 0)]["ids"].tolist() == training[SampleKey(3, 0)]["ids"].tolist()
    middle = module.reader.sequence_fields(module.reader.window(chromosome, start, end))["ids"]
    row = evaluated.ids.index(training.ids[0])
    assert all(torch.equal(evaluated[SampleKey(epoch, row)]["ids"], middle) for epoch in range(3))


def test_a_shift_that_leaves_the_region_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data\.shift=50 leaves the region"):
        OpennessSizes(segment=20)


def test_the_same_place_has_one_sequence_and_one_group_in_all_cell_types(module: OpennessModule) -> None:
    samples = module.items("test", ALL, FIELDS)
    by_place: dict[str, list[int]] = {}
    for index, name in enumerate(samples.ids):
        by_place.setdefault(name.split("/")[1], []).append(index)
    assert len(by_place) == len(set(samples.groups_N.tolist()))
    for rows in by_place.values():
        ids = [samples[SampleKey(0, row)]["ids"] for row in rows]
        assert all(torch.equal(ids[0], other) for other in ids)
        assert len({int(samples.groups_N[row]) for row in rows}) == 1


def test_regions_that_vary_are_open_in_some_cell_types_and_closed_in_others(module: OpennessModule) -> None:
    every, varying = (module.items("test", unit, ["label"]) for unit in (ALL, VARYING))
    labels: dict[int, set[int]] = {}
    for group, label in zip(every.groups_N.tolist(), every.labels_N.tolist(), strict=True):
        labels.setdefault(group, set()).add(label)
    assert set(varying.groups_N.tolist()) == {group for group, found in labels.items() if found == {0, 1}}
    assert 0 < len(varying) < len(every)
    assert varying.labels_N.tolist() == [varying[SampleKey(0, row)]["label"] for row in range(len(varying))]


def test_sequence_alone_says_the_same_in_every_cell_type_and_regions_do_not(module: OpennessModule) -> None:
    torch.manual_seed(0)
    motifs = len(module.reader.matrix.motifs)
    config = OpennessConfig(
        k=K,
        max_positions=64,
        transformer=bert_transformer(16, 1, 2, dropout=0.0, attention_dropout=0.0),
        regions=DeepSetsRegions(motifs=motifs, set_width=16),
    )
    model = config.build().eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    reader = module.reader
    said = []
    for cell_type in TYPES[1]:
        fields = {**reader.sequence_fields(reader.window("chr8", 400, 460))}
        fields |= reader.region_fields(cell_type, "chr8", 400, 460)
        views = Views(model, {name: value[None] for name, value in fields.items()})
        said.append([views[name] for name in ("openness_of_sequence", "openness")])
    (alone, with_regions), (alone_too, with_others) = said
    assert torch.equal(alone, alone_too)
    assert not torch.allclose(with_regions, with_others)


def test_a_cell_type_that_the_matrix_lacks_is_named(world: PretrainingData, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("chrom\tstart\tend\tcell_type\topen\nchr1\t10\t60\tambre\t1\n")
    table = tmp_path / "a.tsv"
    files = {"genome": world.genome, "matrix": world.matrix, "train": table, "validation": table}
    with pytest.raises(ValueError, match=r"no cell type `ambre` .did you mean `amber`"):
        OpennessData(**files).build(0)  # type: ignore[arg-type]


def test_a_matrix_that_cell_types_scale_which_are_only_tested_is_refused(tmp_path: Path) -> None:
    world = write_world(tmp_path, held_out=("delta",))
    known, new = (write_table(tmp_path / f"{n}.tsv", world, types) for n, types in enumerate(TYPES))
    files = {"genome": world.genome, "matrix": world.matrix, "train": known, "validation": known, "test": new}
    with pytest.raises(
        ValueError, match=r"scaled by cedar, which test holds and training does not; .*--held-out cedar"
    ):
        OpennessData(**files).build(0)  # type: ignore[arg-type]


def test_a_matrix_that_chromosomes_scale_which_are_only_tested_is_refused(
    world: PretrainingData, tmp_path: Path
) -> None:
    head = "chrom\tstart\tend\tcell_type\topen\n"
    known, new = tmp_path / "a.tsv", tmp_path / "b.tsv"
    known.write_text(f"{head}chr1\t10\t60\tamber\t1\n")
    new.write_text(f"{head}chr2\t10\t60\tamber\t1\n")
    files = {"genome": world.genome, "matrix": world.matrix, "train": known, "validation": new}
    with pytest.raises(ValueError, match="scaled by chr2, which val holds and training does not"):
        OpennessData(**files).build(0)  # type: ignore[arg-type]


def test_what_is_trained_on_is_not_tested_and_what_leaves_its_chromosome_is_named(
    world: PretrainingData, tmp_path: Path
) -> None:
    head, line = "chrom\tstart\tend\tcell_type\topen\n", "chr1\t10\t60\tamber\t1\n"
    tables = {"known": line, "held": f"{line}chr1\t10\t60\tcedar\t1\n", "far": "chr1\t11990\t12050\tamber\t1\n"}
    for name, lines in tables.items():
        (tmp_path / f"{name}.tsv").write_text(head + lines)
    known, held, far = (tmp_path / f"{name}.tsv" for name in tables)

    def build(train: Path, validation: Path, test: Path) -> OpennessModule:
        files = {"train": train, "validation": validation, "test": test}
        return OpennessData(genome=world.genome, matrix=world.matrix, **files).build(0)

    with pytest.raises(ValueError, match=r"cedar is held out by .*, and stands in data\.train"):
        build(held, known, known)
    with pytest.raises(ValueError, match=r"amber, chr1:10-60 is in data\.train and in data\.test \(1 such"):
        build(known, known, held)
    with pytest.raises(ValueError, match=r"far\.tsv:2: chr1:11990-12050 leaves its chromosome of 12000 bases"):
        build(known, far, known)


def test_two_starts_are_refused() -> None:
    with pytest.raises(ValueError, match="start from pretrained=a, or from dnabert=b, not from both"):
        OpennessConfig(regions=DeepSetsRegions(motifs=3, set_width=8), pretrained="a", dnabert="b")


def test_regions_that_lie_on_bases_of_training_are_counted_whatever_their_cell_type(
    world: PretrainingData, tmp_path: Path
) -> None:
    head = "chrom\tstart\tend\tcell_type\topen\n"
    known, others, new = TYPES[0][0], TYPES[0][1], TYPES[1][0]
    (tmp_path / "train.tsv").write_text(f"{head}chr1\t1000\t1100\t{known}\t1\nchr2\t1000\t1100\t{others}\t0\n")
    (tmp_path / "validation.tsv").write_text(f"{head}chr1\t1039\t1139\t{others}\t1\nchr1\t1040\t1140\t{others}\t0\n")
    (tmp_path / "test.tsv").write_text(f"{head}chr8\t1000\t1100\t{new}\t1\n")
    files = {split: tmp_path / f"{split}.tsv" for split in ("train", "validation", "test")}
    data = OpennessData(
        genome=world.genome, matrix=world.matrix, k=K, segment=SEGMENT, regions=REGIONS, shift=0, **files
    )
    splits = data.build(0).describe()["splits"]
    assert (splits["val"]["on_trained_bases"], splits["test"]["on_trained_bases"]) == (1, 0)
