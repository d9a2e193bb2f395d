"""What a run got wrong, to look at and to listen to: clips, and those that were found in their place.

They lie in a folder beside the page, with all that the page says of them in one file.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.report.sidecar import check_beside, read_told, write_told
from quatrefoil.core.evaluation.breakdown import TellsKinds
from quatrefoil.core.files import whole_folder
from quatrefoil.core.measuring.jobs import RunFailed
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.runs.stored import stored_recipe
from quatrefoil.video_text.datasets.clips import ClipModule
from quatrefoil.video_text.media.stored import place_of
from quatrefoil.video_text.media.video import open_video

DIRECTION, SPLIT = "text-to-video", "test"
TOLD = "confusions.json"
MOST, FRAMES = 8, 8


@dataclass(frozen=True)
class Clip:
    """A clip with the file that plays it, a picture of its frames, and what is said of it."""

    id: str
    film: str
    strip: str
    caption: str


@dataclass(frozen=True)
class Confusion:
    """A caption's clip, its rank, and the clip that was found in its place; what its twins differ in, if it has any."""

    rank: int
    kind: str | None
    asked: Clip
    found: Clip


@dataclass(frozen=True)
class Confusions:
    """Some of what a run got wrong.

    Attributes:
        dataset: which data they are of.
        wrong, queries: how many queries did not find their clip first, of how many.
    """

    model: str
    dataset: str
    command: str
    wrong: int
    queries: int
    shown: list[Confusion]


def tells_confusions(run: Path) -> bool:
    """Whether a run lies there, and told what it found in the place of each clip."""
    folder = RunFolder(run)
    return folder.finished and DIRECTION in folder.facts()["scores"].get(SPLIT, {}).get("rivals", {})


def draw_confusions(model: str, run: Path, out: Path, most: int = MOST) -> None:
    """Bring the clips of some wrong queries, evenly spread over all of them, into the folder `out`.

    Raises:
        RunFailed: the run does not tell what it found (it was made before that was stored), or is of other data.
    """
    facts = RunFolder(run).facts()
    data = stored_recipe(facts).data.build(facts["seed"])
    scores = facts["scores"].get(SPLIT, {})
    if DIRECTION not in scores.get("rivals", {}) or not isinstance(data, ClipModule):
        raise RunFailed(f"{run} does not tell what {DIRECTION} found on {SPLIT}; remove it and run again")
    ranks, rivals = scores["ranks"][DIRECTION], scores["rivals"][DIRECTION]
    wrong = [query for query, rank in enumerate(ranks) if rank > 1]
    kinds = data.kinds(SPLIT) if isinstance(data, TellsKinds) else {}
    shutil.rmtree(out, ignore_errors=True)  # clips of an earlier run
    with whole_folder(out) as folder:
        shown = []
        for query in spread(wrong, most):
            place = int(data.split(SPLIT).texts.clip_N[query])
            asked, found = (_brought(data, clip, folder, out.name) for clip in (place, rivals[query]))
            shown.append(Confusion(ranks[query], kinds.get(place), asked, found))
        told = Confusions(model, facts["data"]["name"], facts["command"], len(wrong), len(ranks), shown)
        write_told(folder / TOLD, told)


def spread(items: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spread."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def _brought(data: ClipModule, place: int, folder: Path, name: str) -> Clip:  # type: ignore[type-arg]  # of any configuration
    """A clip of the split, copied into a folder that will have this name, with a strip of its frames."""
    split = data.split(SPLIT)
    clip = split.clips[place]
    source = place_of(clip.video)
    film, strip = f"{clip.id}{source.suffix}", f"{clip.id}.jpg"
    shutil.copyfile(source, folder / film)
    with open_video(clip.video) as video:
        frames_FCHW = video.frames(np.linspace(0, video.frame_count - 1, FRAMES).round().astype(int).tolist())
    side_by_side = np.concatenate(frames_FCHW.permute(0, 2, 3, 1).numpy(), axis=1)
    Image.fromarray(side_by_side).save(folder / strip, quality=85)
    return Clip(clip.id, f"{name}/{film}", f"{name}/{strip}", split.texts.of_clip(place)[0])


def read_confusions(out: Path) -> Confusions | None:
    """What `draw_confusions` left in a folder, or None where it left nothing. Raises RowError where it is damaged."""
    found = read_told(out / TOLD, Confusions)
    if found:
        clips = (clip for each in found.shown for clip in (each.asked, each.found))
        check_beside(out.parent, (name for clip in clips for name in (clip.film, clip.strip)))
    return found
