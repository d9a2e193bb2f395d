"""Splits made here: deterministic, apart on both strands; made negatives; classes."""

import hashlib
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.genomics.datasets.labelled.records import Record, bases
from quatrefoil.genomics.datasets.labelled.splits import (
    Negatives,
    canonical,
    carve,
    class_order,
    with_negatives,
)
from quatrefoil.genomics.sequence import kmers
from quatrefoil.genomics.sequence.codes import LETTERS, reverse_complement
from quatrefoil.genomics.tables import TextError


def records(count: int, classes: int = 2, length: int = 20, seed: int = 0) -> list[Record]:
    rng = random.Random(seed)
    texts = ["".join(rng.choices("ACGT", k=length)) for _ in range(count)]
    return [Record(f"a.csv:{row}", "", bases(text, "a.csv"), str(row % classes)) for row, text in enumerate(texts)]


def text(record: Record) -> str:
    return LETTERS[record.codes].tobytes().decode()


@given(st.text("ACGTN", min_size=1, max_size=40))
def test_reverse_complement_of_codes_is_that_of_text(sequence: str) -> None:
    codes = bases(sequence, "here")
    assert LETTERS[reverse_complement(codes)].tobytes().decode() == kmers.reverse_complement(sequence)
    assert canonical(codes) == canonical(reverse_complement(codes))


@settings(deadline=None, max_examples=25)
@given(st.integers(10, 80), st.integers(1, 4), st.integers(0, 99))
def test_validation_is_held_out_by_content_alone_and_no_sequence_is_on_both_sides(
    count: int, classes: int, seed: int
) -> None:
    given_records = records(count, classes, seed=seed)
    copies = [record._replace(codes=reverse_complement(record.codes)) for record in given_records[:5]]
    train, held = carve([*given_records, *copies], 0.2)
    assert not {canonical(r.codes) for r in train} & {canonical(r.codes) for r in held}
    assert sorted(r.where for r in [*train, *held]) == sorted(r.where for r in [*given_records, *copies])
    again = carve(random.Random(seed).sample([*given_records, *copies], count + 5), 0.2)
    assert {text(r) for r in again[1]} == {text(r) for r in held}
    distinct = Counter(r.label for r in given_records)
    for label, number in Counter({canonical(r.codes): r.label for r in held}.values()).items():
        assert number == max(1, round(0.2 * distinct[label]))


def test_what_validates_is_the_smallest_sha_256_of_letters_in_codes_of_the_lesser_strand() -> None:
    """The rule itself: another would hold other sequences out, and runs before and after it could not be compared."""
    given_records = records(20, 1)
    digits = {"A": 0, "C": 1, "G": 2, "T": 3}
    digests = {}
    for record in given_records:
        strands = (text(record), kmers.reverse_complement(text(record)))
        lesser = min(bytes(digits[base] for base in strand) for strand in strands)
        digests[hashlib.sha256(lesser).hexdigest()] = record.where
    _, held = carve(given_records, 0.2)
    assert sorted(record.where for record in held) == sorted(digests[each] for each in sorted(digests)[:4])


def test_nothing_to_hold_out_is_an_error() -> None:
    with pytest.raises(TextError, match=r"give data\.validation=FILE"):
        carve(records(2), 0.1)


def test_classes_are_numbers_where_all_are_and_text_where_not() -> None:
    assert class_order(["10", "9", "-1", "9"]) == ["-1", "9", "10"]
    assert class_order(["N", "EI", "10", "IE"]) == ["10", "EI", "IE", "N"]
    assert class_order(["01", "1"]) == ["01", "1"]


def test_of_plus_and_minus_plus_is_the_positive_class() -> None:
    assert class_order("+-+") == ["-", "+"]
    assert class_order("+-0") == ["+", "-", "0"]


@pytest.mark.parametrize("kind", ["dinucleotide-shuffle", "substitution"])
def test_each_positive_has_one_negative_of_its_length_drawn_once_and_for_all(kind: Negatives) -> None:
    positives = [*records(30, 1, 40), *records(30, 1, 25, seed=1)]
    made = with_negatives(positives, kind)[len(positives) :]
    assert [len(r.codes) for r in made] == [len(r.codes) for r in positives]
    assert {r.label for r in made} == {"0"}
    assert [text(r) for r in made] == [text(r) for r in with_negatives(positives, kind)[len(positives) :]]
    assert sum(text(a) == text(b) for a, b in zip(made, positives, strict=True)) == 0


def test_shuffled_negatives_keep_every_dinucleotide() -> None:
    positives = records(20, 1, 60)
    for positive, negative in zip(positives, with_negatives(positives, "dinucleotide-shuffle")[20:], strict=True):
        a, b = text(positive), text(negative)
        assert Counter(pairwise(a)) == Counter(pairwise(b))
