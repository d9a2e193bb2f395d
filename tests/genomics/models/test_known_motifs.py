"""A model finds the hits of known motifs where the scan finds them, and nowhere else."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from quatrefoil.genomics.models.known_motifs import KnownMotifs
from quatrefoil.genomics.regions.motifs import Motif
from quatrefoil.genomics.regions.pvalues import Scoring
from quatrefoil.genomics.regions.scan import MotifTables, Scanner
from quatrefoil.genomics.sequence.codes import LETTERS, Codes
from quatrefoil.genomics.sequence.kmers import CLS, MASK, PAD, SEP, KmerVocabulary
from tests.genomics.regions.toys import UNIFORM, motif, sequence

MOTIFS = [motif(8, 1), motif(12, 2), motif(6, 3), motif(8, 4)]
SCANNER = Scanner(MOTIFS, Scoring(UNIFORM, 3e-3))
ROOM, LONGEST, WIDTH, ROWS, LENGTH = 6, 14, 8, 40, 90


def known(k: int) -> KnownMotifs:
    torch.manual_seed(0)
    model, tables = KnownMotifs(ROOM, LONGEST, k, WIDTH), SCANNER.tables
    model.set_motifs(*given(tables))
    return model.eval()


def given(tables: MotifTables) -> tuple[Any, Any, Any, float]:
    return tables.weights_TW4.tolist(), tables.width_T.tolist(), tables.threshold_T.tolist(), tables.p_value


def of_a(ids: Tensor) -> Tensor:
    """All of it is the first half."""
    return torch.zeros_like(ids)


def ids_of(codes: Codes, k: int) -> Tensor:
    return torch.tensor(KmerVocabulary(k).encode(LETTERS[codes]).tolist())


def scanned(codes: Codes) -> set[int]:
    return set(SCANNER.scan(codes).motif.tolist())


@pytest.mark.parametrize("k", [1, 3, 6])
def test_hits_are_those_of_the_scan_on_the_first_bases_of_kmers(k: int) -> None:
    rows = [sequence(LENGTH, seed, unknown=0.02) for seed in range(ROWS)]
    # A k-mer with an unknown base is unknown as a whole.
    lost = [np.where(ids_of(row, k).numpy() < 5, 4, row[: LENGTH - k + 1]).astype(np.uint8) for row in rows]
    ids = torch.stack([ids_of(row, k) for row in rows])
    found = known(k).hits(ids, of_a(ids))[:, 0]
    expected = [[number in scanned(row) for number in range(len(MOTIFS))] for row in lost]
    assert 0 < np.sum(expected) < np.size(expected)
    assert (found[:, : len(MOTIFS)] >= 0.5 - 1e-4).tolist() == expected


@pytest.mark.parametrize("shape", ["no base is better than another", "no word is a hit"])
def test_columns_that_say_nothing_and_motifs_that_cannot_be_hit_are_as_in_the_scan(shape: str) -> None:
    """A base must be known where it does not matter, too."""
    flat = shape.startswith("no base")
    flanks = np.eye(4)[[0, 1, 2]]
    odd = np.concatenate([flanks, np.full((1, 4), 0.25), flanks]) if flat else np.full((4, 4), [0.4, 0.2, 0.2, 0.2])
    scanner = Scanner([Motif("odd", "odd", odd, 50)], Scoring(UNIFORM, 3e-3))
    torch.manual_seed(0)
    model = KnownMotifs(ROOM, LONGEST, 1, WIDTH)
    model.set_motifs(*given(scanner.tables))
    codes = np.concatenate([np.tile([0, 1, 2, n % 5, 0, 1, 2, 4], 1) for n in range(5)]).astype(np.uint8)
    for row in codes.reshape(5, -1):
        ids = ids_of(row, 1)[None]
        assert bool(model.hits(ids, of_a(ids))[0, 0, 0] >= 0.5 - 1e-4) == bool(len(scanner.scan(row).motif))
    ids = ids_of(codes, 1)[None]
    assert bool(scanner.unreachable) != flat
    other = ids_of(sequence(40, 3, unknown=0.0), 1)[None]
    assert torch.equal(model(ids, of_a(ids)), model(other, of_a(other))) != flat


def test_special_tokens_and_padding_are_no_bases() -> None:
    model, codes = known(3), sequence(LENGTH, 0, unknown=0.0)
    ids, special = ids_of(codes, 3), torch.tensor([CLS, SEP])
    framed = torch.cat([special[:1], ids, special[1:]])[None]
    torch.testing.assert_close(model.hits(framed, of_a(framed)), model.hits(ids[None], of_a(ids[None])))
    padded = torch.cat([ids, torch.full((30,), PAD)])[None]
    torch.testing.assert_close(model(padded, of_a(padded)), model(ids[None], of_a(ids[None])))
    hit = SCANNER.scan(codes[: LENGTH - 2])
    masked = ids.clone()
    for start, end in zip(hit.start, hit.end, strict=True):
        masked[start:end] = MASK
    assert len(hit.start)
    assert not (model.hits(masked[None], of_a(masked[None])) >= 0.5).any()


def test_each_half_is_read_apart_and_no_motif_lies_over_both() -> None:
    model, codes = known(3), sequence(LENGTH, 1, unknown=0.0)
    a, b = ids_of(codes[:40], 3), ids_of(codes[40:], 3)
    both = torch.cat([torch.tensor([CLS]), a, torch.tensor([SEP]), b, torch.tensor([SEP])])[None]
    segments = (torch.arange(both.shape[1]) >= len(a) + 2).long()[None]
    hits = model.hits(both, segments)[0]
    for found, half in zip(hits, (a, b), strict=True):
        torch.testing.assert_close(found, model.hits(half[None], of_a(half[None]))[0, 0])
    assert not torch.equal(hits[0], hits[1])


def test_room_that_no_motif_takes_says_nothing() -> None:
    model, seen = known(3), []
    model.embed.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    ids = torch.stack([ids_of(sequence(LENGTH, seed), 3) for seed in range(4)])
    model(ids, of_a(ids))
    by_motif = seen[0].view(4, 2, ROOM)
    assert by_motif[:, 0, : len(MOTIFS)].any()
    assert not by_motif[..., len(MOTIFS) :].any()


@pytest.mark.parametrize("changed", range(4))
def test_other_motifs_than_a_model_was_trained_with_are_refused(changed: int) -> None:
    model, same = known(3), given(SCANNER.tables)
    model.set_motifs(*same)
    tables = SCANNER.tables
    weights, threshold = tables.weights_TW4.copy(), tables.threshold_T.copy()
    weights[1, 2, 3] += 1
    threshold[2] += 1
    others = (weights.tolist(), [*same[1][:-1], same[1][-1] - 1], threshold.tolist(), 2e-3)
    with pytest.raises(ValueError, match=r"trained with other motifs; .* --p-value and --background"):
        model.set_motifs(*same[:changed], others[changed], *same[changed + 1 :])  # type: ignore[arg-type]


def test_motifs_that_are_longer_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match=r"12 bases, the model has room for 11; set model\.known_motifs=12"):
        KnownMotifs(ROOM, 11, 3, WIDTH).set_motifs(*given(SCANNER.tables))
