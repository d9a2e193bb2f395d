"""YouCook2: steps of recipes, each a described stretch of a cooking video (Zhou et al., AAAI 2018)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from quatrefoil.video_text.datasets.corpus import Clip, CorpusError, SplitName
from quatrefoil.video_text.datasets.readers import read_json, read_table
from quatrefoil.video_text.datasets.split_files import NO_VAL, Files, SplitFiles, text_of, variants
from quatrefoil.video_text.media.stored import Media

_JSON, _CSV = "youcookii_annotations_trainval.json", "validation_youcook.csv"
_SUBSETS: Mapping[SplitName, str] = {"train": "training", "test": "validation"}
_CLIPS = "youcook2-clips"


@dataclass(frozen=True)
class Step:
    """A described stretch of a video, in seconds."""

    video: str
    start_s: float
    end_s: float
    text: str

    @property
    def clip_id(self) -> str:
        """Rows of one stretch are captions of one clip."""
        return f"{self.video}_{self.start_s:g}_{self.end_s:g}"


class YouCook2(SplitFiles[Step]):
    """YouCook2 under `youcook2-clips`: trained on the training videos, tested on the clips of the validation videos.

    The test set of the release has no public captions, so the field tests on its validation set. To validate on, one
    training video of 20 is held out with all of its clips; `-noval` trains on all, `-zeroshot` is the test split alone.

    Files: `youcookii_annotations_trainval.json` of the release; the test clips from `validation_youcook.csv` (start,
    end, text, video_id) where it is there, which is the list of HowTo100M's code (3,350 rows, of which two describe one
    stretch). Whole videos, `videos/<id>.mp4` or `raw_videos/<subset>/<recipe>/<id>.mp4`; clips are stretches of them.
    """

    name = "youcook2"
    video_folders = ("videos", "raw_videos/*/*", "*/*", ".")
    files: ClassVar[Mapping[str, Files]] = {_CLIPS: {"train": (_JSON,), "test": (_CSV, _JSON)}}
    protocols = variants(files)
    # As VLSA counts them (arXiv 2405.07202): of the videos that could still be had.
    published: ClassVar[Mapping[str, Mapping[SplitName, int]]] = {_CLIPS: {"train": 9_586, "test": 3_350}}

    def _read(self, task: str, split: SplitName, path: Path) -> Iterable[Step]:
        return _csv_steps(path) if path.suffix == ".csv" else _json_steps(path, _SUBSETS[split])

    def _text(self, item: Step) -> str:
        return item.text

    def _kept_together(self, item: Step) -> str:
        return item.video

    @cached_property
    def videos(self) -> Mapping[str, Media]:
        """Clip id -> the file of its video."""
        files = super().videos
        return {id: files[step.video] for id, step in self._steps.items() if step.video in files}

    def clip(self, id: str) -> Clip:
        """A clip that is on disk (one of `videos`)."""
        step = self._steps[id]
        return Clip(id, self.videos[id], step.start_s, step.end_s)

    @cached_property
    def _steps(self) -> Mapping[str, Step]:
        return {step.clip_id: step for steps in self.items(_CLIPS + NO_VAL).values() for step in steps}


def _csv_steps(path: Path) -> Iterator[Step]:
    for number, row in enumerate(read_table(path, ("start", "end", "text", "video_id")), start=1):
        yield _step(row["video_id"], (row["start"], row["end"]), row["text"], f"{path}: row {number}")


def _json_steps(path: Path, subset: str) -> Iterator[Step]:
    content = read_json(path)
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict) or not all(isinstance(video, dict) for video in database.values()):
        raise CorpusError(f"{path}: needs a dictionary 'database' of videos at the top, as YouCook2's release has")
    for id, video in database.items():
        if video.get("subset") == subset:
            yield from _video_steps(id, video.get("annotations"), f"{path}: {id}")


def _video_steps(id: str, annotations: Any, where: str) -> Iterator[Step]:
    if not isinstance(annotations, list) or not all(isinstance(step, dict) for step in annotations):
        raise CorpusError(f"{where}: needs a list 'annotations' of segments and sentences")
    for step in annotations:
        yield _step(id, step.get("segment"), text_of(step.get("sentence"), "sentence", where), where)


def _step(video: str, segment: Any, text: str, where: str) -> Step:
    try:
        start_s, end_s = map(float, segment)
    except (TypeError, ValueError):
        start_s = end_s = 0.0
    if not 0 <= start_s < end_s:
        raise CorpusError(f"{where}: a segment is a start and a later end in seconds, not {segment!r}")
    return Step(video, start_s, end_s, text)
