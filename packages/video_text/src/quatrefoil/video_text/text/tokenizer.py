"""Sub-word tokenisers, as one tokenizer.json each: trained here, or those of published models."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from quatrefoil.core.files import replace_text
from quatrefoil.core.hub import locate

START_AND_END = 2
"""Tokens that every text has."""
NO_WORD = -1
NO_CHARACTERS = (0, 0)


class TokenIds(NamedTuple):
    """Per text its ids and, beside each id, the index of the word that it is part of (`NO_WORD` for special tokens) and
    the characters of the text that it stands for (from, to; an empty span for special tokens)."""

    ids: list[list[int]]
    word_ids: list[list[int]]
    offsets: list[list[tuple[int, int]]]


class _Specials(NamedTuple):
    pad: str
    start: str
    end: str
    mask: str | None


# Ours, BERT's and CLIP's. CLIP pads with its end token and has no mask.
_OURS = _Specials("[PAD]", "[START]", "[END]", "[MASK]")
_UNKNOWN = "[UNK]"
_SCHEMES = (
    _OURS,
    _Specials("[PAD]", "[CLS]", "[SEP]", "[MASK]"),
    _Specials("<|endoftext|>", "<|startoftext|>", "<|endoftext|>", None),
)


class TextTokenizer:
    """Texts to ids between a start and an end token.

    Attributes:
        pad_id, start_id, end_id: special ids; `mask_id` is None where the vocabulary has no mask token.
        vocab_size: number of ids, special ones included.
        fingerprint: SHA-256 of the definition in canonical JSON, so that spacing and key order do not matter.

    Args:
        definition: the contents of a tokenizer.json.

    Raises:
        ValueError: special tokens of no known scheme.
    """

    def __init__(self, definition: str) -> None:
        self._tokenizer = Tokenizer.from_str(definition)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # `<|endoftext|>` written in a caption or on a sign is text like any other, not an end.
        self._tokenizer.encode_special_tokens = True
        specials = self._find_specials()
        self.pad_id, self.start_id, self.end_id = (self._id(token) for token in specials[:3])
        self.mask_id = None if specials.mask is None else self._id(specials.mask)
        self.vocab_size: int = self._tokenizer.get_vocab_size()
        self.fingerprint = hashlib.sha256(_canonical(definition).encode()).hexdigest()

    def _find_specials(self) -> _Specials:
        vocabulary = self._tokenizer.get_vocab()
        for scheme in _SCHEMES:
            if all(token in vocabulary for token in scheme if token is not None):
                return scheme
        known = "; ".join(" ".join(token for token in scheme if token is not None) for scheme in _SCHEMES)
        raise ValueError(f"the tokeniser has none of these sets of special tokens: {known}")

    def _id(self, token: str) -> int:
        found: int | None = self._tokenizer.token_to_id(token)
        assert found is not None
        return found

    @classmethod
    def load(cls, source: str | Path, revision: str | None = None) -> "TextTokenizer":
        """Read a tokenizer.json: its path, a folder that holds it, or a hub id."""
        path = Path(source) if Path(source).is_file() else locate(source, "tokenizer.json", revision)
        return cls(path.read_text(encoding="utf-8"))

    @classmethod
    def train(cls, texts: Sequence[str], vocab_size: int, path: str | Path) -> "TextTokenizer":
        """Train a lower-casing byte-level BPE (Radford et al. 2019), write it to `path`, whole or not at all.

        The same texts, in any order, give the same bytes: over bytes no id depends on the order in which characters are
        met, as it would with continuation prefixes. Nothing is unknown to it; `[UNK]` is for readers that want one. The
        vocabulary is smaller than `vocab_size` where the texts hold too few pairs that occur twice.

        Raises:
            ValueError: no texts, or `vocab_size` below the 256 bytes and the five special tokens.
        """
        special_tokens = [token for token in _OURS if token is not None] + [_UNKNOWN]
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        if vocab_size < len(alphabet) + len(special_tokens):
            raise ValueError(f"vocab_size {vocab_size} has no room for {len(alphabet)} bytes and {special_tokens}")
        if isinstance(texts, str) or not texts:
            raise ValueError("texts is a sequence of at least one text")
        tokenizer = Tokenizer(models.BPE(unk_token=_UNKNOWN))
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=2,
            special_tokens=special_tokens,
            initial_alphabet=alphabet,
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        definition = _canonical(tokenizer.to_str())
        replace_text(Path(path), definition)
        return cls(definition)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens `encode` gives of each text where nothing is cut off, start and end token included."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) + START_AND_END for encoding in encodings]

    def encode(self, texts: Sequence[str], length: int) -> TokenIds:
        """Ids of each text, at most `length` with start and end token; what is cut off is cut before the end token.

        Raises:
            ValueError: one string in the place of a sequence of them, or no room for start and end.
        """
        if isinstance(texts, str):
            raise ValueError(f"texts is a sequence of strings, not the string {texts!r}; put it into a list")
        if length < START_AND_END:
            raise ValueError(f"length {length} has no room for the start and the end token")
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        inner = length - START_AND_END
        return TokenIds(
            [[self.start_id, *encoding.ids[:inner], self.end_id] for encoding in encodings],
            [
                [NO_WORD, *(NO_WORD if word is None else word for word in encoding.word_ids[:inner]), NO_WORD]
                for encoding in encodings
            ],
            [[NO_CHARACTERS, *encoding.offsets[:inner], NO_CHARACTERS] for encoding in encodings],
        )

    def piece(self, id: int) -> str:
        """The text of one token, without the space before it; the name of a special one."""
        text: str = self._tokenizer.decode([id], skip_special_tokens=False)
        return text.strip()


def _canonical(definition: str) -> str:
    return json.dumps(json.loads(definition), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
