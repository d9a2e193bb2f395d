"""What a corpus is: clips, captions, splits and protocols, read from annotation files and checked against the disk."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quatrefoil.core.wording import first_few
from quatrefoil.video_text.datasets.clip_texts import ClipTexts
from quatrefoil.video_text.media.stored import Media

SplitName = Literal["train", "val", "test"]
Missing = Literal["error", "drop"]
Kind = Literal["video", "audio"]
EXTENSIONS = (".mp4", ".avi", ".webm", ".mkv", ".mov")
SOUND_EXTENSIONS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", *EXTENSIONS)
"""Of corpora of sound, whose files may be what the web calls videos."""
_HASHED_BYTES = 16 * 1024


class CorpusError(ValueError):
    """A corpus on disk is not what its protocol needs."""


class AbsentError(CorpusError):
    """No file of what a protocol is annotated in is here."""


@dataclass(frozen=True)
class Clip:
    """A stretch of a media file.

    Args:
        id: unique in the corpus.
        video: the media file, or where in another file it lies; of corpora of sound, that of the sound.
        start_s, end_s: the stretch in seconds from the start of the file; `None` = up to its end.
        audio: where the sound lies if not in the same file; its times are those of `video`.
    """

    id: str
    video: Media
    start_s: float = 0.0
    end_s: float | None = None
    audio: Media | None = None

    @property
    def sound(self) -> Media:
        """The file in which to look for sound, which it may lack."""
        return self.video if self.audio is None else self.audio


@dataclass(frozen=True)
class Caption:
    """A sentence that describes a clip."""

    clip_id: str
    text: str


class Entry(NamedTuple):
    """A clip as the annotation files list it, whether or not its video is on disk."""

    id: str
    captions: tuple[str, ...]


Listing = Mapping[SplitName, Sequence[Entry]]
"""The splits of a protocol, as annotated. A protocol without a validation set has no `val`."""


@dataclass(frozen=True)
class Split:
    """The clips of one split that are on disk, with their captions in the order of the clips.

    Args:
        name: train, val or test.
        protocol: id of the protocol; says how many clips were dropped from it, where any were.
        dropped: ids of annotated clips whose videos are missing.
        classes: captions are names of classes: clips of one name belong together, and are no negatives of each other.
        wordless: how many captions are empty, of clips of which nothing is said; most data refuse them.
    """

    name: SplitName
    protocol: str
    clips: Sequence[Clip]
    captions: Sequence[Caption]
    dropped: Sequence[str] = ()
    classes: bool = False
    wordless: int = 0

    @property
    def class_C(self) -> NDArray[np.int64] | None:
        """The number of the class of each clip, in the order of names; None where captions name no classes."""
        names = [self.texts.of_clip(clip)[0] for clip in range(len(self.clips))] if self.classes else None
        return None if names is None else np.unique(names, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def texts(self) -> ClipTexts:
        """The texts of the captions, clip by clip."""
        captions: dict[str, list[str]] = {clip.id: [] for clip in self.clips}
        for caption in self.captions:
            captions[caption.clip_id].append(caption.text)
        return ClipTexts.of_lists(list(captions.values()))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what decides a score: name, protocol, clips (id, stretch, media content) and captions.

        The content of a media file is taken from its size and its first and last 16 KiB. There all usual containers
        keep their headers and indices with the size of each coded frame, so a re-encoded or cut file differs; paths and
        modification times do not enter, so a copied corpus is the same corpus.
        """
        digest = hashlib.sha256()
        lines: list[tuple[str, ...]] = [(self.name, self.protocol)]
        lines += [(clip.id, str(clip.start_s), str(clip.end_s), *_media_keys(clip)) for clip in self.clips]
        lines += [(caption.clip_id, caption.text) for caption in self.captions]
        for line in lines:
            digest.update(repr(line).encode())
        return digest.hexdigest()


def _media_keys(clip: Clip) -> list[str]:
    return [_media_key(media) for media in (clip.video, clip.audio) if media is not None]


def _media_key(path: Media) -> str:
    assert isinstance(path, Path), "corpora of stored media have fingerprints of their own"
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HASHED_BYTES)
        file.seek(max(0, size - _HASHED_BYTES))
        return f"{size}:{hashlib.sha256(head + file.read()).hexdigest()}"


class Corpus(ABC):
    """A corpus under `root`; subclasses read its annotation files.

    Args:
        root: folder of the annotation files and videos.
        missing: what to do when videos of a protocol are not on disk: `error`, or `drop` them, which changes the
            protocol's id (`msvd-all-captions[118/1970 clips]`) so that a score is never taken for one on the whole.
    """

    name: ClassVar[str]
    protocols: ClassVar[tuple[str, ...]]
    annotation_folders: ClassVar[tuple[str, ...]] = ("annotation", "annotations", ".")
    video_folders: ClassVar[tuple[str, ...]] = ("videos", "videos/all", ".")
    extensions: ClassVar[tuple[str, ...]] = EXTENSIONS
    texts: ClassVar[str] = "captions"
    holds: ClassVar[Kind] = "video"  # what every file must hold; that a video has no sound is no error
    classes: ClassVar[bool] = False  # see `Split`
    published: ClassVar[Mapping[str, Mapping[SplitName, int]]] = {}  # clips of splits, where whoever made them says so

    def __init__(self, root: str | Path, missing: Missing = "error") -> None:
        self.root = Path(root)
        self.missing = missing
        if not self.root.is_dir():
            raise CorpusError(f"{self.name}: there is no folder {self.root}; set root to where the corpus lies")

    @abstractmethod
    def _listing(self, protocol: str) -> Listing: ...

    @cache  # noqa: B019 - a corpus lives as long as the run, and annotations are read once
    def listing(self, protocol: str) -> Listing:
        """The splits of `protocol` as annotated, unchecked.

        Raises:
            CorpusError: an unknown protocol, or an annotation file that is missing or malformed.
        """
        self._check_known(protocol)
        return self._listing(protocol)

    def _check_known(self, protocol: str) -> None:
        if protocol not in self.protocols:
            raise CorpusError(f"{self.name} has no protocol {protocol!r}; it has {', '.join(self.protocols)}")

    def contradictions(self, protocol: str) -> list[str]:
        """What is wrong with the annotation of `protocol`, one phrase each. Raises CorpusError as `listing`."""
        return contradictions(self.listing(protocol))

    def present(self, protocol: str) -> list[SplitName]:
        """The splits of `protocol` of which at least one clip is on disk. Raises CorpusError as `listing`."""
        listing = self.listing(protocol)
        return [name for name, entries in listing.items() if any(entry.id in self.videos for entry in entries)]

    @cached_property
    def videos(self) -> Mapping[str, Media]:
        """Clip id -> media file. Of two files with one name the first in the order of folders, then extensions."""
        found: dict[str, Path] = {}
        for folder in self.video_folders:
            paths = [path for path in self.root.glob(f"{folder}/*") if path.suffix.lower() in self.extensions]
            for path in sorted(paths, key=lambda path: (self.extensions.index(path.suffix.lower()), path.name)):
                found.setdefault(path.stem, path)
        return found

    def clip(self, id: str) -> Clip:
        """A clip that is on disk (one of `videos`)."""
        return Clip(id, self.videos[id])

    def split(self, protocol: str, name: SplitName) -> Split:
        """One split of `protocol`, with the videos that are on disk.

        Raises:
            CorpusError: the annotations contradict themselves (`contradictions`), the protocol has no such split,
                videos are missing and `missing="error"`, or none of the split is left after dropping.
        """
        listing = self.listing(protocol)
        if found := self.contradictions(protocol):
            raise CorpusError(f"{self.name} in {self.root}, {protocol}: {'; '.join(found)}. Mend the annotation files")
        if name not in listing:
            raise CorpusError(f"{protocol} has no {name!r} split; it has {', '.join(listing)}")
        present = [entry for entry in listing[name] if entry.id in self.videos]
        dropped = tuple(entry.id for entry in listing[name] if entry.id not in self.videos)
        ids = [entry.id for entries in listing.values() for entry in entries]
        protocol_id = self._protocol_id(protocol, len(ids), [id for id in ids if id not in self.videos])
        if not present:
            raise CorpusError(f"{protocol}: none of the {len(dropped)} clips of {name!r} has a video under {self.root}")
        clips = tuple(self.clip(entry.id) for entry in present)
        captions = tuple(Caption(entry.id, text) for entry in present for text in entry.captions)
        return Split(name, protocol_id, clips, captions, dropped, self.classes)

    def _protocol_id(self, protocol: str, clips: int, absent: Sequence[str]) -> str:
        if not absent:
            return protocol
        if self.missing == "drop":
            return f"{protocol}[{clips - len(absent)}/{clips} clips]"
        raise CorpusError(
            f"{protocol}: {len(absent)} of {clips} videos are missing under {self.root} ({first_few(absent)}). "
            f"{self._mend_missing()}, or set missing=drop"
        )

    def _mend_missing(self) -> str:
        return f"Put <id>{'|'.join(self.extensions)} into {self.root / self.video_folders[0]}"

    def annotation(self, name: str) -> Path:
        """The annotation file `name`, wherever it lies; CorpusError where it does not."""
        path = self.find_annotation(name)
        if path is None:
            places = " or ".join(str(self.root / folder) for folder in self.annotation_folders)
            raise AbsentError(f"{self.name}: there is no {name} in {places}")
        return path

    def find_annotation(self, name: str) -> Path | None:
        """The annotation file `name`, or None where there is none."""
        paths = (self.root / folder / name for folder in self.annotation_folders)
        return next((path for path in paths if path.is_file()), None)


def contradictions(listing: Listing) -> list[str]:
    """What is wrong with annotated splits, one phrase each: repeated ids, ids in two splits, captions missing."""
    found = []
    for name, entries in listing.items():
        ids = [entry.id for entry in entries]
        bare = [entry.id for entry in entries if not entry.captions]
        empty = [entry.id for entry in entries if not all(text.strip() for text in entry.captions)]
        found += _finding(f"ids listed twice in {name!r}", (id for id, count in Counter(ids).items() if count > 1))
        found += _finding(f"clips without a caption in {name!r}", bare)
        found += _finding(f"clips with an empty caption in {name!r}", empty)
    for (one, ones), (other, others) in combinations(listing.items(), 2):
        both = {entry.id for entry in ones} & {entry.id for entry in others}
        found += _finding(f"clips both in {one!r} and {other!r}", sorted(both))
    return found


def _finding(what: str, ids: Iterable[str]) -> list[str]:
    listed = list(ids)
    return [f"{len(listed)} {what} ({first_few(listed)})"] if listed else []
