"""Making the benchmark: once, in parallel, and either whole or not at all."""

import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from quatrefoil.core.files import cache_home
from quatrefoil.video_text.datasets.stage.annotation import write_annotation
from quatrefoil.video_text.datasets.stage.bounds import compute_bounds
from quatrefoil.video_text.datasets.stage.clips import SIZES, Clip, cast, produce
from quatrefoil.video_text.datasets.stage.files import write_json
from quatrefoil.video_text.datasets.stage.question_files import Questions, write_questions
from quatrefoil.video_text.datasets.stage.tags import VOCABULARY
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

MANIFEST = "manifest.json"
VOCABULARY_SIZE = 1_024


def make(size: str = "default", seed: int = 0, root: Path | None = None, workers: int | None = None) -> Path:
    """Make Stage, unless it is there already, and return its folder.

    Args:
        size: a key of `SIZES`.
        seed: seeds of different value share no clip.
        root: where benchmarks are kept; None means `cache_home()`. This one is `stage-v<version>-<size>-seed<seed>`.
        workers: processes; None means one for each core that this process may use. The result does not depend on it.

    A process that finds another one at work waits for it. Errors: `ValueError` for an unknown size, for `workers`
    below one, and for a finished benchmark that has lost or changed files.
    """
    if size not in SIZES:
        raise ValueError(f"Stage has no size {size!r}; choose one of {', '.join(SIZES)}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; give at least 1, or None for one a core")
    root = cache_home() if root is None else root
    target = root / f"stage-v{STAGE_VERSION}-{size}-seed{seed}"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / f".{target.name}.lock"):
        if not target.exists():
            build(target, size, seed, workers or len(os.sched_getaffinity(0)))
        check(target, size, seed)
    return target


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that the system takes back when the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(target: Path, size: str, seed: int, workers: int) -> None:
    """Make everything beside the target and rename it when it is whole; what a killed run left there is removed."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        fill(part, size, seed, workers)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def fill(part: Path, size: str, seed: int, workers: int) -> None:
    """Write all files of the benchmark into `part`, the manifest last."""
    (part / "videos").mkdir(parents=True)
    clips = film_all(part / "videos", size, seed, workers)
    questions = Questions(clips, seed)
    write_annotation(part, clips)
    write_questions(part, questions)
    write_json(part / "bounds.json", compute_bounds(clips, questions), indent=1)
    train_tokenizer(part / "tokenizer.json", clips)
    write_json(part / MANIFEST, manifest(part, clips, size, seed), indent=1)


def film_all(folder: Path, size: str, seed: int, workers: int) -> list[Clip]:
    """Every clip, in order. Workers are spawned: a fork of a process that has run threads may hang."""
    castings = cast(SIZES[size], seed)
    one = partial(produce, seed=seed, folder=folder)
    bar = partial(tqdm, total=len(castings), desc=f"stage {size}", unit="clip")
    if workers == 1:
        return list(bar(map(one, castings)))
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return list(bar(pool.imap(one, castings, chunksize=8)))


def train_tokenizer(path: Path, clips: list[Clip]) -> None:
    """A tokeniser from what training may see: train captions and the words of the experts."""
    # Imported here so that the workers, which never tokenise, need not load it.
    from quatrefoil.video_text.text.tokenizer import TextTokenizer

    captions = [caption.text for clip in clips if clip.casting.split == "train" for caption in clip.captions]
    TextTokenizer.train([*captions, *(word for words in VOCABULARY.values() for word in words)], VOCABULARY_SIZE, path)


def manifest(part: Path, clips: list[Clip], size: str, seed: int) -> dict[str, Any]:
    """What was made. `content_hash` covers all text files and so the truth of every clip; `files` covers all bytes.

    The two differ because another build of the video encoder may write other bytes for the same clips.
    """
    films = {f"videos/{c.casting.video_id}.mp4": {"bytes": c.size, "sha256": c.sha256} for c in clips}
    texts = sorted(path for path in part.rglob("*") if path.is_file() and path.suffix != ".mp4")
    files = {path.relative_to(part).as_posix(): fingerprint(path) for path in texts}
    content = {name: entry for name, entry in files.items() if name != "tokenizer.json"}
    content_hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    head = {"name": "stage", "version": STAGE_VERSION, "size": size, "seed": seed}
    return {**head, "content_hash": content_hash, "files": {**files, **films}}


def fingerprint(path: Path) -> dict[str, Any]:
    """Length and hash of a file."""
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def check(target: Path, size: str, seed: int) -> None:
    """Raise `ValueError` unless the folder is the benchmark asked for, with every file at its length."""
    mend = f"remove {target} and make it again"
    if not (target / MANIFEST).is_file():
        raise ValueError(f"{target} has no {MANIFEST}, so it is not a finished Stage; {mend}")
    content = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    for key, wanted in (("version", STAGE_VERSION), ("size", size), ("seed", seed)):
        if content[key] != wanted:
            raise ValueError(f"{target / MANIFEST} says {key} {content[key]!r} where {wanted!r} is wanted; {mend}")
    for name, entry in content["files"].items():
        path = target / name
        if not path.is_file() or path.stat().st_size != entry["bytes"]:
            raise ValueError(f"{path} is missing or has another length than when it was made; {mend}")
