"""Samples of clips and captions for training and evaluation, made from a corpus on disk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

from quatrefoil.core.data import SampleSet
from quatrefoil.core.files import cache_home
from quatrefoil.video_text.datasets.arrow import ArrowFolder
from quatrefoil.video_text.datasets.audio_captions import AudioCaps, SoundDescs
from quatrefoil.video_text.datasets.clips import ClipData, ClipModule, Files, TestedOtherwise, combined
from quatrefoil.video_text.datasets.clover_pickles import MsrVttClover
from quatrefoil.video_text.datasets.corpus import Corpus, Split, SplitName
from quatrefoil.video_text.datasets.didemo import DiDeMo
from quatrefoil.video_text.datasets.fields import (
    FIELDS,
    FRAMES,
    TAGS,
    TEXT,
    ChooseTokens,
    Maker,
    TagsMaker,
    TextMaker,
    WholeWords,
    check_fields,
    tag_forms,
)
from quatrefoil.video_text.datasets.fsdd import Fsdd
from quatrefoil.video_text.datasets.lsmdc import Lsmdc
from quatrefoil.video_text.datasets.manifests import Cc3m, WebVid
from quatrefoil.video_text.datasets.masks import VIDEO_MASK, Masks
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.msvd import Msvd
from quatrefoil.video_text.datasets.samples import ClipSamples, Items, Unit
from quatrefoil.video_text.datasets.tars import Tars
from quatrefoil.video_text.datasets.text_lengths import ReadTexts
from quatrefoil.video_text.datasets.triples import Triples
from quatrefoil.video_text.datasets.youcook2 import YouCook2
from quatrefoil.video_text.tags.selection import TagSelection
from quatrefoil.video_text.tags.store import TAG_FOLDER, TagStore, tags_fingerprint

CorpusName = Literal[
    "msrvtt",
    "msvd",
    "msrvtt-clover",
    "didemo",
    "lsmdc",
    "webvid",
    "cc3m",
    "tars",
    "arrow",
    "audiocaps",
    "sounddescs",
    "youcook2",
    "triples",
    "fsdd",
]
CORPORA: Mapping[CorpusName, type[Corpus]] = {
    "msrvtt": MsrVtt,
    "msvd": Msvd,
    "msrvtt-clover": MsrVttClover,
    "didemo": DiDeMo,
    "lsmdc": Lsmdc,
    "webvid": WebVid,
    "cc3m": Cc3m,
    "tars": Tars,
    "arrow": ArrowFolder,
    "audiocaps": AudioCaps,
    "sounddescs": SoundDescs,
    "youcook2": YouCook2,
    "triples": Triples,
    "fsdd": Fsdd,
}


@dataclass(frozen=True, kw_only=True)
class VideoTextData(ClipData):
    """Clips with captions.

    Args:
        corpus: whose files are read, and as in `ClipData`.
        unit: what training walks over: each `caption` with its clip, or each `clip` with one caption drawn per epoch.
        tag_length, tag_sentence_length: most tokens of a tag, and of all tags of a clip as one sentence (for models
            that read them so), special ones included.
        tags: which tags; they are read from the folder tags/ of root.
        tag_dropout, expert_dropout: shares of tags and experts left out in training.
        mask_rate: share of words that are masked.
    """

    corpus: CorpusName
    unit: Unit = "caption"
    tag_length: int = 8
    tag_sentence_length: int = 77
    tags: TagSelection = field(default_factory=TagSelection)
    tag_dropout: float = 0.0
    expert_dropout: float = 0.0
    mask_rate: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.tag_dropout < 1 or not 0 <= self.expert_dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1): tags {self.tag_dropout}, experts {self.expert_dropout}")
        if not 0 < self.mask_rate <= 1:
            raise ValueError(f"mask_rate must lie in (0, 1], got {self.mask_rate}")

    @property
    def _tag_lengths(self) -> tuple[int, int]:
        return self.tag_length, self.tag_sentence_length

    @property
    def semantic(self) -> Masks | None:
        """What is masked because it carries meaning; None = any words, and nothing of the video."""
        return None

    @property
    def fields(self) -> Sequence[str]:
        """The fields that can be asked for; `id` and `group` always come."""
        return FIELDS if self.semantic is None else FIELDS + VIDEO_MASK

    def build(self, seed: int) -> "VideoTextModule":
        """Opens the corpus. Raises CorpusError where it is not what the protocol needs."""
        return VideoTextModule(self, seed, self.files)


@dataclass(frozen=True, kw_only=True)
class CloverData(TestedOtherwise, VideoTextData):
    """Clips with captions of which meaning is masked: words that carry it (a share `mask_rate`), blocks of the video.

    Args:
        masks: what may be masked.
    """

    masks: Masks

    @property
    def semantic(self) -> Masks:
        return self.masks


class VideoTextModule(ClipModule[VideoTextData]):
    """The clips and captions of a `VideoTextData`."""

    def __init__(self, config: VideoTextData, seed: int, files: Files) -> None:
        super().__init__(config, CORPORA[config.corpus](files.root, config.missing), seed, files)

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
        check_fields(wanted, self.config.fields)
        split = self.split(name)
        items = Items(split.clips, split.texts, unit, split.class_C)
        if not training and unit == "clip" and wanted & set(TEXT) and split.texts.most_of_a_clip > 1:
            raise ValueError(f"clips of {name!r} have several captions: ask for text with unit='caption'")
        return ClipSamples(split.clips, items, self._makers(wanted, split, training), wanted, self.seed, training)

    def _makers(self, wanted: frozenset[str], split: Split, training: bool) -> list[Maker]:
        config, makers = self.config, list[Maker]()
        if wanted & set(FRAMES):
            makers.append(self.frames_maker(training))
        if wanted & set(TEXT):
            masked = bool(wanted & {"text_masked_ids", "text_labels"})
            choose = self._choose(split) if masked else None
            makers.append(TextMaker(self.tokenizer, self.reading(training).text_length, choose))
        if config.semantic is not None and wanted & set(VIDEO_MASK):
            makers.append(config.semantic.cells)
        if wanted & set(TAGS):
            forms = tag_forms(wanted, self.tokenizer, config.preprocessing)
            makers.append(TagsMaker(self._tags, forms, config.tag_dropout, config.expert_dropout))
        return makers

    def _choose(self, split: Split) -> ChooseTokens:
        """How masked words are chosen; what carries meaning is found once for a split, and kept in the cache."""
        masks, rate = self.config.semantic, self.config.mask_rate
        if masks is None:
            return WholeWords(rate)
        folder = cache_home() / "parts-of-speech" / split.fingerprint[:16]
        return masks.semantic_words(split.texts.texts, rate, folder)

    @cached_property
    def _tags(self) -> TagStore:
        return TagStore(self.files.root / TAG_FOLDER, self.config.tags)

    def _texts(self, name: SplitName) -> ReadTexts:
        split = self.split(name)
        return ReadTexts(split.texts.texts, split.fingerprint)

    def _summary(self, split: Split) -> dict[str, Any]:
        """Tags are part of the data."""
        counts = {"clips": len(split.clips), "captions": len(split.captions), "dropped": len(split.dropped)}
        tags = tags_fingerprint(self.files.root / TAG_FOLDER)
        return {**counts, "fingerprint": combined([split.fingerprint, tags])}
