"""Which tags of a clip a model sees (limits per expert: our choice, TABLE's own could not be read)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import NamedTuple


class Tag(NamedTuple):
    """A word, how sure its expert is of it, and the expert."""

    word: str
    score: float
    expert: str


@dataclass(frozen=True, kw_only=True)
class ExpertLimits:
    """How many tags of each expert are kept per clip; the order of the fields is the fixed order of experts."""

    object: int = 8
    person: int = 2
    scene: int = 2
    motion: int = 3
    audio: int = 3
    speech: int = 8
    ocr: int = 8

    def __post_init__(self) -> None:
        if negative := {expert: limit for expert, limit in asdict(self).items() if limit < 0}:
            raise ValueError(f"limits must be 0 or more, got {negative}")


EXPERTS: tuple[str, ...] = tuple(limit.name for limit in fields(ExpertLimits))


@dataclass(frozen=True, kw_only=True)
class TagSelection:
    """Which tags of a clip are used.

    Words are lower-cased and stripped; a word that several experts name is kept once, with its highest score; each
    expert keeps its best up to its limit; of all, the `max_tags` best are kept. Ties go by the order of experts,
    then of words.

    Args:
        experts: the experts that are read; the others are as if they were not there.
        limits: most tags per expert.
        max_tags: most tags per clip.
    """

    experts: tuple[str, ...] = EXPERTS
    limits: ExpertLimits = field(default_factory=ExpertLimits)
    max_tags: int = 32

    def __post_init__(self) -> None:
        if unknown := set(self.experts) - set(EXPERTS):
            raise ValueError(f"unknown experts {sorted(unknown)}; there are {', '.join(EXPERTS)}")
        if self.max_tags < 1:
            raise ValueError(f"max_tags must be at least 1, got {self.max_tags}")

    def choose(self, tags: Iterable[Tag]) -> tuple[Tag, ...]:
        """The chosen tags, in the order of experts, then by falling score, then by word."""
        best: dict[str, Tag] = {}
        for word, score, expert in tags:
            plain = Tag(word.strip().lower(), score, expert)
            if expert in self.experts:
                best[plain.word] = min(plain, best.get(plain.word, plain), key=rank)
        limits: Mapping[str, int] = asdict(self.limits)
        groups = [sorted((tag for tag in best.values() if tag.expert == expert), key=rank) for expert in EXPERTS]
        kept = [tag for group, expert in zip(groups, EXPERTS, strict=True) for tag in group[: limits[expert]]]
        strongest = sorted(kept, key=rank)[: self.max_tags]
        return tuple(sorted(strongest, key=lambda tag: (EXPERTS.index(tag.expert), rank(tag))))


def rank(tag: Tag) -> tuple[float, int, str]:
    """What tags sort by: the surest first, then in the order of experts and words."""
    return -tag.score, EXPERTS.index(tag.expert), tag.word
