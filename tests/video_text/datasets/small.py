"""A small corpus in MSR-VTT's files, with real videos, for tests."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np

from quatrefoil.video_text.tags.store import write_tags

SPLITS: Mapping[str, Sequence[str]] = {
    "train": ("video0", "video1", "video2", "video3"),
    "validate": ("video4", "video5"),
    "test": ("video6", "video7"),
}
CAPTIONS = ("a red dot rises slowly", "the dot goes up", "something small moves")


def write_video(path: Path, level: int, frames: int = 12) -> None:
    """A video without sound whose frames get brighter from `level` on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number in range(frames):
            pixels = np.full((32, 48, 3), (level + 6 * number) % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())


def write_annotation(root: Path) -> None:
    """The annotation files of MSR-VTT, with the captions of each video."""
    folder = root / "annotation"
    folder.mkdir(parents=True)
    ids = [(id, split) for split, ids in SPLITS.items() for id in ids]
    videos = [{"video_id": id, "split": split, "id": number} for number, (id, split) in enumerate(ids)]
    sentences = [{"video_id": id, "caption": f"{text} in {id}"} for text in CAPTIONS for id, _ in ids]
    (folder / "MSRVTT_data.json").write_text(json.dumps({"info": {}, "videos": videos, "sentences": sentences}))
    train = [*SPLITS["train"], *SPLITS["validate"]]
    for name in ("9k", "7k"):
        (folder / f"MSRVTT_train.{name}.csv").write_text("\n".join(["video_id", *train]) + "\n")
    rows = [f"ret{row},msr{row},{id},one caption of {id}" for row, id in enumerate(SPLITS["test"])]
    (folder / "MSRVTT_JSFUSION_test.csv").write_text("\n".join(["key,vid_key,video_id,sentence", *rows]) + "\n")


def write_corpus(root: Path) -> Path:
    """The whole corpus: annotation, videos, tags of two experts (none for video3)."""
    write_annotation(root)
    ids = [id for ids in SPLITS.values() for id in ids]
    for number, id in enumerate(ids):
        write_video(root / "videos" / f"{id}.mp4", 20 * number, frames=6 + number)
    tagged = [id for id in ids if id != "video3"]
    write_tags(root / "tags", "object", "m", {id: [("Dot", 0.9), ("red thing", 0.4)] for id in tagged})
    write_tags(root / "tags", "motion", "m", {id: [("rise", 0.8), ("dot", 0.95)] for id in tagged})
    return root
