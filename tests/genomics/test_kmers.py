"""K-mer ids against the definition: a dictionary look-up of every substring."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.genomics.sequence.kmers import AMBIGUOUS, CLS, MASK, PAD, SEP, UNK, KmerVocabulary, reverse_complement

KS = st.integers(1, 7)
DNA = st.text("ACGT", min_size=7, max_size=60)
IUPAC_DNA = st.text("ACGTacgt" + AMBIGUOUS + AMBIGUOUS.lower(), min_size=7, max_size=60)


def look_up(sequence: str, k: int) -> list[int]:
    """DNABERT's way: cut the text, look every piece up."""
    ids = {token: i for i, token in enumerate(KmerVocabulary(k).tokens)}
    return [ids.get(sequence[i : i + k].upper(), UNK) for i in range(len(sequence) - k + 1)]


@pytest.mark.parametrize("k", range(1, 8))
def test_vocabulary_is_the_special_tokens_then_all_kmers_in_order(k: int) -> None:
    vocabulary = KmerVocabulary(k)
    assert vocabulary.size == len(vocabulary.tokens) == len(set(vocabulary.tokens)) == 4**k + 5
    assert vocabulary.tokens[5:] == tuple("".join(bases) for bases in product("ATCG", repeat=k))
    assert [vocabulary.tokens[i] for i in (PAD, UNK, CLS, SEP, MASK)] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@given(IUPAC_DNA, KS)
def test_ids_are_those_of_a_dictionary_look_up(sequence: str, k: int) -> None:
    ids = KmerVocabulary(k).encode(sequence)
    assert ids.dtype == np.int64
    assert ids.tolist() == look_up(sequence, k)


@given(IUPAC_DNA, KS)
def test_text_bytes_and_array_have_the_same_ids(sequence: str, k: int) -> None:
    vocabulary, as_bytes = KmerVocabulary(k), sequence.encode()
    expected = vocabulary.encode(sequence).tolist()
    assert vocabulary.encode(as_bytes).tolist() == expected
    assert vocabulary.encode(np.frombuffer(as_bytes, np.uint8)).tolist() == expected


@pytest.mark.parametrize(("rows", "length"), [(0, 9), (1, 6), (3, 40), (700, 101), (2, 70_000)])
def test_a_batch_is_its_rows_whatever_the_blocks(rows: int, length: int) -> None:
    letters = np.frombuffer(b"ACGTacgtN", np.uint8)
    bases_BL = letters[np.random.default_rng(rows).integers(0, len(letters), (rows, length))]
    vocabulary = KmerVocabulary(6)
    ids_BW = vocabulary.encode_batch(bases_BL)
    assert ids_BW.shape == (rows, length - 5)
    for bases_L, ids_W in zip(bases_BL, ids_BW, strict=True):
        np.testing.assert_array_equal(ids_W, vocabulary.encode(bases_L))


def test_a_transposed_batch_is_read_by_its_logical_rows() -> None:
    bases_BL = np.frombuffer(b"ACGTTGCAACCGGATT", np.uint8).reshape(8, 2).T
    assert KmerVocabulary(3).encode_batch(bases_BL)[1].tolist() == look_up(bases_BL[1].tobytes().decode(), 3)


@given(DNA, KS)
def test_decoding_gives_back_the_sequence(sequence: str, k: int) -> None:
    vocabulary = KmerVocabulary(k)
    assert vocabulary.decode(vocabulary.encode(sequence)) == sequence


@given(IUPAC_DNA, KS)
def test_decoding_with_unknown_kmers_keeps_all_ids(sequence: str, k: int) -> None:
    vocabulary = KmerVocabulary(k)
    ids = vocabulary.encode(sequence)
    assert vocabulary.encode(vocabulary.decode(ids)).tolist() == ids.tolist()


def test_decoding_refuses_special_tokens_and_kmers_that_do_not_overlap() -> None:
    vocabulary = KmerVocabulary(3)
    ids = vocabulary.encode("ACGTACG")
    with pytest.raises(ValueError, match=r"ids \[2\] are not those of 3-mers"):
        vocabulary.decode(np.concatenate([[CLS], ids]))
    with pytest.raises(ValueError, match="do not agree"):
        vocabulary.decode(ids[[0, 2]])
    assert vocabulary.decode(ids[:0]) == ""


@given(IUPAC_DNA)
def test_reverse_complement_is_its_own_inverse(sequence: str) -> None:
    assert reverse_complement(reverse_complement(sequence)) == sequence


@given(DNA, KS)
def test_reverse_complement_pairs_bases_and_reverses_the_kmers(sequence: str, k: int) -> None:
    other = reverse_complement(sequence)
    assert all(a + b in {"AT", "TA", "CG", "GC"} for a, b in zip(sequence, reversed(other), strict=True))
    kmers = [reverse_complement(sequence[i : i + k]) for i in range(len(sequence) - k + 1)]
    assert KmerVocabulary(k).encode(other).tolist() == [KmerVocabulary(k).encode(m)[0] for m in reversed(kmers)]


def test_reverse_complement_keeps_case_and_complements_sets_of_bases() -> None:
    assert reverse_complement("aCRYswKMBDHVn") == "nBDHVKMwsRYGt"


@given(DNA, st.sampled_from("-U*5 é"), st.integers(0, 59))
def test_other_characters_are_refused_by_position(sequence: str, character: str, place: int) -> None:
    place %= len(sequence)
    broken = sequence[:place] + character + sequence[place + 1 :]
    for use in (KmerVocabulary(3).encode, reverse_complement):
        with pytest.raises(ValueError, match=f"position {place} of sequence 0"):
            use(broken)


def test_the_row_of_a_wrong_character_is_named_beyond_the_first_block() -> None:
    bases_BL = np.full((300, 1000), ord("A"), np.uint8)
    bases_BL[217, 31] = ord("-")
    with pytest.raises(ValueError, match="'-' at position 31 of sequence 217"):
        KmerVocabulary(6).encode_batch(bases_BL)


def test_what_cannot_be_cut_into_kmers_is_refused() -> None:
    with pytest.raises(ValueError, match="5 bases holds no 6-mer"):
        KmerVocabulary(6).encode("ACGTA")
    with pytest.raises(ValueError, match="matrix of uint8"):
        KmerVocabulary(3).encode_batch(np.zeros((2, 9), np.int64))
    with pytest.raises(ValueError, match="one row of uint8"):
        KmerVocabulary(3).encode(np.zeros((2, 9), np.uint8))


@pytest.mark.parametrize("k", [0, 8])
def test_only_k_from_one_to_seven_is_accepted(k: int) -> None:
    with pytest.raises(ValueError, match="k in 1-7"):
        KmerVocabulary(k)
