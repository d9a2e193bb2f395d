"""A model finds the hits of known motifs where the scan finds them, and nowhere else."""

import numpy as np
import pytest
import torch
from torch import Tensor

from quatrefoil.genomics.models.known_motifs import KnownMotifs
from quatrefoil.genomics.regions.pvalues import Scoring
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.codes import LETTERS, Codes
from quatrefoil.genomics.sequence.kmers import CLS, MASK, PAD, SEP, KmerVocabulary
from tests.genomics.regions.toys import UNIFORM, motif, sequence

MOTIFS = [motif(8, 1), motif(12, 2), motif(6, 3), motif(8, 4)]
SCANNER = Scanner(MOTIFS, Scoring(UNIFORM, 3e-3))
ROOM, LONGEST, WIDTH, ROWS, LENGTH = 6, 14, 8, 40, 90


def known(k: int) -> KnownMotifs:
    torch.manual_seed(0)
    model, tables = KnownMotifs(ROOM, LONGEST, k, WIDTH), SCANNER.tables
    model.set_motifs(tables.weights_TW4.tolist(), tables.threshold_T.tolist(), tables.p_value)
    return model.eval()


def ids_of(codes: Codes, k: int) -> Tensor:
    return torch.tensor(KmerVocabulary(k).encode(LETTERS[codes]).tolist())


def scanned(codes: Codes) -> set[int]:
    return set(SCANNER.scan(codes).motif.tolist())


@pytest.mark.parametrize("k", [1, 3, 6])
def test_hits_are_those_of_the_scan_on_the_first_bases_of_kmers(k: int) -> None:
    rows = [sequence(LENGTH, seed, unknown=0.02) for seed in range(ROWS)]
    # A k-mer with an unknown base is unknown as a whole.
    lost = [np.where(ids_of(row, k).numpy() < 5, 4, row[: LENGTH - k + 1]).astype(np.uint8) for row in rows]
    found = known(k).hits(torch.stack([ids_of(row, k) for row in rows]))
    expected = [[number in scanned(row) for number in range(len(MOTIFS))] for row in lost]
    assert 0 < np.sum(expected) < np.size(expected)
    assert (found[:, : len(MOTIFS)] >= 0.5 - 1e-4).tolist() == expected


def test_special_tokens_and_padding_are_no_bases() -> None:
    model, codes = known(3), sequence(LENGTH, 0, unknown=0.0)
    ids, special = ids_of(codes, 3), torch.tensor([CLS, SEP])
    plain, framed = model.hits(ids[None]), model.hits(torch.cat([special[:1], ids, special[1:]])[None])
    torch.testing.assert_close(framed, plain)
    padded = torch.cat([ids, torch.full((30,), PAD)])[None]
    torch.testing.assert_close(model(padded), model(ids[None]))
    hit = SCANNER.scan(codes[: LENGTH - 2])
    masked = ids.clone()
    for start, end in zip(hit.start, hit.end, strict=True):
        masked[start:end] = MASK
    assert len(hit.start)
    assert not (model.hits(masked[None]) >= 0.5).any()


def test_room_that_no_motif_takes_says_nothing() -> None:
    model = known(3)
    with torch.no_grad():
        model.embed[0].weight[:, : len(MOTIFS)] = 0.0  # what is left can come from the empty rows alone
        codes = model(torch.stack([ids_of(sequence(LENGTH, seed), 3) for seed in range(4)]))
    assert torch.equal(codes[0].expand_as(codes), codes)


def test_other_motifs_than_a_model_was_trained_with_and_longer_ones_than_it_holds_are_refused() -> None:
    tables = SCANNER.tables
    given = tables.weights_TW4.tolist(), tables.threshold_T.tolist()
    model = known(3)
    model.set_motifs(*given, tables.p_value)
    with pytest.raises(ValueError, match="trained with other motifs"):
        model.set_motifs(*given, 2e-3)
    with pytest.raises(ValueError, match=r"room for 6 of 11; set model\.known_motifs=12"):
        KnownMotifs(ROOM, 11, 3, WIDTH).set_motifs(*given, tables.p_value)
    with pytest.raises(ValueError, match="no motif is known yet"):
        KnownMotifs(ROOM, LONGEST, 3, WIDTH)(ids_of(sequence(LENGTH, 0), 3)[None])
