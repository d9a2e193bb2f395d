"""What a run of VLSA has learned, to look at: what it rebuilds of what is hidden, and what is alike to it.

The pictures lie in a folder beside the page, with all that the page says of them in one file.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.own_process import quatrefoil
from benchmarks.report.sidecar import check_beside, read_told, write_told
from quatrefoil.core.runs.folder import RunFolder

TOLD = "pictures.json"
CLIPS = 3
COMMANDS: Mapping[str, str] = {
    "reconstruct": "Frames, sound and caption as they are, with what is hidden of them, and as the run rebuilds them. "
    "Words in brackets are hidden ones: first as the run reads them, then as it holds them to be.",
    "similarity": "Where frames and sound are alike to the caption, its first words, the sound and the frames: red "
    "adds to the similarity, blue takes from it, on a scale of its own for each map; above each map its mean, the "
    "cosine of the two codes.",
}
"""Command that draws a stored run -> what its pictures show."""


@dataclass(frozen=True)
class Drawn:
    """Pictures, one for each clip, named from the page; what they show, and the command that drew them."""

    told: str
    command: str
    pictures: list[str]


@dataclass(frozen=True)
class Pictures:
    """What was drawn of a run.

    Attributes:
        dataset: whose test clips are shown.
        command: what trained it.
    """

    model: str
    dataset: str
    command: str
    drawn: list[Drawn]


def can_be_drawn(run: Path) -> bool:
    """Whether a finished run lies there, with its weights."""
    folder = RunFolder(run)
    return folder.finished and folder.model.exists()


def draw_pictures(model: str, run: Path, out: Path, clips: int = CLIPS) -> None:
    """Draw some test clips as a run sees them, into the folder `out`.

    Raises:
        RunFailed: the command line's own words, such as that the run restores nothing.
    """
    facts = RunFolder(run).facts()
    drawn = [_drawn(name, model, run, out, clips) for name in COMMANDS]
    told = Pictures(model, facts["data"]["name"], facts["command"], drawn)
    write_told(out / TOLD, told)


def _drawn(name: str, model: str, run: Path, out: Path, clips: int) -> Drawn:
    folder = out / name
    arguments = [name, str(run), "--out", str(folder), "--clips", str(clips)]
    paths = [Path(line) for line in quatrefoil(f"pictures of {model}", *arguments)]
    pictures = [path.relative_to(out.parent).as_posix() for path in paths if path.is_relative_to(folder)]
    return Drawn(COMMANDS[name], shlex.join(["quatrefoil", *arguments]), pictures)


def read_pictures(out: Path) -> Pictures | None:
    """What `draw_pictures` left in a folder, or None where it left nothing. Raises RowError where it is damaged."""
    if found := read_told(out / TOLD, Pictures):
        check_beside(out.parent, (name for drawn in found.drawn for name in drawn.pictures))
    return found
