"""Tags on disk, one JSON-lines file per expert.

A line: `{"video_id": str, "expert": str, "model": str, "tags": [[word, score], ...]}`. Tags come from the video alone:
titles, categories and captions must not enter (TABLE, arXiv 2301.12644; the file format is our choice).
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from quatrefoil.core.files import replace_text
from quatrefoil.video_text.tags.selection import EXPERTS as EXPERTS
from quatrefoil.video_text.tags.selection import Tag, TagSelection

TAG_FOLDER = "tags"  # below the root of a corpus


class TagError(ValueError):
    """Tag files that cannot be used; says file and line."""


class TagStore:
    """The tags of a corpus, read from `folder`/<expert>.jsonl for the experts of `selection`.

    No selection: the experts that have a file there. A selection of no experts reads nothing: no clip has tags. A clip
    that a file does not name has no tags of that expert; `coverage` counts such clips.

    Raises:
        TagError: an expert of the selection has no file in `folder`, there are no files at all, or a line is malformed.
    """

    def __init__(self, folder: Path, selection: TagSelection | None = None) -> None:
        self.selection = selection or TagSelection(experts=experts_in(folder))
        paths = {expert: tag_file(folder, expert) for expert in EXPERTS if expert in self.selection.experts}
        if absent := [path.name for path in paths.values() if not path.is_file()]:
            raise TagError(
                f"{folder} lacks {', '.join(absent)}; run these experts, or name the others in data.tags.experts "
                f"([] = no tags)"
            )
        self._lines = {expert: read_tags(path, expert) for expert, path in paths.items()}

    @property
    def experts(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def tags(self, video_id: str) -> tuple[Tag, ...]:
        """The chosen tags of a clip, none where no expert names it."""
        found = [(expert, lines[video_id]) for expert, lines in self._lines.items() if video_id in lines]
        return self.selection.choose(Tag(word, score, expert) for expert, line in found for word, score in line.tags)

    def coverage(self, video_ids: Sequence[str]) -> dict[str, "Coverage"]:
        """Expert -> how much of `video_ids` its file covers."""
        return {expert: _coverage(lines, video_ids) for expert, lines in self._lines.items()}


class TagLine(NamedTuple):
    """What one expert says of one clip."""

    model: str
    tags: tuple[tuple[str, float], ...]


class Coverage(NamedTuple):
    """Of some clips: how many an expert's file names, and with at least one tag, and the models behind them."""

    named: int
    tagged: int
    models: tuple[str, ...]


def _coverage(lines: Mapping[str, TagLine], video_ids: Sequence[str]) -> Coverage:
    named = [lines[id] for id in video_ids if id in lines]
    return Coverage(len(named), sum(bool(line.tags) for line in named), tuple(sorted({line.model for line in named})))


def experts_in(folder: Path) -> tuple[str, ...]:
    """The experts that have a file in `folder`; TagError where there is none."""
    found = tuple(expert for expert in EXPERTS if tag_file(folder, expert).is_file())
    if not found:
        raise TagError(f"no tag files in {folder}; wanted one of {', '.join(f'{expert}.jsonl' for expert in EXPERTS)}")
    return found


def tags_fingerprint(folder: Path) -> str:
    """SHA-256 over the tag files of `folder`, of every expert that there is, whichever of them are read.

    So models that read some, all or none of one set of tags are on the same data, and those with other tags are not.
    """
    digest = hashlib.sha256()
    for expert in EXPERTS:
        if (path := tag_file(folder, expert)).is_file():
            digest.update(f"{expert}:{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def tag_file(folder: Path, expert: str) -> Path:
    """Where the tags of `expert` lie."""
    return folder / f"{expert}.jsonl"


def read_tags(path: Path, expert: str) -> dict[str, TagLine]:
    """Video id -> line of one expert's file; TagError says file and line where one is malformed or repeats a video."""
    found: dict[str, TagLine] = {}
    with path.open(encoding="utf-8") as lines:
        for number, text in enumerate(lines, start=1):
            where = f"{path}:{number}"
            video_id, line = parse_line(text, expert, where)
            if video_id in found:
                raise TagError(f"{where}: {video_id!r} was named before; keep one line per video")
            found[video_id] = line
    return found


def parse_line(text: str, expert: str, where: str) -> tuple[str, TagLine]:
    """One line of the file of `expert`; TagError, beginning with `where`, where it is malformed."""
    try:
        line = json.loads(text)
        video_id, model = line["video_id"], line["model"]
        tags = tuple(_checked_tags(line["tags"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TagError(f"{where}: not a line of tags ({type(error).__name__}: {error})") from error
    if not isinstance(video_id, str) or not isinstance(model, str):
        raise TagError(f"{where}: video_id and model must be texts")
    if line.get("expert") != expert:
        raise TagError(f"{where}: expert is {line.get('expert')!r} in the file of {expert!r}")
    return video_id, TagLine(model, tags)


def _checked_tags(tags: Any) -> Iterator[tuple[str, float]]:
    for word, score in tags:
        if not isinstance(word, str) or not word.strip():
            raise ValueError(f"a word must be a text that is not empty, not {word!r}")
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise ValueError(f"the score of {word!r} must be a finite number, not {score!r}")
        yield word, float(score)


def format_line(video_id: str, expert: str, line: TagLine) -> str:
    """One line of a tag file, with its line end."""
    content = {"video_id": video_id, "expert": expert, "model": line.model, "tags": line.tags}
    return json.dumps(content, ensure_ascii=False) + "\n"


def write_tags(folder: Path, expert: str, model: str, tags: Mapping[str, Sequence[tuple[str, float]]]) -> Path:
    """Writes the file of one expert, whole or not at all, in the order of `tags` (video id -> words with scores).

    Raises:
        TagError: an unknown expert, or a word or score that could not be read back.
    """
    if expert not in EXPERTS:
        raise TagError(f"unknown expert {expert!r}; there are {', '.join(EXPERTS)}")
    path = tag_file(folder, expert)
    lines = [format_line(video_id, expert, TagLine(model, tuple(found))) for video_id, found in tags.items()]
    for text in lines:
        parse_line(text, expert, f"line for {path}")
    replace_text(path, "".join(lines))
    return path
