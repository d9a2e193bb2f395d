"""Semantic masking: what may be masked, that it is masked whole and in exact number, and what is kept on disk.

Legend: L tokens.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from quatrefoil.core.seeding import generator
from quatrefoil.video_text.text.part_of_speech import SpacyTagger, TaggedWord, TextBlobTagger
from quatrefoil.video_text.text.semantic import (
    Kind,
    SemanticError,
    Span,
    find_candidates,
    mask_candidates,
    read_tagged,
    semantic_word_mask,
    words_of_tokens,
)
from quatrefoil.video_text.text.tokenizer import NO_WORD, TextTokenizer

# Captions of Stage. Marked by hand: what a person takes for a noun or a part of a verb phrase.
MARKED = """
a [motor] [hums] as a big blue [machine] [is] [seen] [growing] and [swaying] once against a [wall] with [dots]
there is a white [stickman] [moving] to the [left] and [circling] around
a [drum] [is] [heard] as a [square] [slides] right after [growing]
a dark [block] [is] [shown] against a checkered [wall] while a [buzz] [is] [heard]
in [front] of wavy [water], there is a huge green [cross] [hopping], and a [buzz] [is] [heard] off [stage]
a large [star] [is] [seen] [moving] to the [right] against a [brick] [wall], and a [drum] [is] [heard]
a large dark [snowman] [slides] right and a cyan [ball] [circles] around in [front] of a dotted [wall]
a little purple [snowman] [is] [growing]
a [chirp] [is] [heard] off [stage] as there is a big [moon] [swaying]
a pale [ghost] [is] [shrinking] and a [bell] [rings]
""".strip().splitlines()

quick = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32)


class CountingTagger:
    """Words are what lies between spaces; a word that ends in s is a verb. Counts the texts that it was given."""

    name, version = "counting", "1"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def tag(self, texts: Sequence[str]) -> list[list[TaggedWord]]:
        self.seen += texts
        return [
            [TaggedWord(*m.span(), "VERB" if m.group().endswith("s") else "NOUN") for m in re.finditer(r"\S+", text)]
            for text in texts
        ]


def _words(*parts: str) -> list[TaggedWord]:
    """Words of one character each, at 0, 2, 4, ..."""
    return [TaggedWord(2 * number, 2 * number + 1, part) for number, part in enumerate(parts)]


def _chosen(*parts: str, kinds: tuple[Kind, ...] = ("NOUN", "PROPN", "VERB")) -> list[int]:
    return [span.start // 2 for span in mask_candidates(_words(*parts), kinds)]


@pytest.mark.parametrize(
    ("parts", "chosen"),
    [
        (("DET", "NOUN", "AUX", "VERB", "DET", "ADJ", "PROPN"), [1, 2, 3, 6]),
        (("NOUN", "AUX", "ADJ"), [0]),
        (("AUX", "ADV", "VERB"), [1, 2]),
        (("ADV", "AUX", "VERB", "VERB"), [0, 1, 2, 3]),
        (("VERB", "ADV", "ADV", "VERB", "ADV"), [0, 1, 2, 3]),
        (("VERB", "VERB", "AUX", "VERB"), [0, 1, 2, 3]),
        (("ADV", "ADJ", "DET"), []),
        ((), []),
    ],
)
def test_nouns_and_verb_phrases_may_be_masked_and_nothing_else(parts: tuple[str, ...], chosen: list[int]) -> None:
    assert _chosen(*parts) == chosen


def test_any_words_are_all_but_punctuation() -> None:
    parts = ("DET", "NOUN", "AUX", "VERB", "PUNCT", "ADV", "X")
    assert _chosen(*parts, kinds=("ANY",)) == [0, 1, 2, 3, 5, 6]
    assert _chosen(*parts, kinds=("NOUN", "ANY")) == _chosen(*parts, kinds=("ANY",))


def _matches(parts: list[str]) -> bool:
    return (
        re.fullmatch("V?R*X*V+", "".join({"VERB": "V", "ADV": "R", "AUX": "X"}.get(p, ".") for p in parts)) is not None
    )


@quick
@given(st.lists(st.sampled_from(["VERB", "ADV", "AUX", "DET"]), max_size=10))
def test_a_word_is_in_a_verb_phrase_if_any_match_of_the_pattern_holds_it_and_counts_once(parts: list[str]) -> None:
    ends = [(i, j) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1) if _matches(parts[i:j])]
    assert _chosen(*parts) == sorted({number for i, j in ends for number in range(i, j)})


def test_kinds_are_options() -> None:
    parts = ("ADJ", "NOUN", "PROPN", "ADV", "VERB")
    assert _chosen(*parts, kinds=("NOUN",)) == [1]
    assert _chosen(*parts, kinds=("VERB",)) == [3, 4]
    assert _chosen(*parts, kinds=("NOUN", "PROPN", "VERB", "ADJ")) == [0, 1, 2, 3, 4]
    for kinds in ((), ("ADV",)):
        with pytest.raises(ValueError, match="some of NOUN, PROPN, VERB, ADJ"):
            _chosen(*parts, kinds=kinds)  # type: ignore[arg-type]


spans = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=20).map(
    lambda steps: [
        Span(sum(map(sum, steps[:i])) + gap, sum(map(sum, steps[: i + 1]))) for i, (gap, _) in enumerate(steps)
    ]
)


@quick
@given(spans, seeds, st.floats(0.01, 1.0))
def test_words_are_masked_whole_once_and_in_exact_number(words: list[Span], seed: int, rate: float) -> None:
    characters = [(place, place + 1) for place in range(words[-1].end + 3 if words else 3)]
    tokens = [(0, 0), *characters, (0, 0)]
    chosen_L = semantic_word_mask(words, tokens, torch.Generator().manual_seed(seed), rate)
    words_L = words_of_tokens(words, tokens)
    picked = set(words_L[chosen_L].tolist())
    assert NO_WORD not in picked
    assert picked.isdisjoint(words_L[~chosen_L].tolist())
    assert len(picked) == (max(1, round(rate * len(words))) if words else 0)
    assert not chosen_L[[0, -1]].any()


def test_every_candidate_is_as_likely_as_any_other() -> None:
    text = _words("NOUN", "AUX", "VERB", "VERB", "DET", "NOUN", "ADV", "VERB", "ADJ", "NOUN")
    candidates, tokens = mask_candidates(text), [word[:2] for word in text]
    draws = [semantic_word_mask(candidates, tokens, generator(0, epoch, "clip#3"), 0.3) for epoch in range(2000)]
    share_L = torch.stack(draws).double().mean(0)
    is_candidate_L = words_of_tokens(candidates, tokens) != NO_WORD
    assert not share_L[~is_candidate_L].any()
    expected = round(0.3 * len(candidates)) / len(candidates)
    assert (share_L[is_candidate_L] - expected).abs().max() < 5 * (expected * (1 - expected) / 2000) ** 0.5


def test_what_is_masked_follows_from_seed_epoch_and_id() -> None:
    candidates = [Span(2 * n, 2 * n + 1) for n in range(12)]

    def draw(*key: int | str) -> list[bool]:
        drawn: list[bool] = semantic_word_mask(candidates, candidates, generator(*key), 0.3).tolist()
        return drawn

    assert draw(0, 1, "a") == draw(0, 1, "a")
    assert len({tuple(draw(seed, epoch, id)) for seed in (0, 1) for epoch in (0, 1) for id in "ab"}) > 4


def test_words_that_are_cut_off_do_not_count() -> None:
    candidates = [Span(0, 3), Span(4, 9), Span(10, 12)]
    tokens = [(0, 0), (0, 3), (4, 6), (0, 0)]
    assert words_of_tokens(candidates, tokens).tolist() == [NO_WORD, 0, 1, NO_WORD]
    assert semantic_word_mask(candidates, tokens, generator(0), 1.0).tolist() == [False, True, True, False]


def test_spans_of_a_real_tokeniser_find_the_words(tmp_path: Path) -> None:
    text = "A naïve snowman  is growing, isn't it?"
    TextTokenizer.train(["a snow man", "is growing"] * 3, 270, tmp_path / "tokenizer.json")
    encoding = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(text)
    word = Span(text.index("snowman"), text.index("snowman") + 7)
    chosen_L = semantic_word_mask([word], encoding.offsets, generator(0), 0.3).tolist()
    masked = "".join(text[start:end] for (start, end), chosen in zip(encoding.offsets, chosen_L, strict=True) if chosen)
    assert masked.strip() == "snowman"
    assert sum(chosen_L) > 1


def test_texts_are_tagged_once(tmp_path: Path) -> None:
    first, second = CountingTagger(), CountingTagger()
    found = find_candidates(["a b", "c runs", "a b"], first, tmp_path)
    assert first.seen == ["a b", "c runs"]
    assert find_candidates(["c runs", "new", "a b"], second, tmp_path) == found | {"new": (Span(0, 3),)}
    assert second.seen == ["new"]
    assert find_candidates(["c runs"], CountingTagger(), tmp_path, ["VERB"]) == {"c runs": (Span(2, 6),)}


def test_another_tagger_or_version_is_asked_anew(tmp_path: Path) -> None:
    find_candidates(["a b"], CountingTagger(), tmp_path)
    newer = CountingTagger()
    newer.version = "2"
    find_candidates(["a b"], newer, tmp_path)
    assert newer.seen == ["a b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counting-1.jsonl", "counting-2.jsonl"]


@quick
@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_text_comes_back_from_disk_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder, tagger = tmp_path_factory.mktemp("tagged"), CountingTagger()
    find_candidates(texts, tagger, folder)
    kept = read_tagged(folder / "counting-1.jsonl") if texts else {}
    assert kept == {text: tagger.tag([text])[0] for text in texts}


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", "7", '{"text": "a b"}', '{"text": 1, "words": []}', '{"text": "a", "words": 3}'),
        *(f'{{"text": "a", "words": [{word}]}}' for word in ('[0, 9, "X"]', "[0, 1]", "[0, 1, 7]", '[0.5, 1, "X"]')),
    ],
)
def test_a_malformed_line_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "counting-1.jsonl").write_text('{"text": "", "words": []}\n' + line + "\n")
    with pytest.raises(SemanticError, match=r"counting-1\.jsonl:2: .*delete the file"):
        find_candidates(["a"], CountingTagger(), tmp_path)


@pytest.fixture(scope="module")
def textblob() -> TextBlobTagger:
    pytest.importorskip("textblob")
    return TextBlobTagger()


def test_textblob_finds_what_a_person_marked(textblob: TextBlobTagger) -> None:
    """Measured on 40 captions marked by hand (20 of them MSR-VTT's): precision 0.93, recall 0.98; spaCy 0.95, 0.96."""
    right = found = marked = 0
    for line in MARKED:
        text = re.sub(r"[\[\]]", "", line)
        got = {text[span.start : span.end] for span in mask_candidates(textblob.tag([text])[0])}
        want = set(re.findall(r"\[(\w+)\]", line))
        right, found, marked = right + len(got & want), found + len(got), marked + len(want)
    assert right / found > 0.85
    assert right / marked > 0.9


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("someone has eaten", ["PRON", "AUX", "VERB"]),
        ("people have hats", ["NOUN", "VERB", "NOUN"]),
        ("nobody is red", ["PRON", "AUX", "ADJ"]),
        ("someone does not walk", ["PRON", "AUX", "ADV", "VERB"]),
        ("anything can happen !", ["PRON", "AUX", "VERB", "PUNCT"]),
    ],
)
def test_auxiliaries_and_pronouns_are_told_from_verbs_and_nouns(
    text: str, parts: list[str], textblob: TextBlobTagger
) -> None:
    assert [word.pos for word in textblob.tag([text])[0]] == parts


@quick
@given(text=st.text(max_size=40))
def test_words_are_disjoint_in_order_and_hold_no_space_whatever_the_text(textblob: TextBlobTagger, text: str) -> None:
    words = textblob.tag([text])[0]
    ends = [0, *(place for word in words for place in word[:2])]
    assert ends == sorted(ends)
    assert not any(re.search(r"\s", text[word.start : word.end]) for word in words)
    assert sum(word.end - word.start for word in words) == len(re.sub(r"\s", "", text))


def test_a_tagger_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("textblob.taggers", "spacy"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=r"pip install 'quatrefoil-video-text\[semantic\]'"):
        TextBlobTagger()
    with pytest.raises(ValueError, match="pip install spacy"):
        SpacyTagger()
