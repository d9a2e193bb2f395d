"""What all data of clips have in common, whatever is said or asked about the clips."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.files import cache_home
from quatrefoil.core.hub import locate
from quatrefoil.video_text.datasets.corpus import Corpus, CorpusError, Missing, Split, SplitName
from quatrefoil.video_text.datasets.fields import FramesMaker, fill_of
from quatrefoil.video_text.datasets.frames import FileFrames, FrameSource, build_cache
from quatrefoil.video_text.datasets.text_lengths import ReadTexts, say_too_long
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.preprocessing import Preprocessing
from quatrefoil.video_text.text.tokenizer import TextTokenizer

TRAIN = "train:"


@dataclass(frozen=True)
class Reading:
    """How much of a clip and of a text is read.

    Args:
        frames: which frames.
        text_length: most tokens of a text, special ones included.
        clips: the frames are cut into so many clips in a row, which a model encodes one by one.

    Raises:
        ValueError: frames that cannot be cut so.
    """

    frames: FrameSampling
    text_length: int
    clips: int = 1

    def __post_init__(self) -> None:
        if self.clips < 1 or self.frames.frames % self.clips:
            raise ValueError(f"{self.frames.frames} frames cannot be cut into {self.clips} clips of equal length")


class Files(NamedTuple):
    """Where the corpus lies, and its tokeniser: a path, a hub id, or `train:SIZE`."""

    root: Path
    tokenizer: str


@dataclass(frozen=True, kw_only=True)
class ClipData:
    """Clips of a corpus.

    Args:
        root, protocol, missing: what is read, from where, see `Corpus`.
        tokenizer: path or hub id of a tokenizer.json, or `train:SIZE` to train one on the training texts.
        frames, transform: which frames, and what becomes of them.
        text_length: most tokens of a text, special ones included.
        cache_frames: decode every clip once into the cache (see `build_cache`), in `cache_workers` processes.
    """

    root: Path = field(metadata=HOW_NOT_WHAT)
    protocol: str
    tokenizer: str
    frames: FrameSampling
    transform: FrameTransform
    missing: Missing = "error"
    text_length: int = 32
    cache_frames: bool = field(default=False, metadata=HOW_NOT_WHAT)
    cache_workers: int = field(default=1, metadata=HOW_NOT_WHAT)

    @property
    def files(self) -> Files:
        return Files(self.root, self.tokenizer)

    def read_for(self, model: Path) -> Self:
        """The same data in the tokens of the model that is saved in folder `model`."""
        return replace(self, tokenizer=str(model / "tokenizer.json"))

    @property
    def read_in_training(self) -> Reading:
        return Reading(self.frames, self.text_length)

    @property
    def read_in_tests(self) -> Reading:
        return self.read_in_training

    @property
    def preprocessing(self) -> Preprocessing:
        """How a trained model reads files and sentences: as in tests."""
        given = self.read_in_tests
        return Preprocessing(given.frames, self.transform, given.text_length, *self._tag_lengths)

    @property
    def _tag_lengths(self) -> tuple[int, int]:
        """Most tokens of a tag, and of all tags as one sentence: 0 where there are no tags."""
        return 0, 0


@dataclass(frozen=True, kw_only=True)
class TestedOtherwise(ClipData):
    """Data of which tests may read another amount than training does.

    Args:
        tested: what tests read; None = as in training.
    """

    __test__ = False

    tested: Reading | None = None

    @property
    def read_in_tests(self) -> Reading:
        return self.read_in_training if self.tested is None else self.tested


Config = TypeVar("Config", bound=ClipData)


class ClipModule(Generic[Config]):
    """The corpus of a `ClipData`, opened, with its tokeniser; everything else is opened when a field needs it."""

    leaves_out_wordless: ClassVar[bool] = False
    """Whether its models leave clips of which nothing is said out of the terms of text."""

    def __init__(self, config: Config, corpus: Corpus, seed: int, files: Files) -> None:
        self.config, self.corpus, self.seed, self.files = config, corpus, seed, files
        self._definition = self._tokenizer_file().read_text("utf-8")
        self.tokenizer = TextTokenizer(self._definition)

    def _tokenizer_file(self) -> Path:
        source = self.files.tokenizer
        if source.startswith(TRAIN):
            return self._trained_tokenizer(int(source.removeprefix(TRAIN)))
        return Path(source) if Path(source).is_file() else locate(source, "tokenizer.json")

    def _trained_tokenizer(self, size: int) -> Path:
        train = self.split("train")
        path = cache_home() / "tokenizers" / f"{train.fingerprint[:16]}-{size}.json"
        if not path.is_file():
            TextTokenizer.train(train.texts.texts, size, path)
        return path

    @cache  # noqa: B019 - the module lives as long as the run
    def split(self, name: SplitName) -> Split:
        """One split of the protocol; CorpusError where there is none, or empty texts would be learned from."""
        split = self.corpus.split(self.config.protocol, name)
        if split.wordless and not self.leaves_out_wordless:
            raise CorpusError(
                f"{self.corpus.name}, {name}: {split.wordless} texts are empty, and this model is told of every clip "
                f"what is said of it. Leave these rows out, or use data of clips with sound (VLSA)"
            )
        return split

    @property
    def splits(self) -> Sequence[SplitName]:
        """The splits other than train of which at least one clip is on disk."""
        return [split.name for split in self._present() if split.name != "train"]

    @property
    def fill(self) -> Mapping[str, float | int | bool]:
        """Padding of the fields in which samples can differ in length."""
        return fill_of(self.tokenizer)

    def reading(self, training: bool) -> Reading:
        """How much of a clip and of a text is read."""
        return self.config.read_in_training if training else self.config.read_in_tests

    def frames_maker(self, training: bool) -> FramesMaker:
        given = self.reading(training)
        return FramesMaker(self._frames(given.frames), self.config.transform, given.clips)

    @cache  # noqa: B019 - as `split`
    def _frames(self, sampling: FrameSampling) -> FrameSource:
        if self.config.cache_frames:
            return build_cache(self._present(), sampling, self.config.cache_workers)
        return FileFrames(sampling)

    def _present(self) -> list[Split]:
        """The splits of which at least one clip is on disk."""
        return [self.split(name) for name in self.corpus.present(self.config.protocol)]

    def describe(self) -> Mapping[str, Any]:
        """Name, protocol, fingerprint over all splits, and for every split what it holds.

        `too_long` counts the texts of more tokens than are read; where there are any, that is printed, too.
        """
        splits = {
            split.name: {**self._summary(split), "too_long": self._too_long(split.name)} for split in self._present()
        }
        fingerprint = combined(split["fingerprint"] for split in splits.values())
        protocol = self._present()[0].protocol
        return {"name": self.corpus.name, "protocol": protocol, "fingerprint": fingerprint, "splits": splits}

    @cache  # noqa: B019 - as `split`
    def _too_long(self, name: SplitName) -> int:
        """How many texts of a split have more tokens than are read; printed where there are any."""
        texts, limit = self._texts(name), self.reading(training=name == "train").text_length
        count = texts.longer_than(limit, self.tokenizer)
        say_too_long(f"{self.corpus.name} {name}", texts, limit, count)
        return count

    @abstractmethod
    def _texts(self, name: SplitName) -> ReadTexts:
        """What is read of a split."""

    @abstractmethod
    def _summary(self, split: Split) -> dict[str, Any]:
        """What a split holds, in numbers, and the `fingerprint` of what decides a score on it."""

    def assets(self) -> Mapping[str, str]:
        """What a model needs to take files and sentences: the tokeniser, and how inputs are made."""
        return {"tokenizer.json": self._definition, "preprocessing.json": self.config.preprocessing.to_json()}


def combined(fingerprints: Iterable[str]) -> str:
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()
