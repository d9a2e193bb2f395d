"""Samples of clips with their sound and captions, made from a corpus on disk: VLSA's data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, cast

import torch
from torch import Tensor

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.data import Sample, SampleKey, SampleSet
from quatrefoil.core.distributed import rank
from quatrefoil.video_text.datasets.corpus import CorpusError, Split, SplitName
from quatrefoil.video_text.datasets.fields import FRAMES, TEXT, ChooseTokens, Maker
from quatrefoil.video_text.datasets.module import VideoTextData, VideoTextModule
from quatrefoil.video_text.datasets.sound_fields import (
    AUDIO_VISIBLE,
    SOUND,
    SOUND_FIELDS,
    VIDEO_VISIBLE,
    Hearing,
    SingleTokens,
    SoundMaker,
    VisibleMaker,
    WindowFrames,
    Windows,
)
from quatrefoil.video_text.datasets.sounds import FileSounds, SoundSource, build_sound_cache
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from quatrefoil.video_text.text.tokenizer import START_AND_END

SOUNDING = "sounding-"


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """What is hidden from the encoder; the defaults are VLSA's (arXiv 2405.07202, section 4).

    Args:
        patch_size: side of a patch of frames and of pictures of sound, the model's.
        video: share of the patches of each frame.
        audio: share of the patches of a picture of sound.

    Raises:
        ValueError: a share outside (0, 1).
    """

    patch_size: int = 16
    video: float = 0.75
    audio: float = 0.75

    def __post_init__(self) -> None:
        if not (0 < self.video < 1 and 0 < self.audio < 1):
            raise ValueError(f"shares that are hidden lie between 0 and 1: video {self.video}, audio {self.audio}")

    def patches(self, height: int, width: int) -> int:
        """Of a picture. Raises ValueError where they do not fill it."""
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(f"data.hiding.patch_size={self.patch_size} does not divide {height} x {width}")
        return (height // self.patch_size) * (width // self.patch_size)


@dataclass(frozen=True, kw_only=True)
class SoundData(VideoTextData):
    """Clips with captions and sound. Media may lack a sound stream (`sound_mask` is False then), not the frames where
    these are asked for.

    Args:
        sound: how sound is pictured; `sound.seconds` is the length of a window.
        windows: pictures of sound in a test, evenly spaced over the clip; a clip no longer than one has one.
        cut: training draws one window anywhere in the clip and takes frames and sound from it, in step; False = frames
            of the whole clip, and the sound with which it begins (for clips that are one window long).
        cache_sound: decode the sound of every clip once into the cache (see `build_sound_cache`), in `cache_workers`.
        hiding: what is hidden of frames and sound; of texts `mask_rate`.

    Raises:
        ValueError: frames that are cut out of clips cannot come from a cache; texts that are cut to no word would all
            be taken for empty ones.
    """

    sound: SpectrogramConfig = field(default_factory=SpectrogramConfig)
    windows: int = 5
    cut: bool = True
    cache_sound: bool = field(default=False, metadata=HOW_NOT_WHAT)
    hiding: Hiding = field(default_factory=Hiding)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cut and self.cache_frames:
            raise ValueError("frames of a window that is drawn are not in a cache: set data.cut=false, or no cache")
        if self.text_length <= START_AND_END:
            raise ValueError(
                f"data.text_length={self.text_length} has no room for a word between start and end: set at least "
                f"{START_AND_END + 1}"
            )

    @property
    def hearing(self) -> Hearing:
        """How a trained model hears."""
        windows = Windows(self.sound.seconds, self.windows, self.cut)
        return Hearing(windows, self.sound, self.hiding.patch_size)

    @property
    def fields(self) -> Sequence[str]:
        """The fields that can be asked for; `id` and `group` always come."""
        return (*super().fields, *SOUND_FIELDS)

    def build(self, seed: int) -> "SoundModule":
        """Opens the corpus. Raises CorpusError where it is not what the protocol needs."""
        return SoundModule(self, seed, self.files)


@dataclass(frozen=True)
class Chosen:
    """Some samples of a set, by their numbers (K,)."""

    samples: SampleSet
    rows_K: Tensor

    @property
    def groups_N(self) -> Tensor:
        return self.samples.groups_N[self.rows_K]

    def __len__(self) -> int:
        return len(self.rows_K)

    def __getitem__(self, key: SampleKey) -> Sample:
        return self.samples[SampleKey(key.epoch, int(self.rows_K[key.index]))]


class SoundModule(VideoTextModule):
    """The clips, captions and sounds of a `SoundData`."""

    config: SoundData
    leaves_out_wordless = True

    def train(self, fields: Iterable[str]) -> SampleSet:
        """As ever; where texts are empty, how many is printed, once for all ranks."""
        split = self.split("train")
        if split.wordless and rank() == 0:
            texts = f"{split.wordless:,} of {len(split.captions):,} texts"
            print(f"{self.corpus.name} train: {texts} are empty; their samples have no part in the terms of text")
        return super().train(fields)

    def items(self, split: str, unit: str, fields: Iterable[str]) -> SampleSet:
        """As ever; of `sounding-clip` and `sounding-caption` those of clips in which something is heard, and no others.

        How many clips are left out is printed, once for all ranks.

        Raises:
            CorpusError: texts are asked for, and some are empty: what is not said finds no clip.
        """
        wanted, name = frozenset(fields), cast(SplitName, split)
        if wanted & set(TEXT) and (wordless := self.split(name).wordless):
            raise CorpusError(
                f"{self.corpus.name}, {split}: {wordless} texts are empty, and retrieval by text cannot be scored "
                f"there. Score another split, what asks for no text, or a manifest without these rows"
            )
        items = super().items(split, unit.removeprefix(SOUNDING), wanted)
        if not unit.startswith(SOUNDING):
            return items
        return Chosen(items, self._heard(name)[self._clip_N(name, unit)].nonzero()[:, 0])

    def to_look_at(self, split: str, fields: Iterable[str]) -> SampleSet:
        """Every caption with its clip as in tests, where nothing is scored: empty texts are among them."""
        return super().items(split, "caption", fields)

    def _clip_N(self, name: SplitName, unit: str) -> Tensor:
        """The clip of each item; its group may be a class of clips."""
        split = self.split(name)
        captions = unit.endswith("caption")
        return torch.from_numpy(split.texts.clip_N) if captions else torch.arange(len(split.clips))

    @cache  # noqa: B019 - the module lives as long as the run, and sound is read once
    def _heard(self, name: SplitName) -> Tensor:
        """Bool (C,): in which clips of a split there is sound. Raises MediaError."""
        maker = SoundMaker(self._sounds, self.config.hearing.windows, self.config.sound)
        clips = self.split(name).clips
        heard_C = torch.tensor([bool(maker.in_tests(clip)["sound_mask"].any()) for clip in clips])
        silent = int((~heard_C).sum())
        if rank() == 0:
            print(f"{name}: {silent} of {len(clips)} clips have no sound and are left out where it is asked for")
        return heard_C

    def _makers(self, wanted: frozenset[str], split: Split, training: bool) -> list[Maker]:
        windows = self.config.hearing.windows
        makers = super()._makers(wanted - set(FRAMES), split, training)
        if wanted & set(FRAMES):
            makers.append(WindowFrames(self.frames_maker(training), windows))
        if wanted & set(SOUND):
            makers.append(SoundMaker(self._sounds, windows, self.config.sound))
        return makers + [maker for maker in self._hiders(training) if maker.field in wanted]

    @cached_property
    def _sounds(self) -> SoundSource:
        config = self.config
        if config.cache_sound:
            return build_sound_cache(self._present(), config.sound.rate, config.cache_workers)
        return FileSounds()

    def _hiders(self, training: bool) -> list[VisibleMaker]:
        hiding, side, sound = self.config.hiding, self.config.transform.size, self.config.sound
        frames, per_frame = self.reading(training).frames.frames, hiding.patches(side, side)
        return [
            VisibleMaker(VIDEO_VISIBLE, frames, per_frame, hiding.video),
            VisibleMaker(AUDIO_VISIBLE, 1, hiding.patches(sound.rows, sound.columns), hiding.audio),
        ]

    def _summary(self, split: Split) -> dict[str, Any]:
        """As ever, and how many texts are empty, where any are."""
        return super()._summary(split) | ({"wordless": split.wordless} if split.wordless else {})

    def assets(self) -> Mapping[str, str]:
        """As ever, and how sound is heard."""
        return {**super().assets(), Hearing.ASSET: self.config.hearing.to_json()}

    def _choose(self, split: Split) -> ChooseTokens:
        return SingleTokens(self.config.mask_rate)
