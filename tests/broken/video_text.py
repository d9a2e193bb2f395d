"""Broken media, annotations and tags."""

import json
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from quatrefoil.video_text.datasets.caption_files import read_captions
from quatrefoil.video_text.datasets.clover_pickles import clover_captions
from quatrefoil.video_text.datasets.msrvtt import MsrVtt
from quatrefoil.video_text.datasets.tars import index_tar
from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.video import open_video
from quatrefoil.video_text.tags.store import read_tags
from tests.broken.table import Broken
from tests.video_text.datasets.small import write_annotation, write_video
from tests.video_text.media.clips import write_tone

ANNOTATION = Path("annotation")


def frames(path: Path) -> object:
    with open_video(path) as video:
        return video.frames(range(video.frame_count))


def sound(path: Path) -> object:
    return read_audio(path, rate=16_000)


def tags(path: Path) -> object:
    return read_tags(path, "object")


def msrvtt(path: Path) -> object:
    return MsrVtt(path, missing="error").split("msrvtt-1kA", "test")


def captions_of_clover(path: Path) -> object:
    return list(clover_captions(path, [".mp4"]))


def tar(path: Path) -> object:
    return list(index_tar(path, "", 0))


def cut_video(path: Path, share: float) -> None:
    """The first part of a video; its index is at the end."""
    write_video(path, 20)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def corpus(path: Path, change: Callable[[Path], object]) -> None:
    """MSR-VTT's annotation files without videos, changed."""
    write_annotation(path)
    change(path / ANNOTATION)


def edited(change: Callable[[Any], object]) -> Callable[[Path], object]:
    """Change the release's file of videos and sentences."""

    def edit(folder: Path) -> None:
        content = json.loads((folder / "MSRVTT_data.json").read_text())
        change(content)
        (folder / "MSRVTT_data.json").write_text(json.dumps(content))

    return edit


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.getcwd, ()


_LINE = '{"video_id": "video0", "expert": "object", "model": "m", "tags": [["dot", 0.9]]}\n'
MEDIA = [
    Broken("empty.mp4", frames, "", r"empty.mp4: the file holds no bytes"),
    Broken(
        "text.mp4",
        frames,
        "this is no video",
        r"text.mp4: cannot be decoded \(Invalid data found when processing input\)",
    ),
    Broken(
        "zeros.mp4", frames, bytes(4096), r"zeros.mp4: cannot be decoded \(Invalid data found when processing input\)"
    ),
    Broken("cut.mp4", frames, partial(cut_video, share=0.6), r"cut.mp4: holds no video stream"),
    Broken(
        "head.mp4",
        frames,
        partial(cut_video, share=0.01),
        r"head.mp4: cannot be decoded \(Invalid data found when processing input\)",
    ),
    Broken(
        "folder.mp4",
        frames,
        lambda path: path.mkdir(),
        r"folder.mp4: not a regular file \(opening a pipe or a folder could block for",
    ),
    Broken(
        "pipe.mp4",
        frames,
        lambda path: os.mkfifo(path),
        r"pipe.mp4: not a regular file \(opening a pipe or a folder could block for",
    ),
    Broken("gone.mp4", frames, lambda path: None, r"no such media file: gone.mp4"),
    Broken("tone.mp4", frames, partial(write_tone, seconds=1), r"tone.mp4: holds no video stream"),
    Broken("empty.wav", sound, "", r"empty.wav: the file holds no bytes"),
    Broken(
        "text.wav",
        sound,
        "this is no sound",
        r"text.wav: cannot be decoded \(Invalid data found when processing input\)",
    ),
    Broken(
        "header.wav",
        sound,
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        r"header.wav: cannot be decoded \(Invalid data found when processing",
    ),
    Broken("gone.wav", sound, lambda path: None, r"no such media file: gone.wav"),
]
TAGS = [
    Broken(f"{name}.jsonl", tags, content, said)
    for name, content, said in (
        ("text", "dot\n", r"text.jsonl:1: not a line of tags \(JSONDecodeError: Expecting value: line 1"),
        ("list", "[1]\n", r"list.jsonl:1: not a line of tags \(TypeError: list indices must be integers or"),
        ("keyless", '{"video_id": "video0"}\n', r"keyless.jsonl:1: not a line of tags \(KeyError: 'model'\)"),
        (
            "score",
            _LINE.replace("0.9", '"high"'),
            r"score.jsonl:1: not a line of tags \(ValueError: the score of 'dot' must be a",
        ),
        (
            "infinite",
            _LINE.replace("0.9", "Infinity"),
            r"infinite.jsonl:1: not a line of tags \(ValueError: the score of 'dot' must be",
        ),
        (
            "word",
            _LINE.replace("dot", " "),
            r"word.jsonl:1: not a line of tags \(ValueError: a word must be a text that is",
        ),
        ("expert", _LINE.replace("object", "scene"), r"expert.jsonl:1: expert is 'scene' in the file of 'object'"),
        ("twice", _LINE + _LINE, r"twice.jsonl:2: 'video0' was named before; keep one line per video"),
        ("number", _LINE.replace('"video0"', "0"), r"number.jsonl:1: video_id and model must be texts"),
    )
]
ANNOTATIONS = [
    Broken("msrvtt", msrvtt, partial(corpus, change=change), said)
    for change, said in (
        (
            lambda folder: (folder / "MSRVTT_data.json").unlink(),
            r"msrvtt: needs MSRVTT_data.json or train_val_videodatainfo.json \+",
        ),
        (
            lambda folder: (folder / "MSRVTT_data.json").write_text("{"),
            r"msrvtt/annotation/MSRVTT_data.json: not JSON \(Expecting property name",
        ),
        (
            lambda folder: (folder / "MSRVTT_data.json").write_text("[]"),
            r"msrvtt/annotation/MSRVTT_data.json: needs a list 'videos' at the top, as",
        ),
        (
            lambda folder: (folder / "MSRVTT_JSFUSION_test.csv").unlink(),
            r"msrvtt: there is no MSRVTT_JSFUSION_test.csv in msrvtt/annotation or",
        ),
        (
            lambda folder: (folder / "MSRVTT_JSFUSION_test.csv").write_text("id,text\n1,2\n"),
            r"msrvtt/annotation/MSRVTT_JSFUSION_test.csv:2: needs a value in the columns",
        ),
        (
            edited(lambda content: content.pop("sentences")),
            r"msrvtt/annotation/MSRVTT_data.json: needs a list 'sentences' at the top, as",
        ),
        (
            edited(lambda content: content["sentences"][0].pop("caption")),
            r"msrvtt/annotation/MSRVTT_data.json: sentences\[0\] needs the texts 'video_id'",
        ),
        (
            edited(lambda content: content["sentences"][0].update(video_id="video99")),
            r"msrvtt: sentences of 1 id that is no video \(video99\)",
        ),
        (
            edited(lambda content: content["sentences"].clear()),
            r"msrvtt in msrvtt, msrvtt-1kA: 4 clips without a caption in 'train' \(video0,",
        ),
        (lambda folder: None, r"msrvtt-1kA: 8 of 8 videos are missing under msrvtt \(video0, video1, video2,"),
    )
] + [
    Broken("gone", msrvtt, lambda path: None, r"msrvtt: there is no folder gone; set root to where the corpus lies"),
    Broken(
        "captions.json",
        read_captions,
        "{",
        r"captions.json: not JSON \(Expecting property name enclosed in double quotes:",
    ),
    Broken("list.json", read_captions, "[]", r"list.json: needs a dictionary of captions by clip id, not list"),
    Broken(
        "number.json",
        read_captions,
        '{"clip": 3}',
        r"number.json: 'clip': needs a caption or a list of them, not int",
    ),
    Broken(
        "numbers.json",
        read_captions,
        '{"clip": [[1, 2]]}',
        r"numbers.json: 'clip': a caption must be a text or a list of words, not \[1,",
    ),
    Broken(
        "trap.pkl",
        read_captions,
        pickle.dumps(_Trap()),
        r"trap.pkl: asks for posix.getcwd; only plain data is read from a pickle, and",
    ),
    Broken(
        "text.pkl",
        read_captions,
        "no pickle",
        r"text.pkl: cannot be read \(invalid load key, 'n'.\); fetch the file again",
    ),
    Broken("rows.pkl", captions_of_clover, pickle.dumps({"a": 1}), r"rows.pkl: needs a list of objects, not dict"),
    Broken(
        "textless.pkl",
        captions_of_clover,
        pickle.dumps([{"filename": "a.mp4"}]),
        r"textless.pkl: row 0: needs a text or a list of texts, has None",
    ),
    Broken("text.tar", tar, "no tar", r"text.tar is no tar that can be read \(truncated header\); fetch it again"),
]
TABLE = [*MEDIA, *TAGS, *ANNOTATIONS]
