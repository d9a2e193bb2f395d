"""How long texts are in tokens, so that what a limit cuts off is counted and said, and not lost in silence."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from quatrefoil.core.distributed import rank
from quatrefoil.core.files import cache_home, locked, replace_text
from quatrefoil.video_text.text.tokenizer import TextTokenizer

Lengths = Callable[[TextTokenizer, Sequence[str]], Sequence[int]]
"""How many tokens each text becomes, uncut, special ones included."""
_AT_ONCE = 10_000  # the texts of a large corpus are never all in memory


@dataclass(frozen=True)
class ReadTexts:
    """The texts of a split as a model is to read them.

    Args:
        texts: all of them.
        content: what they follow from, a hash that other texts, or another way to make tokens of them, do not have.
        lengths: how they become tokens.
        fate: what becomes of texts that are too long, in words.
    """

    texts: Sequence[str]
    content: str
    lengths: Lengths = TextTokenizer.lengths
    fate: str = "their ends are not read"

    def longer_than(self, limit: int, tokenizer: TextTokenizer) -> int:
        """How many have more than `limit` tokens. Lengths are found once for a tokeniser, and kept in the cache."""
        return sum(count for length, count in self._counts(tokenizer).items() if int(length) > limit)

    def _counts(self, tokenizer: TextTokenizer) -> Mapping[str, int]:
        """Number of tokens, as JSON has its keys -> how many texts have as many."""
        key = hashlib.sha256(f"{self.content} {tokenizer.fingerprint}".encode()).hexdigest()[:16]
        path = cache_home() / "text-lengths" / f"{key}.json"
        with locked(path):
            if not path.is_file():
                replace_text(path, json.dumps(Counter(self._lengths(tokenizer))))
        counts: dict[str, int] = json.loads(path.read_text("utf-8"))
        return counts

    def _lengths(self, tokenizer: TextTokenizer) -> Iterator[int]:
        for start in range(0, len(self.texts), _AT_ONCE):
            yield from self.lengths(tokenizer, self.texts[start : start + _AT_ONCE])


def say_too_long(name: str, texts: ReadTexts, limit: int, count: int) -> None:
    """Print, once for all ranks, that `count` of the texts of split `name` are too long; nothing where none is."""
    if count and rank() == 0:
        print(f"{name}: {count:,} of {len(texts.texts):,} texts have more than {limit} tokens; {texts.fate}")
