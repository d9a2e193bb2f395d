"""What the sequence of a sample must hold."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from quatrefoil.core.data import SampleKey
from quatrefoil.core.data.collate import collate
from quatrefoil.core.losses import IGNORE
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.datasets.pretraining.fields import SEQUENCE_FIELDS
from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule
from quatrefoil.genomics.datasets.pretraining.samples import LocusSamples
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.sequence.kmers import CLS, MASK, SEP, SPECIAL_TOKENS, UNK, KmerVocabulary, reverse_complement
from tests.genomics.pretraining.toy import LENGTH, SEGMENT

K = 3


@pytest.fixture(scope="module")
def samples(module: PretrainingModule) -> LocusSamples:
    return module.train(SEQUENCE_FIELDS)


def halves(ids: torch.Tensor, segments: torch.Tensor) -> tuple[str, str]:
    """The bases of A and B."""
    vocabulary = KmerVocabulary(K)
    a, b = ids[segments == 0].tolist(), ids[segments == 1].tolist()
    assert (a[0], a[-1], b[-1]) == (CLS, SEP, SEP)
    return vocabulary.decode(np.array(a[1:-1])), vocabulary.decode(np.array(b[:-1]))


def window(module: PretrainingModule, sample_id: str) -> str:
    chromosome, start = sample_id.split("/")[1].split(":")
    return LETTERS[module.genome.fetch(chromosome, int(start), int(start) + 2 * SEGMENT)].tobytes().decode()


def test_b_follows_a_exactly_where_the_label_says_so_on_either_strand(
    module: PretrainingModule, samples: LocusSamples
) -> None:
    strands, labels = set(), []
    for index in range(len(samples)):
        sample = samples[SampleKey(0, index)]
        forward = window(module, sample["id"])
        if "N" in forward:
            continue  # what a k-mer with N hides cannot be read back
        a, b = halves(sample["ids"], sample["segments"])
        readings = {read: read[:SEGMENT] == a for read in (forward, reverse_complement(forward))}
        assert any(readings.values())
        assert sample["next_label"] == any(read == a + b for read in readings)
        strands.add(readings[forward])
        labels.append(sample["next_label"])
    assert strands == {True, False}
    assert 0.4 < np.mean(labels) < 0.6


def test_a_false_second_half_shares_no_base_with_the_window_and_has_its_gc_content(
    module: PretrainingModule, samples: LocusSamples
) -> None:
    pairs, loci = samples.sequence, samples.loci
    shares = [[gc_of(module, samples.id_of(row), half) for half in (0, 1)] for row in range(len(loci))]
    for row, reverse in product(range(len(loci)), (False, True)):
        others = pairs.alike(row, reverse)
        apart = np.abs(loci.start_N[others] - loci.start_N[row]) >= 2 * SEGMENT
        assert (apart | (loci.chromosome_N[others] != loci.chromosome_N[row])).all()
        assert (loci.type_N[others] == loci.type_N[row]).all()
        half = 1 - int(reverse)
        assert all(abs(shares[other][half] - shares[row][half]) <= 0.05 + 1e-6 for other in others.tolist())


def gc_of(module: PretrainingModule, sample_id: str, half: int) -> float:
    bases = window(module, sample_id)[SEGMENT * half : SEGMENT * (half + 1)]
    return (bases.count("G") + bases.count("C")) / SEGMENT


def test_masked_spans_are_unions_of_runs_of_k_and_touch_no_special_token(samples: LocusSamples) -> None:
    for index in range(len(samples)):
        sample = samples[SampleKey(1, index)]
        chosen = sample["labels"] != IGNORE
        edges = torch.diff(chosen.int(), prepend=torch.zeros(1), append=torch.zeros(1)).nonzero()[:, 0]
        assert chosen.any()
        assert ((edges[1::2] - edges[::2]) % K == 0).all()
        assert (sample["ids"][chosen] >= len(SPECIAL_TOKENS)).all()
        assert torch.equal(sample["labels"][chosen], sample["ids"][chosen])
        assert torch.equal(sample["masked_ids"][~chosen], sample["ids"][~chosen])


def test_what_stands_for_masked_kmers_is_a_kmer_or_the_mask_and_no_other_special_token(samples: LocusSamples) -> None:
    kept, replaced = 0, 0
    for index in range(len(samples)):
        sample = samples[SampleKey(0, index)]
        chosen = sample["labels"] != IGNORE
        instead, truth = sample["masked_ids"][chosen], sample["ids"][chosen]
        assert ((instead == MASK) | (instead >= len(SPECIAL_TOKENS))).all()
        kept += int((instead == truth).sum())
        replaced += int(((instead != truth) & (instead != MASK)).sum())
    assert min(kept, replaced) > 100  # of a mutant that draws special tokens too, 5 of 69 would be such


def test_evaluation_reads_the_strand_of_the_genome_alone(module: PretrainingModule) -> None:
    samples = module.items("test", "next_segment", SEQUENCE_FIELDS)
    read = 0
    for index in range(len(samples)):
        sample = samples[SampleKey(0, index)]
        forward = window(module, sample["id"])
        if "N" not in forward:
            assert halves(sample["ids"], sample["segments"])[0] == forward[:SEGMENT]
            read += 1
    assert read > 20


def test_kmers_with_n_and_no_others_are_unknown_tokens(world: PretrainingData) -> None:
    module = replace(world, most_unknown=0.9).build(seed=3)  # windows on the toy's edges of N are half N
    samples, held = module.train(SEQUENCE_FIELDS), 0
    for sample in (samples[SampleKey(0, row)] for row in range(len(samples))):
        if not sample["next_label"]:
            continue  # its second half is of another window
        forward = window(module, sample["id"])
        kmers = [
            half[place : place + K]
            for half in (forward[:SEGMENT], forward[SEGMENT:])
            for place in range(SEGMENT - K + 1)
        ]
        assert int((sample["ids"] == UNK).sum()) == sum("N" in kmer for kmer in kmers)
        held += "N" in forward
    assert held > 0


def test_a_sample_is_a_function_of_seed_epoch_and_id_and_not_of_the_fields_asked_for(
    module: PretrainingModule, samples: LocusSamples
) -> None:
    one, again = samples[SampleKey(2, 5)], module.train(["masked_ids", "match_kind"])[SampleKey(2, 5)]
    assert torch.equal(one["masked_ids"], again["masked_ids"])
    assert set(again) == {"id", "group", "masked_ids", "match_kind"}
    assert not torch.equal(one["masked_ids"], samples[SampleKey(3, 5)]["masked_ids"])


def test_all_samples_of_a_batch_are_equally_long(samples: LocusSamples) -> None:
    batch = collate([samples[SampleKey(0, index)] for index in range(8)], {})
    assert batch["ids"].shape == (8, 2 * (SEGMENT - K + 1) + 3)
    assert batch["token_mask"].all()
    assert LENGTH > 2 * SEGMENT
