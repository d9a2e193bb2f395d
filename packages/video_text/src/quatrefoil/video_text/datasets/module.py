"""Samples of clips and captions for training and evaluation, made from a corpus on disk."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, cast

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.data import SampleSet
from quatrefoil.core.files import cache_home
from quatrefoil.core.hub import locate
from quatrefoil.video_text.datasets.clover_pickles import MsrVttClover
from quatrefoil.video_text.datasets.corpus import Corpus, Missing, Split, SplitName
from quatrefoil.video_text.datasets.didemo import DiDeMo
from quatrefoil.video_text.datasets.fields import (
    FIELDS,
    FRAMES,
    TAGS,
    TEXT,
    FramesMaker,
    Maker,
    TagsMaker,
    TextMaker,
    check_fields,
    fill_of,
    tag_forms,
)
from quatrefoil.video_text.datasets.frames import FileFrames, FrameSource, build_cache
from quatrefoil.video_text.datasets.lsmdc import Lsmdc
from quatrefoil.video_text.datasets.manifests import Cc3m, WebVid
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.msvd import Msvd
from quatrefoil.video_text.datasets.samples import ClipSamples, Unit, items_of
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.preprocessing import Preprocessing
from quatrefoil.video_text.tags.selection import TagSelection
from quatrefoil.video_text.tags.store import TAG_FOLDER, TagStore, tags_fingerprint
from quatrefoil.video_text.text.tokenizer import TextTokenizer

TRAIN = "train:"
CorpusName = Literal["msrvtt", "msvd", "msrvtt-clover", "didemo", "lsmdc", "webvid", "cc3m"]
CORPORA: Mapping[CorpusName, type[Corpus]] = {
    "msrvtt": MsrVtt,
    "msvd": Msvd,
    "msrvtt-clover": MsrVttClover,
    "didemo": DiDeMo,
    "lsmdc": Lsmdc,
    "webvid": WebVid,
    "cc3m": Cc3m,
}


@dataclass(frozen=True, kw_only=True)
class VideoTextData:
    """Clips with captions.

    Args:
        corpus, root, protocol, missing: what is read, from where, see `Corpus`.
        tokenizer: path or hub id of a tokenizer.json, or `train:SIZE` to train one on the training captions.
        frames, transform: which frames, and what becomes of them.
        unit: what training walks over: each `caption` with its clip, or each `clip` with one caption drawn per epoch.
        text_length, tag_length, tag_sentence_length: most tokens of a caption, of a tag, and of all tags of a clip as
            one sentence (for models that read them so), special ones included.
        tags: which tags; they are read from the folder tags/ of root.
        tag_dropout, expert_dropout: shares of tags and experts left out in training.
        mask_rate: share of words that are masked.
        cache_frames: decode every clip once into the cache (see `build_cache`), in `cache_workers` processes.
    """

    corpus: CorpusName
    root: Path = field(metadata=HOW_NOT_WHAT)
    protocol: str
    tokenizer: str
    frames: FrameSampling
    transform: FrameTransform
    missing: Missing = "error"
    unit: Unit = "caption"
    text_length: int = 32
    tag_length: int = 8
    tag_sentence_length: int = 77
    tags: TagSelection = field(default_factory=TagSelection)
    tag_dropout: float = 0.0
    expert_dropout: float = 0.0
    mask_rate: float = 0.15
    cache_frames: bool = field(default=False, metadata=HOW_NOT_WHAT)
    cache_workers: int = field(default=1, metadata=HOW_NOT_WHAT)

    def __post_init__(self) -> None:
        if not 0 <= self.tag_dropout < 1 or not 0 <= self.expert_dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1): tags {self.tag_dropout}, experts {self.expert_dropout}")
        if not 0 < self.mask_rate <= 1:
            raise ValueError(f"mask_rate must lie in (0, 1], got {self.mask_rate}")

    @property
    def preprocessing(self) -> Preprocessing:
        lengths = self.text_length, self.tag_length, self.tag_sentence_length
        return Preprocessing(self.frames, self.transform, *lengths)

    @property
    def fields(self) -> Sequence[str]:
        """The fields that can be asked for; `id` and `group` always come."""
        return FIELDS

    def build(self, seed: int) -> "VideoTextModule":
        """Opens the corpus. Raises CorpusError where it is not what the protocol needs."""
        return VideoTextModule(self, seed)


class VideoTextModule:
    """The corpus of a `VideoTextData`, opened, with its tokeniser; everything else is opened when a field needs it."""

    def __init__(self, config: VideoTextData, seed: int) -> None:
        self.config, self.seed = config, seed
        self.corpus = CORPORA[config.corpus](config.root, config.missing)
        self._definition = self._tokenizer_file().read_text("utf-8")
        self.tokenizer = TextTokenizer(self._definition)

    def _tokenizer_file(self) -> Path:
        source = self.config.tokenizer
        if source.startswith(TRAIN):
            return self._trained_tokenizer(int(source.removeprefix(TRAIN)))
        return Path(source) if Path(source).is_file() else locate(source, "tokenizer.json")

    def _trained_tokenizer(self, size: int) -> Path:
        train = self.split("train")
        path = cache_home() / "tokenizers" / f"{train.fingerprint[:16]}-{size}.json"
        if not path.is_file():
            TextTokenizer.train([caption.text for caption in train.captions], size, path)
        return path

    @cache  # noqa: B019 - the module lives as long as the run
    def split(self, name: SplitName) -> Split:
        """One split of the protocol; CorpusError where there is none."""
        return self.corpus.split(self.config.protocol, name)

    @property
    def splits(self) -> Sequence[SplitName]:
        """The splits other than train of which at least one clip is on disk."""
        return [split.name for split in self._present() if split.name != "train"]

    @property
    def fill(self) -> Mapping[str, float | int | bool]:
        """Padding of the fields in which samples can differ in length."""
        return fill_of(self.tokenizer)

    def train(self, fields: Iterable[str]) -> SampleSet:
        """The training samples, with the named fields."""
        return self._samples("train", self.config.unit, frozenset(fields), training=True)

    def items(self, split: str, unit: str, fields: Iterable[str]) -> SampleSet:
        """All clips or all captions of a split for evaluation, in order: no augmentation, no dropout, fixed frames.

        Raises:
            ValueError: text is asked for per clip, and a clip has several captions.
        """
        return self._samples(cast(SplitName, split), cast(Unit, unit), frozenset(fields), training=False)

    def _samples(self, name: SplitName, unit: Unit, wanted: frozenset[str], training: bool) -> SampleSet:
        check_fields(wanted)
        split = self.split(name)
        items = items_of(split, unit)
        if not training and wanted & set(TEXT) and any(len(item.captions) > 1 for item in items):
            raise ValueError(f"clips of {name!r} have several captions: ask for text with unit='caption'")
        return ClipSamples(split.clips, items, self._makers(wanted), wanted, self.seed, training)

    def _makers(self, wanted: frozenset[str]) -> list[Maker]:
        config, makers = self.config, list[Maker]()
        if wanted & set(FRAMES):
            makers.append(FramesMaker(self._frames, config.transform))
        if wanted & set(TEXT):
            masked = bool(wanted & {"text_masked_ids", "text_labels"})
            makers.append(TextMaker(self.tokenizer, config.text_length, config.mask_rate, masked))
        if wanted & set(TAGS):
            forms = tag_forms(wanted, self.tokenizer, config.preprocessing)
            makers.append(TagsMaker(self._tags, forms, config.tag_dropout, config.expert_dropout))
        return makers

    @cached_property
    def _frames(self) -> FrameSource:
        if self.config.cache_frames:
            return build_cache(self._present(), self.config.frames, self.config.cache_workers)
        return FileFrames(self.config.frames)

    @cached_property
    def _tags(self) -> TagStore:
        return TagStore(self.config.root / TAG_FOLDER, self.config.tags)

    def _present(self) -> list[Split]:
        """The splits of which at least one clip is on disk."""
        listing, videos = self.corpus.listing(self.config.protocol), self.corpus.videos
        return [self.split(name) for name, entries in listing.items() if any(entry.id in videos for entry in entries)]

    def describe(self) -> Mapping[str, Any]:
        """Name, protocol, fingerprint over all splits, and for every split what it holds; tags are part of the data."""
        tags = tags_fingerprint(self.config.root / TAG_FOLDER)
        splits = {split.name: _summary(split, tags) for split in self._present()}
        fingerprint = _combined(*(split["fingerprint"] for split in splits.values()))
        protocol = self._present()[0].protocol
        return {"name": self.corpus.name, "protocol": protocol, "fingerprint": fingerprint, "splits": splits}

    def assets(self) -> Mapping[str, str]:
        """What a model needs to take files and sentences: the tokeniser, and how inputs are made."""
        return {"tokenizer.json": self._definition, "preprocessing.json": self.config.preprocessing.to_json()}


def _summary(split: Split, tags: str) -> dict[str, Any]:
    counts = {"clips": len(split.clips), "captions": len(split.captions), "dropped": len(split.dropped)}
    return {**counts, "fingerprint": _combined(split.fingerprint, tags)}


def _combined(*fingerprints: str) -> str:
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()
