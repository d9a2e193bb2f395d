"""The same small corpus packed in tars, in arrow and parquet files, and in files with a manifest, for tests."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.video_text.datasets.small import write_video


class Packed(NamedTuple):
    """A clip: its id in all forms, its captions, and its media."""

    id: str
    captions: tuple[str, ...]
    content: bytes


def clips(folder: Path, count: int) -> list[Packed]:
    """Clips of two shards, of one caption or two."""
    made = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        write_video(path, 17 * number, frames=6 + number % 3)
        captions = ("a dot rises", f"it is number {number}")[: 1 + number % 2]
        made.append(Packed(f"train/{number % 2:05}/k{number}", captions, path.read_bytes()))
    return sorted(made)


def write_tars(root: Path, packed: Sequence[Packed]) -> None:
    """A tar for each shard; several captions are a list in a json member."""
    for shard in sorted({clip.id.rpartition("/")[0] for clip in packed}):
        members = [member for clip in packed if clip.id.startswith(f"{shard}/") for member in _members(clip)]
        write_tar(root / f"{shard}.tar", members)


def _members(clip: Packed) -> list[tuple[str, bytes]]:
    key = clip.id.rpartition("/")[2]
    if len(clip.captions) == 1:
        return [(f"{key}.mp4", clip.content), (f"{key}.txt", clip.captions[0].encode())]
    return [(f"{key}.mp4", clip.content), (f"{key}.json", json.dumps({"caption": clip.captions}).encode())]


def write_tar(path: Path, members: Sequence[tuple[str, bytes]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_manifest(root: Path, packed: Sequence[Packed]) -> None:
    """WebVid's other form: filename and text; the files without an extension."""
    rows = [f'{clip.id},"{text}"' for clip in packed for text in clip.captions]
    root.mkdir(parents=True, exist_ok=True)
    (root / "webvid_train.csv").write_text("\n".join(["filename,text", *rows]) + "\n")
    for clip in packed:
        path = root / "videos" / clip.id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip.content)


def write_arrow(root: Path, packed: Sequence[Packed], parquet: bool, paths: bool = False) -> None:
    """A row for each clip, as `datasets` keeps videos: bytes and a path, of which one is there."""
    import datasets

    cells = [
        {"bytes": None if paths else clip.content, "path": f"media/{n}" if paths else None}
        for n, clip in enumerate(packed)
    ]
    columns = {"id": [c.id for c in packed], "video": cells, "caption": [list(c.captions) for c in packed]}
    rows = datasets.Dataset.from_dict(columns)
    root.mkdir(parents=True, exist_ok=True)
    if paths:
        (root / "media").mkdir()
        for number, clip in enumerate(packed):
            (root / "media" / str(number)).write_bytes(clip.content)
    if parquet:
        (root / "data").mkdir()
        rows.to_parquet(root / "data" / "train-00000-of-00001.parquet")
    else:
        datasets.DatasetDict({"train": rows}).save_to_disk(str(root))
