"""Runs a pre-trained expert over a corpus; a run that is cut off goes on where it stopped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.media.errors import MediaError
from quatrefoil.video_text.tags.store import TagError, TagLine, format_line, parse_line, read_tags, tag_file, write_tags


class Expert(Protocol):
    """A pre-trained model that names what it sees or hears in a clip.

    It is given the clip's id and media file and nothing else, so that titles and captions cannot leak into its tags.
    `name` is one of `EXPERTS`, `model` says which weights and thresholds made the tags.
    """

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    def tag(self, clip: Clip) -> Sequence[tuple[str, float]]:
        """Words with scores, in any order; none is an answer too. Raises MediaError where the clip cannot be read."""


@dataclass
class Tagging:
    """What became of a run: the file, clips tagged now, clips tagged before, and those unreadable (id -> why)."""

    path: Path
    tagged: int = 0
    kept: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def tag_corpus(expert: Expert, clips: Iterable[Clip], folder: Path) -> Tagging:
    """Tags the clips that `folder` holds no tags for yet, shows progress, and writes the file of the expert at the end.

    Each line is kept beside that file (`.<expert>.jsonl.part`) as soon as it is made; a run that is cut off costs one
    clip. Unreadable clips get no line: they are counted, and tried again next time.

    Raises:
        TagError: the tags that are there come from another model.
    """
    part = folder / f".{expert.name}.jsonl.part"
    done = _known(expert, tag_file(folder, expert.name), part)
    report = Tagging(tag_file(folder, expert.name), kept=len(done))
    folder.mkdir(parents=True, exist_ok=True)
    with part.open("a", encoding="utf-8") as lines:
        for clip in tqdm([clip for clip in clips if clip.id not in done], desc=f"tags: {expert.name}", unit="clip"):
            try:
                done[clip.id] = TagLine(expert.model, tuple(expert.tag(clip)))
            except MediaError as error:
                report.unreadable[clip.id] = str(error)
                continue
            lines.write(format_line(clip.id, expert.name, done[clip.id]))
            lines.flush()
    write_tags(folder, expert.name, expert.model, {id: line.tags for id, line in sorted(done.items())})
    part.unlink()
    report.tagged = len(done) - report.kept
    return report


def _known(expert: Expert, path: Path, part: Path) -> dict[str, TagLine]:
    done = read_tags(path, expert.name) if path.is_file() else {}
    done |= _recovered(expert.name, part) if part.is_file() else {}
    if others := {line.model for line in done.values()} - {expert.model}:
        raise TagError(f"{path}: holds tags of {sorted(others)}, not of {expert.model!r}; move it away to tag anew")
    return done


def _recovered(expert: str, part: Path) -> dict[str, TagLine]:
    """The lines of a run that was cut off; a last line without its end was being written and is cut away."""
    whole, _, torn = part.read_text(encoding="utf-8").rpartition("\n")
    if torn:
        part.write_text(whole + "\n" if whole else "", encoding="utf-8")
    lines = whole.splitlines()
    return dict(parse_line(line, expert, f"{part}:{number}") for number, line in enumerate(lines, start=1))
