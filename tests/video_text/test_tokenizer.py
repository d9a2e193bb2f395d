"""Tokenisers: the same texts give the same bytes, ends survive truncation, CLIP's ids are CLIP's."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from quatrefoil.video_text.text.tokenizer import NO_WORD, TextTokenizer

TEXTS = ["A red square jumps, then a bell rings.", "a blue circle rolls while rain falls", "the red circle jumps"] * 3
SIZE = 320


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    return TextTokenizer.train(TEXTS, SIZE, tmp_path_factory.mktemp("tokenizer") / "tokenizer.json")


def clip_tokenizer(folder: Path) -> tuple[TextTokenizer, object]:
    """CLIP's vocabulary in small: bytes, bytes that end a word, a few merges; ours and transformers'."""
    transformers = pytest.importorskip("transformers")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("r", "e"), ("re", "d</w>"), ("c", "a"), ("ca", "t</w>"), ("t", "h"), ("th", "e</w>"), ("'", "s</w>")]
    tokens = [*alphabet, *(f"{char}</w>" for char in alphabet), *("".join(pair) for pair in merges)]
    vocabulary = {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    theirs = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges)
    theirs.save_pretrained(folder)
    return TextTokenizer.load(folder), theirs


def test_the_same_texts_in_any_order_give_the_same_bytes(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    again = TextTokenizer.train(TEXTS[::-1], SIZE, tmp_path / "again.json")
    assert again.fingerprint == tokenizer.fingerprint
    other = TextTokenizer.train([*TEXTS, "green green"], SIZE, tmp_path / "other.json")
    assert other.fingerprint != tokenizer.fingerprint
    assert (tmp_path / "again.json").read_bytes() != (tmp_path / "other.json").read_bytes()


def test_a_fingerprint_does_not_depend_on_spacing_or_key_order(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    TextTokenizer.train(TEXTS, SIZE, tmp_path / "tokenizer.json")
    definition = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(dict(reversed(definition.items())), indent=2))
    assert TextTokenizer.load(tmp_path).fingerprint == tokenizer.fingerprint


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=40), length=st.integers(2, 30))
def test_any_text_is_framed_and_never_unknown(text: str, length: int, tokenizer: TextTokenizer) -> None:
    (ids,), (word_ids,), _ = tokenizer.encode([text], length)
    specials = {tokenizer.pad_id, tokenizer.start_id, tokenizer.end_id, tokenizer.mask_id}
    assert len(ids) == len(word_ids) <= length
    assert (ids[0], ids[-1]) == (tokenizer.start_id, tokenizer.end_id)
    assert not specials & set(ids[1:-1])
    assert all(5 <= i < tokenizer.vocab_size for i in ids[1:-1])
    assert [word == NO_WORD for word in word_ids] == [True, *[False] * (len(ids) - 2), True]
    assert word_ids[1:-1] == sorted(word_ids[1:-1])


def test_truncation_is_a_prefix_of_the_whole_and_keeps_the_end(tokenizer: TextTokenizer) -> None:
    (whole,), *_ = tokenizer.encode(TEXTS[:1], 100)
    for length in range(2, len(whole)):
        (ids,), *_ = tokenizer.encode(TEXTS[:1], length)
        assert ids == [*whole[: length - 1], tokenizer.end_id]


def test_case_and_spacing_do_not_matter(tokenizer: TextTokenizer) -> None:
    first, second = tokenizer.encode(["A  red\nSquare ", "a red square"], 40).ids
    assert first == second


def test_tokens_of_one_word_share_its_index(tokenizer: TextTokenizer) -> None:
    (_,), (word_ids,), _ = tokenizer.encode(["red zyx red"], 40)
    assert sorted(set(word_ids)) == [NO_WORD, 0, 1, 2]
    assert word_ids.count(1) > 1


def test_special_tokens_written_in_a_text_are_text(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    clip, _ = clip_tokenizer(tmp_path)
    for each, word in ((tokenizer, "[MASK] [END]"), (clip, "<|endoftext|>")):
        (ids,), *_ = each.encode([word], 60)
        assert not {each.end_id, each.mask_id} & set(ids[1:-1])


def test_clip_ids_equal_transformers(tmp_path: Path) -> None:
    ours, theirs = clip_tokenizer(tmp_path)
    texts = ["The red  cat's hat", "", "naïve café 42!!", "cat " * 30]
    encoded = ours.encode(texts, 20)
    expected = theirs(texts, truncation=True, max_length=20)["input_ids"]  # type: ignore[operator]
    assert encoded.ids == expected
    assert ours.mask_id is None
    assert ours.pad_id == ours.end_id == ours.vocab_size - 1


def test_a_bert_vocabulary_is_framed_by_its_own_special_tokens() -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "square", "##s"]
    bert = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ours = TextTokenizer(bert.to_str())
    offsets = [(0, 0), (0, 3), (4, 10), (10, 11), (0, 0)]
    assert ours.encode(["red squares"], 8) == ([[2, 5, 6, 7, 3]], [[NO_WORD, 0, 1, 1, NO_WORD]], [offsets])
    assert (ours.pad_id, ours.mask_id) == (0, 4)


def test_mistakes_are_named(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    with pytest.raises(ValueError, match="put it into a list"):
        tokenizer.encode("a red square", 10)
    with pytest.raises(ValueError, match="no room"):
        tokenizer.encode(["a"], 1)
    with pytest.raises(ValueError, match="no room for 256 bytes"):
        TextTokenizer.train(TEXTS, 100, tmp_path / "tokenizer.json")
    with pytest.raises(ValueError, match="at least one text"):
        TextTokenizer.train([], SIZE, tmp_path / "tokenizer.json")
    with pytest.raises(ValueError, match=r"no tokenizer\.json"):
        TextTokenizer.load(tmp_path)
    with pytest.raises(ValueError, match="none of these sets of special tokens"):
        TextTokenizer(Tokenizer(models.BPE()).to_str())


@pytest.mark.parametrize("text", ["A dog  barks,\tloudly", " naïve café 🐕 runs", "[MASK] is text here", ""])
def test_offsets_are_the_characters_that_each_token_stands_for(text: str, tmp_path: Path) -> None:
    tokenizer = TextTokenizer.train(["a dog barks loudly", "naïve café"], 280, tmp_path / "tokenizer.json")
    (ids,), _, (offsets,) = tokenizer.encode([text], 64)
    assert len(offsets) == len(ids)
    assert offsets[0] == offsets[-1] == (0, 0)
    covered = {place for start, end in offsets for place in range(start, end)}
    assert {place for place, character in enumerate(text) if not character.isspace()} <= covered
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert [start for start, _ in offsets[1:-1]] == sorted(start for start, _ in offsets[1:-1])
