"""Part-of-speech taggers of English behind one interface: one that needs no download, and spaCy where it is installed.

Parts of speech are the universal ones (NOUN, PROPN, VERB, AUX, ADV, ADJ, ...). Nothing here unpickles: TextBlob reads a
lexicon and rules as plain text from its wheel, spaCy reads msgpack and JSON from the model that the user installed.
"""

import re
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, NamedTuple, Protocol


class TaggedWord(NamedTuple):
    """`text[start:end]` and its universal part of speech."""

    start: int
    end: int
    pos: str


class PartOfSpeechTagger(Protocol):
    """Finds words and their parts of speech; the same name and version always give the same answer."""

    @property
    def name(self) -> str:
        """A name that can be part of a file name."""

    @property
    def version(self) -> str: ...

    def tag(self, texts: Sequence[str]) -> list[list[TaggedWord]]:
        """Per text its words, in order."""


_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_PENN: Final = {"NN": "NOUN", "NNS": "NOUN", "NNP": "PROPN", "NNPS": "PROPN", "MD": "AUX"}
_PENN_BEGINNINGS: Final = {"VB": "VERB", "RB": "ADV", "JJ": "ADJ"}
_BE: Final = frozenset({"am", "is", "are", "was", "were", "be", "been", "being"})
_DO_HAVE: Final = frozenset({"do", "does", "did", "have", "has", "had", "having"})
_PRONOUNS: Final = frozenset(
    first + last for first in ("some", "any", "every", "no") for last in ("one", "body", "thing")
)
_RULES: Final = "1"  # a change of the rules below is another version, so that nothing tagged before is taken for new


class TextBlobTagger:
    """The tagger that comes whole with TextBlob: De Smedt's Pattern, a lexicon with Brill's rules.

    Its Penn tags are made universal by rules of ours: `someone` and its like are pronouns, a form of be is an
    auxiliary, and a form of do or have is one where a verb follows it, adverbs aside.

    Raises:
        ValueError: TextBlob is not installed.
    """

    name = "textblob"

    def __init__(self) -> None:
        self._pattern = _needed("textblob.taggers", "pip install 'quatrefoil-video-text[semantic]'").PatternTagger()
        self.version = f"{version('textblob')}-{_RULES}"

    def tag(self, texts: Sequence[str]) -> list[list[TaggedWord]]:
        return [self._tag(text) for text in texts]

    def _tag(self, text: str) -> list[TaggedWord]:
        found = list(_WORD.finditer(text))
        if not found:
            return []
        words = [match.group() for match in found]
        tags = [tag for _, tag in self._pattern.tag(" ".join(words), tokenize=False)]
        assert len(tags) == len(words), text
        pairs = zip(found, _universal([word.lower() for word in words], tags), strict=True)
        return [TaggedWord(*match.span(), pos) for match, pos in pairs]


def _universal(words: Sequence[str], penn: Sequence[str]) -> list[str]:
    """Universal parts of speech, from the last word to the first: what follows tells auxiliaries from verbs."""
    parts = list[str]()
    next_part = ""  # of the nearest following word that is no adverb
    for word, tag in zip(reversed(words), reversed(penn), strict=True):
        part = _PENN.get(tag) or _PENN_BEGINNINGS.get(tag[:2]) or ("X" if word[0].isalnum() else "PUNCT")
        if word in _PRONOUNS:
            part = "PRON"
        if part == "VERB" and (word in _BE or (word in _DO_HAVE and next_part in ("VERB", "AUX"))):
            part = "AUX"
        parts.append(part)
        next_part = next_part if part == "ADV" else part
    return parts[::-1]


class SpacyTagger:
    """A spaCy pipeline that the user installed, by its name or path (Clover's official code: en_core_web_sm).

    Raises:
        ValueError: spaCy or the pipeline is not installed.
    """

    def __init__(self, model: str = "en_core_web_sm") -> None:
        spacy = _needed("spacy", "pip install spacy")
        try:
            self._pipeline = spacy.load(model, exclude=["parser", "ner", "lemmatizer"])
        except OSError as error:
            raise ValueError(f"spaCy has no pipeline {model!r}: python -m spacy download {model} ({error})") from error
        meta = self._pipeline.meta
        self.name = f"spacy-{meta['lang']}_{meta['name']}"
        self.version = f"{meta['version']}"

    def tag(self, texts: Sequence[str]) -> list[list[TaggedWord]]:
        return [
            [TaggedWord(word.idx, word.idx + len(word), word.pos_) for word in document]
            for document in self._pipeline.pipe(texts)
        ]


def _needed(module: str, remedy: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"to find parts of speech, {error.name} is needed: {remedy}") from error
