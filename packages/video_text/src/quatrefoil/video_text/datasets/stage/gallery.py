"""A contact sheet of clips, for a person to look at what is being learned."""

import json
import random
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from quatrefoil.video_text.datasets.stage.motion import FRAMES
from quatrefoil.video_text.datasets.stage.sound import SAMPLE_RATE
from quatrefoil.video_text.datasets.stage.tags import VOCABULARY
from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.video import open_video
from quatrefoil.video_text.tags.store import TAG_FOLDER, read_tags, tag_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRAMES_SHOWN = 8
CAPTIONS_SHOWN = 3


def gallery(root: Path, out: Path, clips: int = 12, split: str = "test", seed: int = 0) -> Path:
    """Draw clips of a finished benchmark, one a row: frames over time, spectrogram, captions and tags.

    Args:
        root: the folder that `make` returned.
        out: the image file to write; its folder must exist, its ending names the format.
        clips: rows. In the test split whole families, each side by side, as long as they fit.
        split: `train`, `validate` or `test`.
        seed: which clips.

    Returns `out`. Needs matplotlib (the `gallery` extra). Errors: `ValueError` for a split that has no clips.
    """
    # Imported here because only this function draws.
    from matplotlib.figure import Figure

    with (root / "facts.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["split"] == split]
    if not rows:
        raise ValueError(f"{root / 'facts.jsonl'} has no clips of split {split!r}; choose train, validate or test")
    chosen = choose(rows, clips, random.Random(seed))
    told = {expert: read_tags(tag_file(root / TAG_FOLDER, expert), expert) for expert in VOCABULARY}
    figure = Figure(figsize=(20, 1.75 * len(chosen)), layout="constrained")
    grid: Any = figure.subplots(len(chosen), 3, squeeze=False, width_ratios=(8, 1.6, 5))
    for (frames, sound, text), row in zip(grid, chosen, strict=True):
        film = root / "videos" / f"{row['video_id']}.mp4"
        draw_frames(frames, film)
        draw_spectrogram(sound, film)
        words = [word for lines in told.values() for word, _ in lines[row["video_id"]].tags]
        draw_text(text, row, words)
    figure.savefig(out, dpi=80)
    return out


def choose(rows: list[dict[str, Any]], clips: int, rng: random.Random) -> list[dict[str, Any]]:
    """Whole families in random order until there are enough; a clip without family is one of its own."""
    families = [list(members) for _, members in groupby(rows, key=family_key)]
    rng.shuffle(families)
    return [row for family in families for row in family][:clips]


def family_key(row: dict[str, Any]) -> object:
    """The same for members of one family only."""
    return row["video_id"] if row["family"] is None else row["family"]


def draw_frames(axes: "Axes", film: Path) -> None:
    """Frames at equal distances, the first on the left."""
    with open_video(film) as video:
        shown = np.linspace(0, FRAMES - 1, FRAMES_SHOWN).round().astype(int).tolist()
        frames_FCHW = video.frames(shown)
    axes.imshow(np.concatenate(frames_FCHW.permute(0, 2, 3, 1).numpy(), axis=1))
    axes.axis("off")


def draw_spectrogram(axes: "Axes", film: Path) -> None:
    """Loudness over time and pitch up to 8 kHz, over a range of 80 dB."""
    heard = read_audio(film, rate=SAMPLE_RATE)
    assert heard is not None, f"{film} has no sound, though every film of Stage has"
    # A little noise keeps digital silence off log 0.
    wave = heard.samples_CT[0].numpy() + np.random.default_rng(0).normal(0, 1e-6, heard.samples_CT.shape[1])
    axes.specgram(wave, NFFT=512, Fs=SAMPLE_RATE, noverlap=256, vmin=-140, vmax=-40)
    axes.set_xticks([])
    axes.set_yticks([])


def draw_text(axes: "Axes", row: dict[str, Any], words: Sequence[str]) -> None:
    """Id, kind of twin, some captions, and all tags."""
    head = f"{row['video_id']}" + (f"  family {row['family']}: {row['twin']} twins" if row["twin"] else "")
    captions = [fill(caption["caption"], 88, subsequent_indent="   ") for caption in row["captions"][:CAPTIONS_SHOWN]]
    text = "\n".join([head, *captions, fill("tags: " + ", ".join(words), 88, subsequent_indent="   ")])
    axes.text(0, 1, text, va="top", fontsize=9, transform=axes.transAxes)
    axes.axis("off")
