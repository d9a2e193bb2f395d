"""Benchmarks that the project makes itself: once, in parallel, and either whole or not at all."""

import hashlib
import json
import multiprocessing
import os
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from tqdm import tqdm

from quatrefoil.core.files import cache_home, locked, whole_folder
from quatrefoil.core.text_files import write_json

MANIFEST = "manifest.json"

Item = TypeVar("Item")
Made = TypeVar("Made")


class Fingerprint(NamedTuple):
    """Length in bytes and hash of a file."""

    bytes: int
    sha256: str


class Job(NamedTuple):
    """One benchmark to be made: which, into what folder, by how many processes."""

    folder: Path
    size: str
    seed: int
    workers: int


Apart = Mapping[str, Fingerprint | None]
"""Files that the content hash leaves out (another build of an encoder or solver may write other bytes for the same
content): path within the benchmark -> its fingerprint, or None where it is still to be taken."""


@dataclass(frozen=True)
class Embedded:
    """A benchmark that is a function of (name, version, size, seed).

    Args:
        name: what its folder is called.
        version: changes when any sample changes.
        sizes: the sizes that there are.
        fill: writes all files of a job into its folder, which exists and is empty, and names those set apart.
    """

    name: str
    version: int
    sizes: Collection[str]
    fill: Callable[[Job], Apart]

    def make(self, size: str = "default", seed: int = 0, root: Path | None = None, workers: int | None = None) -> Path:
        """Make the benchmark, unless it is there already, and return its folder.

        Args:
            size: one of `sizes`.
            seed: benchmarks of different seed share no sample.
            root: where benchmarks are kept, each in `<name>-v<version>-<size>-seed<seed>`, or the folder of this one;
                None means `cache_home()`.
            workers: processes, None = one for each core that this process may use. The result does not depend on it.

        A process that finds another one at work waits for it. Errors: `ValueError` for an unknown size, for `workers`
        below one, and for a finished benchmark that has lost or changed files.
        """
        if size not in self.sizes:
            raise ValueError(f"{self.title} has no size {size!r}; choose one of {', '.join(self.sizes)}")
        if workers is not None and workers < 1:
            raise ValueError(f"workers is {workers}; give at least 1, or None for one a core")
        target = self._place(size, seed, root)
        with locked(target):
            if not target.exists():
                self._build(target, size, seed, workers or len(os.sched_getaffinity(0)))
            self._check(target, size, seed)
        return target

    def find(self, size: str = "default", seed: int = 0, root: Path | None = None) -> Path:
        """The folder of a benchmark that was made before; nothing is ever made.

        Args:
            size, seed: which one of those in `root`; where `root` is a benchmark itself, its manifest says them.
            root: as for `make`.

        Raises:
            ValueError: there is none (says how to make it), or it has lost or changed files.
        """
        target = self._place(size, seed, root)
        if not target.exists():
            here = f" root={shlex.quote(str(root))}" if root is not None else ""
            raise ValueError(
                f"there is no {target}; make it with `quatrefoil data make {self.name} size={size} seed={seed}{here}`, "
                f"or name the root in which it lies"
            )
        if target == root and (target / MANIFEST).is_file():
            own = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
            size, seed = own["size"], own["seed"]
        self._check(target, size, seed)
        return target

    def _place(self, size: str, seed: int, root: Path | None) -> Path:
        """Where a benchmark lies, made or not: `root` itself where that is one, so that none is made inside another."""
        root = cache_home() if root is None else root
        return root if (root / MANIFEST).is_file() else root / f"{self.name}-v{self.version}-{size}-seed{seed}"

    @property
    def title(self) -> str:
        """The name as messages write it."""
        return self.name.capitalize()

    def _build(self, target: Path, size: str, seed: int, workers: int) -> None:
        with whole_folder(target) as part:
            apart = self.fill(Job(part, size, seed, workers))
            head = {"name": self.name, "version": self.version, "size": size, "seed": seed}
            write_json(part / MANIFEST, {**head, **contents(part, apart)}, indent=1)

    def _check(self, target: Path, size: str, seed: int) -> None:
        """Raise `ValueError` unless the folder is the benchmark asked for, with every file at its length."""
        mend = f"remove {target} and make it again"
        if not (target / MANIFEST).is_file():
            raise ValueError(f"{target} has no {MANIFEST}, so it is not a finished {self.title}; {mend}")
        content = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        for key, wanted in (("name", self.name), ("version", self.version), ("size", size), ("seed", seed)):
            if content.get(key) != wanted:
                raise ValueError(
                    f"{target / MANIFEST} says {key} {content.get(key)!r} where {wanted!r} is wanted; ask for that "
                    f"one, or name another root"
                )
        for name, entry in content["files"].items():
            path = target / name
            if not path.is_file() or path.stat().st_size != entry["bytes"]:
                raise ValueError(f"{path} is missing or has another length than when it was made; {mend}")


class Crew:
    """Processes that make items, in order, with a progress bar. `one` and the items have to be picklable.

    Args:
        workers: how many; one works in this process itself.
    """

    def __init__(self, workers: int) -> None:
        # Spawned, as a fork of a process that has run threads may hang.
        self._pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else None
        self._workers = workers

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.terminate()

    def in_order(self, one: Callable[[Item], Made], items: Sequence[Item], title: str, unit: str) -> list[Made]:
        """`one` of every item."""
        chunk = min(8, max(1, len(items) // (4 * self._workers)))
        made = self._pool.imap(one, items, chunk) if self._pool else map(one, items)
        return list(tqdm(made, total=len(items), desc=title, unit=unit))


def contents(folder: Path, apart: Apart) -> dict[str, object]:
    """What lies in the folder: `files` covers all bytes, `content_hash` all but the files set apart."""
    given = {name: entry for name, entry in apart.items() if entry is not None}
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    taken = {name: fingerprint(path) for name, path in paths.items() if name not in given}
    content = {name: entry._asdict() for name, entry in taken.items() if name not in apart}
    content_hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"content_hash": content_hash, "files": {n: e._asdict() for n, e in {**taken, **given}.items()}}


def damaged(folder: Path) -> list[str]:
    """The files of a finished benchmark whose bytes are no longer those that were made."""
    files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    return [name for name, entry in files.items() if fingerprint(folder / name)._asdict() != entry]


def fingerprint(path: Path) -> Fingerprint:
    """Length and hash of a file."""
    content = path.read_bytes()
    return Fingerprint(len(content), hashlib.sha256(content).hexdigest())
