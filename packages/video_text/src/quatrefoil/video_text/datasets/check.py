"""What is there of a corpus, and what is wrong with it: behind `quatrefoil data check NAME root=FOLDER`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tqdm import tqdm

from quatrefoil.core.wording import counted, first_few
from quatrefoil.video_text.datasets.arrow import ArrowFolder
from quatrefoil.video_text.datasets.audio_captions import AudioCaps, SoundDescs
from quatrefoil.video_text.datasets.clover_pickles import MsrVttClover
from quatrefoil.video_text.datasets.corpus import AbsentError, Clip, Corpus, CorpusError, Kind
from quatrefoil.video_text.datasets.didemo import DiDeMo
from quatrefoil.video_text.datasets.fsdd import Fsdd
from quatrefoil.video_text.datasets.lsmdc import Lsmdc, LsmdcQa
from quatrefoil.video_text.datasets.manifests import Cc3m, WebVid
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.msrvtt_qa import MsrvttQa
from quatrefoil.video_text.datasets.msvd import Msvd
from quatrefoil.video_text.datasets.msvd_qa import MsvdQa
from quatrefoil.video_text.datasets.tars import Tars
from quatrefoil.video_text.datasets.tgif_qa import TgifQa
from quatrefoil.video_text.datasets.triples import Triples
from quatrefoil.video_text.datasets.youcook2 import YouCook2
from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.container import Deadline, open_container
from quatrefoil.video_text.media.errors import MediaError
from quatrefoil.video_text.media.stored import Media, place_of
from quatrefoil.video_text.media.video import open_video
from quatrefoil.video_text.tags.store import TAG_FOLDER, Coverage, TagError, TagStore

_CHUNK = 32  # frames decoded at once


@dataclass(frozen=True)
class SplitCounts:
    """A split as annotated: how many clips and texts (of a kind: captions, or questions), how many of these are empty,
    clips without a file, and how many clips those who made it say that there are (None: unknown here)."""

    protocol: str
    split: str
    clips: int
    texts: int
    kind: str
    empty: int
    missing: int
    published: int | None

    def text(self) -> str:
        """A line for people."""
        other = self.published not in (None, self.clips)
        empty = f" ({self.empty} empty)" if self.empty else ""
        return (
            f"  {self.protocol:<28} {self.split:<6} {self.clips:>6} clips {self.texts:>7} {self.kind}{empty} "
            f"{self.missing:>6} without media{f'  (published: {self.published} clips)' if other else ''}"
        )


@dataclass
class CheckReport:
    """What `check` found; JSON-ready by `asdict`.

    Attributes:
        splits: counts of every split of every protocol that can be read.
        unavailable: protocol -> which of its annotations are not here.
        contradictions: what is wrong in annotations, or why they cannot be read, with the protocol.
        clips: how many are annotated, in all protocols together.
        missing: ids of clips without a video.
        undecodable: id -> why its media (in a deep check: any frame or its sound) cannot be read. Clips of one file are
            known by the first of them.
        silent: ids of videos without an audio stream; no problem, a fact.
        tags: expert -> coverage of the annotated clips; `tag_error` says why tag files cannot be read.
    """

    corpus: str
    root: str
    deep: bool
    holds: Kind
    clips: int = 0
    splits: list[SplitCounts] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    undecodable: dict[str, str] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    tags: dict[str, Coverage] = field(default_factory=dict)
    tag_error: str | None = None

    @property
    def problems(self) -> list[str]:
        """What has to be mended, one sentence each. A protocol that is not here is one only if no other is."""
        found = [] if self.splits or self.contradictions else list(self.unavailable.values())
        found += self.contradictions
        if self.missing:
            lack = counted(len(self.missing), "clip has", "clips have")
            mend = "put them there, or train on the others with data.missing=drop"
            found.append(f"{lack} no {self.holds}: {first_few(self.missing)}; {mend}")
        found += [f"{id} cannot be read: {reason}" for id, reason in self.undecodable.items()]
        return found + ([self.tag_error] if self.tag_error else [])

    def text(self) -> str:
        """The report for people."""
        here = self.clips - len(self.missing)
        lines = [f"{self.corpus} in {self.root}: {here:,} of {counted(self.clips, 'clip')} here"]
        lines += [split.text() for split in self.splits]
        lines += [f"  {protocol}: not here ({reason})" for protocol, reason in self.unavailable.items()]
        silent = counted(len(self.silent), "video has", "videos have")
        lines += [f"  {silent} no sound: {first_few(self.silent)}"] if self.silent else []
        lines += [f"  tags of {expert}: {counted(found.tagged, 'clip')}" for expert, found in self.tags.items()]
        lines += [f"PROBLEM {problem}" for problem in self.problems] or ["no problems found"]
        return "\n".join(lines)

    def json(self) -> str:
        """The report for programs; `problems` among its keys."""
        tags = {expert: coverage._asdict() for expert, coverage in self.tags.items()}
        return json.dumps({**asdict(self), "tags": tags, "problems": self.problems}, indent=1)


def check(corpus_type: type[Corpus], root: Path, deep: bool = False) -> CheckReport:
    """Reads all annotations and tags and opens every video under `root`.

    Args:
        deep: decode every frame and all sound, not only the packet index and the first frame.

    Raises:
        CorpusError: there is no folder `root`.
    """
    corpus = corpus_type(root, "drop")
    report = CheckReport(corpus.name, str(root), deep, corpus.holds)
    ids: dict[str, None] = {}
    for protocol in corpus.protocols:
        ids |= dict.fromkeys(_check_protocol(corpus, protocol, report))
    report.clips = len(ids)
    report.missing = [id for id in ids if id not in corpus.videos]
    clips = [corpus.clip(id) for id in ids if id in corpus.videos]
    files = {(clip.video, clip.audio): clip for clip in reversed(clips)}
    for clip in tqdm(reversed(files.values()), f"check {corpus.name}", len(files), unit="file"):
        _check_media(clip, report)
    _check_tags(root / TAG_FOLDER, list(ids), report)
    return report


def _check_protocol(corpus: Corpus, protocol: str, report: CheckReport) -> list[str]:
    """The ids of the protocol."""
    try:
        listing = corpus.listing(protocol)
    except AbsentError as error:
        report.unavailable[protocol] = str(error)
        return []
    except CorpusError as error:
        report.contradictions.append(f"{protocol}: {error}")
        return []
    report.contradictions += [f"{protocol}: {found}" for found in corpus.contradictions(protocol)]
    for name, entries in listing.items():
        missing = sum(entry.id not in corpus.videos for entry in entries)
        texts = sum(len(entry.captions) for entry in entries)
        empty = sum(not text for entry in entries for text in entry.captions)
        published = corpus.published.get(protocol, {}).get(name)
        report.splits.append(SplitCounts(protocol, name, len(entries), texts, corpus.texts, empty, missing, published))
    return [entry.id for entries in listing.values() for entry in entries]


def _check_media(clip: Clip, report: CheckReport) -> None:
    try:
        if report.holds == "video":
            _check_frames(clip.video, report.deep)
        heard = _has_sound(clip.sound, report.deep)
    except MediaError as error:
        report.undecodable[clip.id] = error.reason
    else:
        if not heard and report.holds == "audio":
            report.undecodable[clip.id] = "it holds no sound"
        elif not heard:
            report.silent.append(clip.id)


def _check_frames(video: Media, deep: bool) -> None:
    with open_video(video, "pyav") as reader:
        wanted = range(reader.frame_count if deep else 1)
        for start in wanted[::_CHUNK]:
            reader.frames(wanted[start : start + _CHUNK])


def _has_sound(media: Media, deep: bool) -> bool:
    if deep:
        return read_audio(media, rate=16_000) is not None
    with open_container(media, Deadline(place_of(media), None)) as container:
        return bool(container.streams.audio)


def _check_tags(folder: Path, ids: Sequence[str], report: CheckReport) -> None:
    if not any(folder.glob("*.jsonl")):
        return
    try:
        report.tags = TagStore(folder).coverage(ids)
    except TagError as error:
        report.tag_error = str(error)


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Options of `data check`: the folder, whether every frame is decoded, and whether the report is JSON."""

    root: Path | None = None
    deep: bool = False
    json: bool = False


class CorpusActions:
    """What `quatrefoil data` can do with a corpus on disk."""

    def __init__(self, corpus_type: type[Corpus]) -> None:
        self._corpus_type = corpus_type

    def check(self, options: CheckOptions) -> int:
        """Prints a report; 1 where something has to be mended, else 0. Raises ValueError where no root is given."""
        if options.root is None:
            raise ValueError("say where the corpus lies: root=FOLDER")
        report = check(self._corpus_type, options.root, options.deep)
        print(report.json() if options.json else report.text())
        return int(bool(report.problems))


MSRVTT = CorpusActions(MsrVtt)
MSVD = CorpusActions(Msvd)
MSRVTT_CLOVER = CorpusActions(MsrVttClover)
DIDEMO = CorpusActions(DiDeMo)
LSMDC = CorpusActions(Lsmdc)
WEBVID = CorpusActions(WebVid)
CC3M = CorpusActions(Cc3m)
TARS = CorpusActions(Tars)
ARROW = CorpusActions(ArrowFolder)
AUDIOCAPS = CorpusActions(AudioCaps)
SOUNDDESCS = CorpusActions(SoundDescs)
YOUCOOK2 = CorpusActions(YouCook2)
TRIPLES = CorpusActions(Triples)
FSDD = CorpusActions(Fsdd)
TGIF_QA = CorpusActions(TgifQa)
MSRVTT_QA = CorpusActions(MsrvttQa)
MSVD_QA = CorpusActions(MsvdQa)
LSMDC_QA = CorpusActions(LsmdcQa)
