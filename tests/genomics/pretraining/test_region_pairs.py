"""What the regions of a sample must hold."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from quatrefoil.core.data import SampleKey
from quatrefoil.genomics.datasets.pretraining.fields import MATCH_KINDS, REGION_FIELDS, Unit
from quatrefoil.genomics.datasets.pretraining.loci import TypePeaks
from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule
from quatrefoil.genomics.datasets.pretraining.region_pairs import Locus, Window, window_weights
from quatrefoil.genomics.datasets.pretraining.samples import LocusSamples
from quatrefoil.genomics.regions.peaks import Peaks
from tests.genomics.pretraining.toy import write_world

REGIONS = 6


@pytest.fixture(scope="module")
def samples(module: PretrainingModule) -> LocusSamples:
    return module.train(REGION_FIELDS)


@pytest.fixture(scope="module")
def drawn(samples: LocusSamples) -> list[tuple[int, Window]]:
    pairs = samples.regions
    return [(row, pairs.window(row, samples._draw(row, epoch))) for epoch in range(12) for row in range(len(samples))]


def test_half_of_the_windows_are_the_own_and_the_three_kinds_of_others_come_equally_often(
    samples: LocusSamples, drawn: list[tuple[int, Window]]
) -> None:
    rows = {row for row in range(len(samples)) if is_closed_elsewhere(samples, row)}
    counts = Counter(window.kind for row, window in drawn if row in rows)
    total = sum(counts.values())
    assert abs(counts[0] / total - 1 / 2) < 0.06
    assert all(abs(counts[kind] / total - 1 / 6) < 0.06 for kind in (1, 2, 3))
    always_open = Counter(window.kind for row, window in drawn if row not in rows)
    assert always_open[3] == 0
    assert abs(always_open[0] / sum(always_open.values()) - 1 / 2) < 0.06


def is_closed_elsewhere(samples: LocusSamples, row: int) -> bool:
    locus, types = samples.regions.locus(row), samples.regions.types
    touching = [kind.touching(locus.chromosome, locus.start, locus.end).size for kind in types]
    return any(not size for number, size in enumerate(touching) if number != locus.type)


def test_every_window_is_of_the_kind_that_it_says(samples: LocusSamples, drawn: list[tuple[int, Window]]) -> None:
    pairs = samples.regions
    for row, window in drawn:
        locus, kind = pairs.locus(row), pairs.types[window.type]
        home = [name for name, span in kind.spans.items() if span.first <= window.peaks.first < span.last]
        assert window.peaks.size == REGIONS
        assert window.peaks.last <= kind.spans[home[0]].last
        touching = [
            peak
            for peak in range(*window.peaks)
            if home[0] == locus.chromosome and kind.start_P[peak] < locus.end and kind.end_P[peak] > locus.start
        ]
        assert (window.type == locus.type) == (window.kind != 3)
        assert (home[0] == locus.chromosome) == (window.kind != 1)
        assert bool(touching) == (window.kind == 0)
        if window.kind == 0:
            assert locus.peak in touching
        if window.kind == 3:  # about the same place: the gap is inside, or beside where the chromosome ends
            gap = kind.touching(locus.chromosome, locus.start, locus.end).first
            assert window.peaks.first <= gap <= window.peaks.last


def test_the_place_of_the_own_peak_in_its_window_is_even_where_the_chromosome_allows(
    samples: LocusSamples, drawn: list[tuple[int, Window]]
) -> None:
    pairs, places = samples.regions, Counter[int]()
    for row, window in drawn:
        locus = pairs.locus(row)
        span = pairs.types[locus.type].spans[locus.chromosome]
        if window.kind == 0 and span.first + REGIONS <= locus.peak < span.last - REGIONS:
            places[locus.peak - window.peaks.first] += 1
    assert set(places) == set(range(REGIONS))
    assert max(places.values()) < 1.5 * min(places.values())


@pytest.mark.parametrize(("peaks", "count"), [(1, 6), (5, 6), (6, 6), (9, 6), (30, 6), (7, 1)])
def test_weights_of_windows_are_the_shares_of_anchors_whose_window_they_are(peaks: int, count: int) -> None:
    size = min(peaks, count)
    expected = np.zeros(peaks - size + 1)
    for anchor in range(peaks):
        starts = [start for start in range(len(expected)) if start <= anchor < start + size]
        expected[starts] += 1 / len(starts)
    np.testing.assert_allclose(window_weights(peaks, count).numpy(), expected)


def test_holes_take_out_the_own_columns_and_are_as_wide_elsewhere(module: PretrainingModule) -> None:
    kept, without = (module.items("test", unit, REGION_FIELDS) for unit in ("match", "match_without_own"))
    pairs = kept.regions
    for index, row in enumerate(kept.rows_N.tolist()):
        whole, holed = (samples[SampleKey(0, index)] for samples in (kept, without))
        window, locus = pairs.window(row, kept._draw(row, 0)), pairs.locus(row)
        stored = module.matrix.window(pairs.types[window.type].name, window.peaks.first, window.peaks.size)
        np.testing.assert_array_equal(whole["matrix"], stored)
        gone = (holed["matrix"] == 0).all(0) & (whole["matrix"] != 0).any(0)
        own = np.arange(*window.peaks)
        touching = (own >= locus.touching.first) & (own < locus.touching.last)
        assert bool((gone[touching] | (whole["matrix"][:, touching] == 0).all(0)).all())
        expected = touching.sum() if window.kind == 0 else min(REGIONS, locus.touching.size)
        assert gone.sum() <= expected
        assert torch.equal(holed["matrix"][:, ~gone], whole["matrix"][:, ~gone])


def test_negatives_have_holes_as_often_and_as_wide_as_positives(module: PretrainingModule) -> None:
    """Or a hole would say that the sequence belongs to these regions."""
    samples, widths = module.items("test", "match_without_own", REGION_FIELDS), set[tuple[bool, int]]()
    for index, row in enumerate(samples.rows_N.tolist()):
        sample, locus = samples[SampleKey(0, index)], samples.regions.locus(row)
        holes = np.flatnonzero((sample["matrix"] == 0).all(0).numpy())  # every peak of this world has hits
        if sample["match_kind"]:
            assert len(holes) == min(REGIONS, locus.touching.size)
        assert len(holes) >= 1
        assert (np.diff(holes) == 1).all()
        widths.add((bool(sample["match_kind"]), len(holes)))
    assert {(False, 1), (True, 1), (False, 2), (True, 2)} <= widths


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_in_training_own_columns_are_dropped_as_often_as_asked_for_beside_positives_and_negatives(
    module: PretrainingModule, share: float
) -> None:
    samples = replace(module.config, drop_own_column=share).build(3).train(REGION_FIELDS)  # type: ignore[attr-defined]
    made = [samples[SampleKey(0, index)] for index in range(len(samples))]
    for label in (0, 1):
        dropped = [bool((one["matrix"] == 0).all(0).any()) for one in made if one["match_label"] == label]
        assert abs(np.mean(dropped) - share) < (0.15 if share == 0.5 else 1e-9)


def test_other_cell_types_are_drawn_in_proportion_to_their_peaks(samples: LocusSamples) -> None:
    """As positives are; else a type of few peaks would say that the pair does not match."""

    def peaks_on(name: str, first: int, second: int) -> TypePeaks:
        start = np.concatenate([np.arange(first), np.arange(second)]) * 200 + 1000
        chromosome = np.repeat(["chr1", "chr2"], [first, second])
        return TypePeaks.of(name, Peaks(chromosome, start, start + 100, None, 0, 0), ["chr1", "chr2"])

    own, few, many = (peaks_on(*of) for of in (("own", 9, 9), ("few", 10, 0), ("many", 10, 30)))
    pairs = replace(samples.regions, types=[own, few, many], chromosomes=("chr1", "chr2"))
    locus = Locus(0, 0, "chr1", 0, 120, own.touching("chr1", 0, 120))
    counts = Counter[int]()
    for seed in range(400):
        window = pairs._negative(3, locus, torch.Generator().manual_seed(seed))
        assert window is not None
        counts[window.type] += 1
    assert set(counts) == {1, 2}
    assert abs(counts[2] / 400 - 40 / 50) < 0.08


def test_the_own_column_is_that_of_the_sequences_peak_whatever_window_stands_beside_it(
    module: PretrainingModule,
) -> None:
    items = module.items("test", "match_without_own", REGION_FIELDS)
    assert len(set(items.kinds_N.tolist())) > 1
    for index, row in enumerate(items.rows_N.tolist()):
        locus = items.regions.locus(row)
        stored_M1 = module.matrix.window(items.regions.types[locus.type].name, locus.peak, 1)
        np.testing.assert_array_equal(items[SampleKey(0, index)]["own_column"], stored_M1[:, 0])


@pytest.mark.parametrize("unit", ["next_segment", "match", "match_without_own"])
@pytest.mark.parametrize("split", ["val", "test", "unseen"])
def test_labels_and_kinds_are_those_of_the_samples_and_no_function_of_the_runs_seed(
    module: PretrainingModule, split: str, unit: Unit
) -> None:
    fields = ["next_label", "match_label", "match_kind"]
    items, other = module.items(split, unit, fields), module.config.build(seed=99).items(split, unit, fields)
    made = [items[SampleKey(0, index)] for index in range(len(items))]
    name = "next_label" if unit == "next_segment" else "match_label"
    assert [sample[name] for sample in made] == items.labels_N.tolist() == other.labels_N.tolist()
    assert [sample["match_kind"] for sample in made] == items.kinds_N.tolist()
    assert [sample["id"] for sample in made] == list(items.ids) == list(other.ids)
    expected = {"val": {0, 2, 3}, "test": {0, 2, 3}, "unseen": {0, 2, 3}}[split]  # each has one chromosome here
    assert set(items.kinds_N.tolist()) == expected
    assert len(MATCH_KINDS) == 4


def test_a_kind_is_lacking_exactly_where_no_draw_gives_it(samples: LocusSamples) -> None:
    for row in samples.rows_N[:40].tolist():
        kinds = {samples.regions.window(row, samples._draw(row, epoch)).kind for epoch in range(60)}
        assert {1, 2, 3} - kinds == set(samples.regions.lacking(row))


def test_kinds_that_cannot_be_are_counted_and_where_none_can_matching_is_refused(tmp_path: Path) -> None:
    world = write_world(tmp_path, held_out=("birch", "cedar", "delta"))
    one_type = world.build(0)
    counts = one_type.describe()["splits"]["train"]["lacking"]
    assert counts["other_cell_type"] == counts["of"] == len(one_type.loci("train"))
    assert counts["other_chromosome"] == counts["any"] == counts["false_second_half"] == 0
    assert len(one_type.train(["match_label"]))

    whole_chromosomes = replace(world, regions=1000, excluded_chromosomes=("chr2", "chr3"))
    alone = whole_chromosomes.build(0)
    assert alone.lacking("train")["any"] == alone.lacking("train")["of"] == len(alone.loci("train"))
    with pytest.raises(ValueError, match=r"none can have a negative for `match_label`.*give more cell types"):
        alone.train(["match_label"])
    assert len(alone.train(["next_label"]))
    with pytest.raises(ValueError, match=r"none can have a negative for `next_label`.*a wider data\.gc_tolerance"):
        replace(whole_chromosomes, gc_tolerance=0.0, segment=5500, most_unknown=1).build(0).train(["next_label"])
