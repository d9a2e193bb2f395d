"""Corpora of millions of clips: their annotation is read once into mapped tables; no row at rest is a Python object.

Shapes: N captions, C clips on disk, A clips as annotated, P numbers that say where the media of a clip lie.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from quatrefoil.core.wording import first_few
from quatrefoil.video_text.datasets.clip_texts import ClipTexts
from quatrefoil.video_text.datasets.columns import Lazy, Numbers, Picked
from quatrefoil.video_text.datasets.corpus import (
    AbsentError,
    Caption,
    Clip,
    Corpus,
    CorpusError,
    Entry,
    Listing,
    Split,
    SplitName,
)
from quatrefoil.video_text.datasets.pair_table import PairTable
from quatrefoil.video_text.media.stored import Media

ABSENT = -1  # the size of media that are not there


class Locator(Protocol):
    """Says where the media of a clip are. Pickled with the samples, so it is small."""

    def media(self, id: str, place_P: Sequence[int]) -> Media: ...

    def clip(self, id: str, place_P: Sequence[int]) -> Clip:
        """All of its media, unless part of it is asked for."""
        return Clip(id, self.media(id, place_P))


class Source(NamedTuple):
    """One split as annotated: its table, where its media are, and how long each is in bytes (`ABSENT`: not there)."""

    table: PairTable
    locator: Locator
    sizes_A: NDArray[np.int64]

    @property
    def absent(self) -> Picked:
        """The ids of clips without media."""
        return Picked(self.table.ids, Numbers(np.flatnonzero(self.sizes_A == ABSENT)))

    @property
    def texts(self) -> ClipTexts:
        """The captions of all clips."""
        return ClipTexts(self.table.texts, self.table.first_C1)


@dataclass(frozen=True, eq=False)
class _Clips(Lazy[Clip]):
    ids: Sequence[str]
    places: Numbers
    locator: Locator
    rows: Numbers | None  # of the clips that are on disk; None: all, as the table has them

    def __len__(self) -> int:
        return len(self.ids) if self.rows is None else len(self.rows)

    def _at(self, index: int) -> Clip:
        row = index if self.rows is None else int(self.rows[index])
        id = self.ids[row]
        return self.locator.clip(id, self.places[row].tolist())


@dataclass(frozen=True, eq=False)
class _Captions(Lazy[Caption]):
    clips: Sequence[Clip]
    texts: ClipTexts

    def __len__(self) -> int:
        return len(self.texts.texts)

    def _at(self, index: int) -> Caption:
        clip, _ = self.texts.place(index)
        return Caption(self.clips[clip].id, self.texts.texts[index])


@dataclass(frozen=True, eq=False)
class _Entries(Lazy[Entry]):
    ids: Sequence[str]
    texts: ClipTexts

    def __len__(self) -> int:
        return len(self.ids)

    def _at(self, index: int) -> Entry:
        return Entry(self.ids[index], self.texts.of_clip(index))


@dataclass(frozen=True, kw_only=True)
class TableSplit(Split):
    """A split whose rows lie in a table.

    Args:
        table_texts: what `texts` gives.
        content: hash of the annotation and of the sizes of all media.
    """

    table_texts: ClipTexts
    content: str

    @cached_property
    def texts(self) -> ClipTexts:
        """The texts of the captions, clip by clip."""
        return self.table_texts

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over name, protocol, ids, captions and the size of each media file.

        A re-encoded or cut file differs in size. Their content does not enter, as in smaller corpora: its ends alone
        would be millions of reads at each start.
        """
        return hashlib.sha256(repr((self.name, self.protocol, self.content)).encode()).hexdigest()


class TableCorpus(Corpus):
    """A corpus whose splits are tables. Subclasses find the `Source` of each split."""

    @abstractmethod
    def _find(self, protocol: str, split: SplitName) -> Source | None:
        """The split as annotated, or None where it is not here."""

    @abstractmethod
    def _nothing(self, protocol: str) -> str:
        """What is said where none of the splits is here: what was looked for, and where."""

    @cache  # noqa: B019 - as Corpus.listing
    def sources(self, protocol: str) -> Mapping[SplitName, Source]:
        """The splits of `protocol` that are here, as annotated.

        Raises:
            CorpusError: an unknown protocol, none of its splits, or a malformed one.
        """
        self._check_known(protocol)
        names: tuple[SplitName, ...] = ("train", "val", "test")
        found = {name: source for name in names if (source := self._find(protocol, name))}
        if not found:
            raise AbsentError(f"{self.name}: {self._nothing(protocol)}")
        return found

    def present(self, protocol: str) -> list[SplitName]:
        """The splits of `protocol` of which at least one clip is on disk. Raises CorpusError as `sources`."""
        return [name for name, source in self.sources(protocol).items() if bool((source.sizes_A != ABSENT).any())]

    def contradictions(self, protocol: str) -> list[str]:
        """What is wrong with the annotation. Raises CorpusError as `sources`."""
        return self._overlaps(protocol) + [
            problem for source in self.sources(protocol).values() for problem in source.table.problems
        ]

    def _overlaps(self, protocol: str) -> list[str]:
        keys = {name: source.table.keys_C.values for name, source in self.sources(protocol).items()}
        both = {pair: len(np.intersect1d(keys[pair[0]], keys[pair[1]])) for pair in combinations(keys, 2)}
        return [f"{count} clips both in {one!r} and {other!r}" for (one, other), count in both.items() if count]

    def split(self, protocol: str, name: SplitName) -> Split:
        """One split of `protocol`, with the media that are on disk; see `Corpus.split`.

        With `missing="drop"` what is broken in the source counts as missing.
        """
        sources = self.sources(protocol)
        found = self._overlaps(protocol) if self.missing == "drop" else self.contradictions(protocol)
        if found:
            raise CorpusError(
                f"{self.name} in {self.root}, {protocol}: {len(found)} problems ({first_few(found)}). Mend the files"
            )
        if name not in sources:
            raise CorpusError(f"{protocol} has no {name!r} split here; it has {', '.join(sources)}")
        clips = sum(len(source.sizes_A) for source in sources.values())
        absent = _Joined([source.absent for source in sources.values()])
        return _split_of(name, self._protocol_id(protocol, clips, absent), sources[name])

    def _listing(self, protocol: str) -> Listing:
        return {name: _Entries(source.table.ids, source.texts) for name, source in self.sources(protocol).items()}

    @property
    def videos(self) -> Mapping[str, Media]:
        """Clip id -> media, of all protocols that are here: for checks; training does not need it."""
        return {id: clip.video for id, clip in self._clips.items()}

    def clip(self, id: str) -> Clip:
        """A clip that is on disk (one of `videos`)."""
        return self._clips[id]

    @cached_property
    def _clips(self) -> Mapping[str, Clip]:
        found: dict[str, Clip] = {}
        for protocol in self.protocols:
            try:
                sources = self.sources(protocol)
            except CorpusError:  # reported where the protocol is read
                continue
            for table, locator, sizes_A in sources.values():
                for row in np.flatnonzero(sizes_A != ABSENT).tolist():
                    id = table.ids[row]
                    found[id] = locator.clip(id, table.places_CP[row].tolist())
        return found


class _Joined(Lazy[str]):
    """Sequences one after the other."""

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self._parts = [part for part in parts if part]
        self._starts = np.cumsum([0, *map(len, self._parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def _at(self, index: int) -> str:
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._parts[part][index - int(self._starts[part])]


def _split_of(name: SplitName, protocol: str, source: Source) -> TableSplit:
    table, texts = source.table, source.texts
    rows_C = np.flatnonzero(source.sizes_A != ABSENT)
    if not len(rows_C):
        raise CorpusError(f"{protocol}: none of the {len(source.sizes_A)} clips of {name!r} has its media here")
    rows = None if len(rows_C) == len(source.sizes_A) else Numbers(rows_C)
    if rows is not None:
        texts = texts.of_clips(rows_C)
    clips = _Clips(table.ids, table.places_CP, source.locator, rows)
    content = hashlib.sha256(table.digest.encode() + source.sizes_A.astype("<i8").tobytes()).hexdigest()
    captions = _Captions(clips, texts)
    wordless = table.wordless if rows is None or not table.wordless else sum(not text for text in texts.texts)
    return TableSplit(
        name,
        protocol,
        clips,
        captions,
        source.absent,
        wordless=wordless,
        table_texts=texts,
        content=content,
    )
