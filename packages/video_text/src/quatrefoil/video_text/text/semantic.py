"""Semantic masking: hide words that carry meaning, nouns and verb phrases, and not any words.

What may be masked is found once, when data are prepared, and kept on disk; what is masked is drawn for each sample.
Legend: L tokens of one text.

Source: Clover's official code, which masks nouns, proper nouns and verb phrases but, whatever its name for them says,
no adjectives. It lists a word once per match of its verb pattern, so that verbs are drawn more often and the number of
masked words grows with the matches; here each word counts once.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

import torch
from torch import Tensor
from tqdm import tqdm

from quatrefoil.core.files import replace_text
from quatrefoil.core.masking import choose_whole_words
from quatrefoil.video_text.text.part_of_speech import PartOfSpeechTagger, TaggedWord
from quatrefoil.video_text.text.tokenizer import NO_WORD

Kind = Literal["NOUN", "PROPN", "VERB", "ADJ", "ANY"]
"""What may be masked; VERB stands for verb phrases, with the adverbs and auxiliaries in them, ANY for all words, as in
BERT: what semantic masks are compared with."""

OFFICIAL: Final[tuple[Kind, ...]] = ("NOUN", "PROPN", "VERB")

# VERB? ADV* AUX* VERB+, over one letter per word.
_VERB_PHRASE: Final = re.compile("V?R*X*V+")
_PUNCTUATION: Final = "PUNCT"
_LETTERS: Final = {"VERB": "V", "ADV": "R", "AUX": "X"}

_AT_ONCE: Final = 256  # texts that a tagger gets between two steps of the progress bar


class Span(NamedTuple):
    """Characters `start` to `end`, the last not included."""

    start: int
    end: int


class SemanticError(ValueError):
    """A file of parts of speech that cannot be used; says file and line."""


def mask_candidates(words: Sequence[TaggedWord], kinds: Collection[Kind] = OFFICIAL) -> tuple[Span, ...]:
    """The words of one text that may be masked, each once, in order; none where it has none.

    Raises:
        ValueError: an unknown kind, or none.
    """
    if not kinds or (unknown := set(kinds) - set(get_args(Kind))):
        raise ValueError(
            f"kinds must be some of {', '.join(get_args(Kind))}, got {sorted(unknown) if kinds else 'none'}"
        )
    every = "ANY" in kinds
    chosen = {n for n, word in enumerate(words) if word.pos in kinds or (every and word.pos != _PUNCTUATION)}
    if "VERB" in kinds:
        letters = "".join(_LETTERS.get(word.pos, ".") for word in words)
        # Matches that do not overlap cover every word that any match would cover.
        chosen |= {number for match in _VERB_PHRASE.finditer(letters) for number in range(*match.span())}
    return tuple(Span(words[number].start, words[number].end) for number in sorted(chosen))


def semantic_word_mask(
    candidates: Sequence[Span], token_spans: Sequence[tuple[int, int]], generator: torch.Generator, rate: float
) -> Tensor:
    """Choose `max(1, round(rate * n))` of the n candidates, each with all its tokens; bool (L), none of none.

    Candidates of which no token is left, cut off with the end of a long text, do not count.

    Args:
        candidates: from `find_candidates`.
        token_spans: the characters of each token in the same text; an empty span for special tokens.
        generator: that of the sample, made from seed, epoch and id.
        rate: Clover: 0.3.
    """
    return choose_whole_words(words_of_tokens(candidates, token_spans), generator, rate)


def words_of_tokens(candidates: Sequence[Span], token_spans: Sequence[tuple[int, int]]) -> Tensor:
    """The number of the candidate that each token shares a character with, `NO_WORD` where there is none; long (L)."""
    words_L = [
        next((number for number, word in enumerate(candidates) if start < word.end and word.start < end), NO_WORD)
        for start, end in token_spans
    ]
    return torch.tensor(words_L, dtype=torch.long)


def find_candidates(
    texts: Iterable[str], tagger: PartOfSpeechTagger, folder: Path, kinds: Collection[Kind] = OFFICIAL
) -> dict[str, tuple[Span, ...]]:
    """Text -> the words in it that may be masked; texts that `folder` does not know are tagged and added to it.

    Several processes may do so at once. Parts of speech are kept, not candidates, so that other kinds need no tagger.

    Raises:
        SemanticError: a malformed line in the file of this tagger.
    """
    path = folder / f"{tagger.name}-{tagger.version}.jsonl"
    wanted = dict.fromkeys(texts)
    tagged = read_tagged(path) if path.is_file() else {}
    if new := [text for text in wanted if text not in tagged]:
        tagged |= dict(zip(new, _tag(new, tagger), strict=True))
        replace_text(path, "".join(_line(text, words) for text, words in tagged.items()))
    return {text: mask_candidates(tagged[text], kinds) for text in wanted}


def _tag(texts: Sequence[str], tagger: PartOfSpeechTagger) -> list[Sequence[TaggedWord]]:
    found = list[Sequence[TaggedWord]]()
    with tqdm(total=len(texts), desc="parts of speech", unit="text") as bar:
        for start in range(0, len(texts), _AT_ONCE):
            found += tagger.tag(texts[start : start + _AT_ONCE])
            bar.update(len(found) - bar.n)
    return found


def read_tagged(path: Path) -> dict[str, Sequence[TaggedWord]]:
    """Text -> its words, from a file of lines `{"text": str, "words": [[start, end, part of speech], ...]}`.

    Raises:
        SemanticError: a malformed line.
    """
    found: dict[str, Sequence[TaggedWord]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                found |= [_parsed(json.loads(line))]
            except (ValueError, KeyError, TypeError) as error:
                raise SemanticError(
                    f"{path}:{number}: not a text with its parts of speech ({type(error).__name__}: {error}); delete "
                    f"the file to have it made anew"
                ) from error
    return found


def _parsed(line: Mapping[str, object]) -> tuple[str, list[TaggedWord]]:
    text, words = line["text"], line["words"]
    if not isinstance(text, str) or not isinstance(words, list):
        raise TypeError("text is a text and words are a list")
    return text, [_checked(TaggedWord(*word), text) for word in words]


def _checked(word: TaggedWord, text: str) -> TaggedWord:
    types = tuple(map(type, word))
    if types != (int, int, str) or not 0 <= word.start < word.end <= len(text):
        raise ValueError(f"{list(word)} is no word of {text!r}")
    return word


def _line(text: str, words: Sequence[TaggedWord]) -> str:
    return json.dumps({"text": text, "words": words}, ensure_ascii=False) + "\n"
