"""Stage as data of a recipe, and as a name on the command line. Made here, read by the ordinary MSR-VTT loader."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.video_text.datasets.check import CheckOptions, CorpusActions
from quatrefoil.video_text.datasets.clips import ClipData, Files
from quatrefoil.video_text.datasets.module import CloverData, CorpusName, VideoTextData, VideoTextModule
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.stage.gallery import gallery
from quatrefoil.video_text.datasets.stage.make import TOKENIZER, find, make
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

PROTOCOL = "msrvtt-1kA"
OWN = "the benchmark's own"
Size = Literal["tiny", "default", "large"]
_BOUNDS_OF = {"text-to-video": "text_to_video/one_caption", "video-to-text": "video_to_text/one_caption"}


@dataclass(frozen=True, kw_only=True)
class StagePlace(ClipData):
    """Where the embedded benchmark lies, and which one it is; it is made where it is not there yet.

    Args:
        size: tiny (seconds), default (minutes) or large (for a GPU).
        made_with_seed: another seed is another benchmark, with other clips.
        root: folder in which benchmarks are kept; None = the cache folder.
    """

    size: Size = "default"
    made_with_seed: int = 0
    root: Path | None = field(default=None, metadata=HOW_NOT_WHAT)  # type: ignore[assignment]
    tokenizer: str = OWN

    @property
    def files(self) -> Files:
        """Makes the benchmark if need be (one process at a time; the others wait)."""
        folder = make(self.size, self.made_with_seed, self.root)
        return Files(folder, str(folder / TOKENIZER))

    def read_for(self, model: Path) -> Self:
        """The same data: Stage has its own tokeniser, and whoever reads it must have that one."""
        return self

    @property
    def stage_name(self) -> str:
        return f"stage-v{STAGE_VERSION}-{self.size}"

    def refuse_changes(self, **fixed: str) -> None:
        """Raise ValueError where something was set that Stage has only one of."""
        fixed |= {"tokenizer": OWN, "missing": "error"}
        if changed := [
            f"data.{name}={getattr(self, name)}" for name, value in fixed.items() if getattr(self, name) != value
        ]:
            raise ValueError(f"Stage has one protocol and its own tokeniser; {', '.join(changed)} cannot be set")


@dataclass(frozen=True, kw_only=True)
class StageData(StagePlace, VideoTextData):
    """The captions of the embedded benchmark."""

    corpus: CorpusName = "msrvtt"
    protocol: str = PROTOCOL

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_changes(corpus="msrvtt", protocol=PROTOCOL)

    def build(self, seed: int) -> "StageModule":
        return StageModule(self, seed, self.files)


@dataclass(frozen=True, kw_only=True)
class CloverStageData(StageData, CloverData):
    """Stage, of which meaning is masked."""


class StageModule(VideoTextModule):
    """MSR-VTT's loader over Stage's files; only what is said about the data knows whose they are."""

    config: StageData

    def describe(self) -> Mapping[str, Any]:
        """As ever, and `reference`: split -> metric -> best score in percent for each set of modalities, and chance."""
        bounds = read_bounds(self.files.root)
        reference = {f"{ours}/{k}": v for ours, theirs in _BOUNDS_OF.items() for k, v in bounds[theirs].items()}
        return {**super().describe(), **stage_facts(self.config.stage_name, "one-caption", reference)}

    def kinds(self, split: str) -> Mapping[int, str]:
        """What the twins of each test clip differ in, by the clip's place; clips of other splits have no twins."""
        if split != "test":
            return {}
        with (self.files.root / "facts.jsonl").open(encoding="utf-8") as lines:
            twins = {clip["video_id"]: clip["twin"] for clip in map(json.loads, lines) if clip["split"] == "test"}
        return {place: twins[clip.id] for place, clip in enumerate(self.split("test").clips)}


def stage_facts(name: str, protocol: str, reference: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """What is said of the data: whose they are, and the best scores on the test split, given as shares."""
    test = {metric: {reader: 100 * share for reader, share in best.items()} for metric, best in reference.items()}
    return {"name": name, "protocol": f"{name}-{protocol}", "embedded": True, "reference": {"test": test}}


def read_bounds(folder: Path) -> Mapping[str, Any]:
    """The bounds that are stored with the benchmark: task -> metric -> what a reader may use -> share."""
    found: Mapping[str, Any] = json.loads((folder / "bounds.json").read_text())
    return found


@dataclass(frozen=True, kw_only=True)
class MakeOptions:
    """Options of `data make stage`."""

    size: Size = "default"
    seed: int = 0
    root: Path | None = None


@dataclass(frozen=True, kw_only=True)
class GalleryOptions(MakeOptions):
    """Options of `data gallery stage`."""

    out: Path = Path("stage.png")
    clips: int = 12
    split: Literal["train", "validate", "test"] = "test"


@dataclass(frozen=True, kw_only=True)
class StageCheckOptions(MakeOptions):
    """Options of `data check stage`."""

    deep: bool = False
    json: bool = False


class StageActions(CorpusActions):
    """What `quatrefoil data` can do with Stage."""

    def __init__(self) -> None:
        super().__init__(MsrVtt)

    def check(self, options: StageCheckOptions) -> int:  # type: ignore[override]  # Stage is found by size, not by folder
        """Check the benchmark as the real corpus is checked whose files it has; one that is not there is not made."""
        root = find(options.size, options.seed, options.root)
        return super().check(CheckOptions(root=root, deep=options.deep, json=options.json))

    def make(self, options: MakeOptions) -> int:
        """Make the benchmark, and print its folder."""
        print(make(options.size, options.seed, options.root))
        return 0

    def gallery(self, options: GalleryOptions) -> int:
        """Draw a contact sheet of samples, with captions, tags and spectrograms."""
        folder = make(options.size, options.seed, options.root)
        print(gallery(folder, options.out, options.clips, options.split))
        return 0


STAGE = StageActions()
