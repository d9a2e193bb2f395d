"""Unlabelled sequences: nothing that is excluded is trained on, every base is known or hidden, draws are functions."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.core.data import SampleKey
from quatrefoil.core.losses import IGNORE
from quatrefoil.genomics.datasets.labelled.splits import canonical
from quatrefoil.genomics.datasets.unlabelled.config import UnlabelledData
from quatrefoil.genomics.datasets.unlabelled.module import HiddenBases
from quatrefoil.genomics.datasets.unlabelled.pieces import Piece, read_pieces
from quatrefoil.genomics.sequence.codes import UNKNOWN
from quatrefoil.genomics.sequence.fasta import codes_of
from quatrefoil.genomics.sequence.kmers import reverse_complement
from quatrefoil.genomics.tables import TextError

DATA = UnlabelledData(sequences=("all",), validation_share=0.1, shortest=20, longest=60)
FIELDS = frozenset({"masked_bases", "labels"})


def drawn(count: int, length: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices("ACGT", k=length)) for _ in range(count)]


def written(folder: Path, **sets: list[str]) -> UnlabelledData:
    for name, sequences in sets.items():
        (folder / name).write_text("\n".join(sequences))
    return replace(DATA, root=folder)


def test_what_is_excluded_is_not_trained_on_on_either_strand_whole_in_part_or_cut_in_two(tmp_path: Path) -> None:
    own, unseen = drawn(30, 60, 0), drawn(4, 60, 1)
    hidden = [unseen[0], reverse_complement(unseen[1]), unseen[2][20:50], "A" * 10 + "".join(drawn(1, 20, 2))]
    straddling = drawn(1, 30, 3)[0] + unseen[3] + drawn(1, 30, 4)[0]  # pieces of 60 cut it in its middle
    data = replace(written(tmp_path, all=[*own, *hidden, straddling], test=unseen), exclude=("test",))
    kept, held, dropped = read_pieces(data)
    codes = {canonical(piece.codes) for piece in (*kept, *held)}
    assert codes == {canonical(codes_of(sequence)) for sequence in (*own, hidden[3])}
    assert dropped["alike to what is excluded"] == 5


def dense(sequence: str) -> str:
    """The sequence with an N every 12 bases, so that no word of 16 is without one."""
    return "".join("N" if place % 12 == 11 else base for place, base in enumerate(sequence))


def test_a_copy_of_what_is_excluded_is_not_trained_on_though_it_has_few_words_or_none(tmp_path: Path) -> None:
    own, (one, other) = drawn(30, 60, 0), map(dense, drawn(2, 60, 1))
    unseen = ["AC" * 30, "GATTACAGGC", one, other]
    hidden = ["AC" * 30, reverse_complement("GATTACAGGC"), one, reverse_complement(other)]
    data = replace(written(tmp_path, all=[*own, *hidden], test=unseen), exclude=("test",), shortest=8, span=1)
    kept, held, dropped = read_pieces(data)
    codes = {canonical(piece.codes) for piece in (*kept, *held)}
    assert codes == {canonical(codes_of(sequence)) for sequence in own}
    assert dropped == {"alike to what is excluded": 4}


@pytest.mark.parametrize("strand", [str, reverse_complement])
def test_no_piece_of_a_copy_is_trained_on_where_it_is_cut(strand: Callable[[str], str], tmp_path: Path) -> None:
    own, unseen = drawn(30, 60, 0), dense(drawn(1, 150, 1)[0])
    data = replace(written(tmp_path, all=[*own, strand(unseen)], test=[unseen]), exclude=("test",))
    kept, held, dropped = read_pieces(data)
    assert len(kept) + len(held) == 30
    assert dropped == {"alike to what is excluded": 3}


def test_every_base_is_in_one_piece_and_copies_on_either_strand_are_one(tmp_path: Path) -> None:
    long = drawn(1, 60 * 20 + 30, 0)[0]
    kept, held, dropped = read_pieces(written(tmp_path, all=[long, reverse_complement(long[60:120]), "ACGT" * 4]))
    pieces = {int(piece.where.split("+")[1]): piece.codes for piece in (*kept, *held)}
    assert torch.cat([torch.tensor(pieces[start]) for start in sorted(pieces)]).tolist() == codes_of(long).tolist()
    assert dropped == {"copy": 1, "short": 1, "alike to what is excluded": 0}


def test_the_order_of_files_has_no_part_in_what_validates(tmp_path: Path) -> None:
    data = written(tmp_path, a=drawn(30, 40, 0), b=drawn(30, 40, 1))
    found = [read_pieces(replace(data, sequences=names)) for names in (("a", "b"), ("b", "a"))]
    assert len(found[0].validation) == 6
    assert len({tuple(piece.where for piece in pieces.validation) for pieces in found}) == 1


def test_too_few_pieces_are_an_error_that_counts_what_was_left_out(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"0 pieces are left .*'short': 2.* give more sequences"):
        read_pieces(written(tmp_path, all=["ACGT", "N" * 30]))
    with pytest.raises(TextError, match=r"say data.sequences=\[\"FILE\""):
        read_pieces(replace(DATA, sequences=()))


@settings(deadline=None, max_examples=60)
@given(st.text("ACGTN", min_size=20, max_size=80).filter(lambda text: len(text) - text.count("N") > 0), st.data())
def test_bases_that_are_not_predicted_stay_and_unknown_ones_are_never_predicted(text: str, data: st.DataObject) -> None:
    config = replace(DATA, span=data.draw(st.integers(1, 4)), mask_rate=data.draw(st.floats(0.05, 0.9)))
    codes = codes_of(text)
    samples = HiddenBases([Piece("here", codes)], config, 0, FIELDS, 0.0)
    key = SampleKey(data.draw(st.integers(0, 3)), 0)
    sample, again = samples[key], samples[key]
    chosen = sample["labels"] != IGNORE
    bases = torch.tensor(codes)
    assert torch.equal(sample["masked_bases"][~chosen], bases[~chosen])
    assert torch.equal(sample["labels"][chosen], bases[chosen].long())
    assert not (bases[chosen] == UNKNOWN).any()
    assert all(torch.equal(sample[name], again[name]) for name in FIELDS)


def test_half_of_the_training_samples_are_of_the_other_strand_and_no_evaluated_one(tmp_path: Path) -> None:
    module = replace(written(tmp_path, all=drawn(300, 40, 0)), mask_rate=0.03, span=1).build(0)

    def flipped(samples: HiddenBases) -> float:
        as_read = torch.stack([torch.tensor(piece.codes) for piece in samples.pieces])
        seen = torch.stack([samples[SampleKey(0, row)]["masked_bases"] for row in range(len(samples))])
        return float(((seen == as_read).float().mean(1) < 0.8).float().mean())

    assert 0.4 < flipped(module.train(FIELDS)) < 0.6
    assert flipped(module.items("val", "sequence", FIELDS)) == 0
    splits = module.describe()["splits"]
    assert {name: (each["pieces"], each["bases"]) for name, each in splits.items()} == {
        "train": (270, 10800),
        "val": (30, 1200),
    }
    assert len({module.describe()["fingerprint"], *(each["fingerprint"] for each in splits.values())}) == 3


@pytest.mark.parametrize(
    "wrong", [{"span": 30}, {"longest": 10}, {"mask_rate": 0.0}, {"exclude_share": 1.5}, {"reverse_complement": -1.0}]
)
def test_sizes_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"data\.?"):
        replace(DATA, **wrong)  # type: ignore[arg-type]
