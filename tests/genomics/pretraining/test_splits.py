"""Nothing that is held out can enter pre-training, and what is left out is counted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quatrefoil.core.data import SampleKey
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.datasets.pretraining.fields import FIELDS
from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule
from quatrefoil.genomics.regions.store import RegionMatrix
from tests.genomics.pretraining.toy import LENGTH, SEGMENT, write_world

HELD_OUT = {"chr8", "chr10"}


def chromosomes_of(module: PretrainingModule, split: str) -> set[str]:
    return {sample_id.split("/")[1].split(":")[0] for sample_id in module.items(split, "match", []).ids}


def test_no_locus_of_a_held_out_chromosome_or_cell_type_is_in_the_training_index(module: PretrainingModule) -> None:
    train = module.train(["ids"])
    places = [train.id_of(row).replace(":", "/").split("/")[:2] for row in range(len(train))]
    assert {kind for kind, _ in places} == {"amber", "birch"}
    assert {chromosome for _, chromosome in places} == {"chr1", "chr2", "chr3"}
    assert (chromosomes_of(module, "val"), chromosomes_of(module, "test")) == ({"chr10"}, {"chr8"})
    assert {sample_id.split("/")[0] for sample_id in module.items("unseen", "match", []).ids} == {"cedar", "delta"}


def test_training_reads_neither_bases_nor_regions_of_what_is_held_out(
    world: PretrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, read = world.build(seed=0), set[tuple[str, str]]()
    samples, window = module.train(FIELDS), RegionMatrix.window
    peaks = {name: module.matrix.peaks(name) for name in module.matrix.cell_types}

    def watched(matrix: RegionMatrix, kind: str, first: int, count: int) -> object:
        read.update((kind, str(name)) for name in peaks[kind].chromosome[first : first + count])
        return window(matrix, kind, first, count)

    def refuse(chromosome: str, *_: int) -> np.ndarray:
        assert chromosome not in HELD_OUT
        return np.zeros(SEGMENT, np.uint8)

    monkeypatch.setattr(RegionMatrix, "window", watched)
    monkeypatch.setattr(module.genome, "fetch", refuse)
    for index in range(len(samples)):
        samples[SampleKey(0, index)]
    assert read == {(kind, name) for kind in ("amber", "birch") for name in ("chr1", "chr2", "chr3")}


def test_a_matrix_scaled_by_held_out_chromosomes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scaled by chr8, held out here"):
        write_world(tmp_path, training=("chr1", "chr8")).build(0)


def test_a_matrix_scaled_by_held_out_cell_types_is_refused(world: PretrainingData) -> None:
    with pytest.raises(ValueError, match=r"scaled by birch, held out here; .*--held-out birch cedar delta"):
        replace(world, held_out_cell_types=("birch", "cedar", "delta")).build(0)


def test_windows_that_leave_their_chromosome_or_hold_too_many_n_are_counted_and_nothing_else_is_dropped(
    module: PretrainingModule,
) -> None:
    for split in ("train", "val", "test", "unseen"):
        loci = module.loci(split)
        expected = {"leaves its chromosome": 0, "too many N": 0}
        for kind in module.types(split):
            for name, span in kind.spans.items():
                codes = module.genome.fetch(name, 0, LENGTH)
                for peak in range(*span):
                    start = (kind.start_P[peak] + kind.end_P[peak]) // 2 - SEGMENT
                    if start < 0 or start + 2 * SEGMENT > LENGTH:
                        expected["leaves its chromosome"] += 1
                    elif (codes[start : start + 2 * SEGMENT] == 4).mean() > 0.05:
                        expected["too many N"] += 1
        assert loci.dropped == expected
        assert len(loci) == sum(kind.total for kind in module.types(split)) - sum(expected.values())
    assert all(module.loci("train").dropped.values())


def test_windows_are_of_one_group_exactly_where_they_share_bases_along_a_chain(module: PretrainingModule) -> None:
    loci = module.loci("train")
    order = np.lexsort((loci.start_N, loci.chromosome_N))
    start, chromosome, group = (column[order] for column in (loci.start_N, loci.chromosome_N, loci.group_N))
    touching = (np.diff(start) < 2 * SEGMENT) & (np.diff(chromosome) == 0)
    assert ((np.diff(group) == 0) == touching).all()


def test_a_cell_type_or_chromosome_that_is_not_there_is_named_with_the_nearest(world: PretrainingData) -> None:
    with pytest.raises(ValueError, match=r"no cell type `ceder` .did you mean `cedar`"):
        replace(world, held_out_cell_types=("ceder",)).build(0)
    with pytest.raises(ValueError, match=r"no peak on `chr80` .did you mean `chr8`"):
        replace(world, test_chromosomes=("chr80",)).build(0)
    with pytest.raises(ValueError, match="chr8 named more than once"):
        replace(world, validation_chromosomes=("chr8",))
