"""Runs of entries: which there are, and each one trained in a process of its own."""

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

from quatrefoil.core import recipes
from quatrefoil.core.files import locked
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.rows import Run
from quatrefoil.core.measuring.run_names import RUN_NAME, run_name
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.runs.start import trained_as

RUNS = Path("runs/bench")
START = "model.pretrained"
"""The setting that names what a model starts from."""
_TAIL_BYTES, _TAIL_LINES = 4000, 15


class RunFailed(RuntimeError):
    """A run that could not be planned or trained: which, its command, what it said last."""


@dataclass(frozen=True)
class Job:
    """One run of an entry, and the one that it starts from."""

    entry: Entry
    seed: int
    config_hash: str
    start: "Job | None" = None

    def __str__(self) -> str:
        return f"{self.entry.model} ({self.entry.recipe}, {self.config_hash}, seed {self.seed})"

    @property
    def run(self) -> Run:
        return self.entry.recipe, self.config_hash, self.entry.data_version, self.seed

    @property
    def folder(self) -> Path:
        return RUNS / self.entry.recipe / run_name(self.config_hash, self.entry.data_version, self.seed)

    @property
    def finished(self) -> bool:
        return RunFolder(self.folder).finished

    @property
    def standing(self) -> str:
        """How far it came, in words, by what lies in its folder."""
        steps = checkpoint.checkpoints(RunFolder(self.folder).checkpoints)
        return f"saved, {steps[-1].name}" if steps else "nothing to save yet"

    @property
    def overrides(self) -> list[str]:
        """What is set on top of the recipe, the seed and the folders left out."""
        return [*self.entry.overrides, *([f"{START}={self.start.folder}"] if self.start else [])]

    @property
    def command(self) -> list[str]:
        where = [f"seed={self.seed}", f"run.dir={self.folder}", "resume=auto"]
        return [sys.executable, "-m", "quatrefoil.train", self.entry.recipe, *self.overrides, *where]


_STARTED = re.compile(rf"{re.escape(START)}=.*?/{RUN_NAME}/?")


def started_from(overrides: Sequence[str]) -> tuple[str, int] | None:
    """Configuration hash and seed of the run that these settings name, by its folder; None where they name none."""
    found = next(filter(None, map(_STARTED.fullmatch, overrides)), None)
    return (found["hash"], int(found["seed"])) if found else None


Node = tuple[Entry, int]
"""An entry and a seed."""


def order(entries: Sequence[Entry]) -> dict[Node, set[Node]]:
    """The runs of entries and what each starts from, seed by seed, so that what is cut short has compared all once."""
    seeds = sorted({seed for entry in entries for seed in entry.seeds})
    nodes = [(each, seed) for seed in seeds for e in entries if seed in e.seeds for each in lineage(e)]
    return {(entry, seed): {(entry.start, seed)} if entry.start else set() for entry, seed in nodes}


def lineage(entry: Entry) -> list[Entry]:
    """What has to be trained for an entry, in order, itself the last."""
    return [*(lineage(entry.start) if entry.start else []), entry]


def planned(entry: Entry, seed: int, stored: Results) -> Job | None:
    """As `plan`; None where it cannot be planned, for those who look for what is there and do not make it."""
    try:
        return plan(entry, seed, stored)
    except RunFailed:
        return None


def plan(entry: Entry, seed: int, stored: Results) -> Job:
    """The run of an entry.

    Raises:
        RunFailed: the recipe or an override is wrong, or what it starts from is not stored.
    """
    try:
        start = plan(entry.start, seed, stored) if entry.start else None
        begun = [f"{START}={_identity(start, stored)}"] if start else []
        return Job(entry, seed, recipes.load(entry.recipe, [*entry.overrides, *begun]).config_hash, start)
    except (ValueError, ImportError, OSError, RunFailed) as error:
        where = f"{entry.model} ({entry.recipe} {' '.join(entry.overrides)}, seed {seed})"
        raise RunFailed(f"{where}: {error}") from error


def _identity(job: Job, stored: Results) -> str:
    """What the run is known by to those that start from it, though its folder be gone (`core/runs/start.py`)."""
    data = {curve.data for curve in stored.curves if curve.run == job.run}
    if not data:
        raise RunFailed(f"it starts from {job}, which was not made")
    return trained_as(job.config_hash, data.pop())


class Running:
    """The processes of runs under way in threads of this one, so that all of them can be told to end."""

    def __init__(self) -> None:
        self._told = False
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def end(self) -> None:
        """Tell all, by SIGTERM, to save and to end; from now on none begins."""
        with self._lock:
            self._told = True
            for process in self._processes:
                process.terminate()

    @contextmanager
    def process(self, command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
        """`subprocess.Popen` of these arguments, which `end` reaches. Raises RunFailed after `end`."""
        with self._lock:
            if self._told:
                raise RunFailed(f"told to end before it began: {shlex.join(command)}")
            process = subprocess.Popen(command, **how)
            self._processes.add(process)
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._processes.remove(process)


Begin = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]
"""Begins a process, and waits in the end until that has ended."""


class How(TypedDict, total=False):
    """How a run is made, as the keywords of `run_into`."""

    alone: bool
    environment: Mapping[str, str]
    begin: Begin


def train(job: Job, **how: Unpack[How]) -> None:
    """Train a job in its folder by `run_into`, going on where it was interrupted, after what it starts from.

    Raises:
        RunFailed: it ended with an error, or without results.
    """
    if job.start:
        with locked(job.start.folder):  # several may start from it, of which one makes it
            if not job.start.finished:  # its rows are stored, its weights are gone
                train(job.start, **how)
    run_into(job.folder, job.command, str(job), **how)


def run_into(
    folder: Path,
    command: Sequence[str],
    name: str,
    *,
    alone: bool = True,
    environment: Mapping[str, str] = MappingProxyType({}),
    begin: Begin = subprocess.Popen,
) -> None:
    """Run the command that makes a run folder; what it prints goes to a log beside the folder.

    Args:
        name: of the run, in the error.
        alone: show its progress as it comes, too; of several at once one would see nothing.
        environment: variables to be set for it.
        begin: begins its process, with the arguments of `subprocess.Popen`.

    Raises:
        RunFailed: it ended with an error, or without results.
    """
    log = folder.with_name(f"{folder.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, **environment}
    with log.open("wb") as output, begin(command, stdout=output, stderr=subprocess.PIPE, env=variables) as process:
        assert process.stderr is not None, "stderr is a pipe"
        said = _pass_on(process.stderr.fileno(), shown=alone)
    if process.returncode or not RunFolder(folder).finished:
        lines = said.decode(errors="replace").replace("\r", "\n").splitlines()[-_TAIL_LINES:]
        how, last = shlex.join(command), "\n    ".join(["last lines:", *lines])
        raise RunFailed(f"{name}: exit status {process.returncode}\n  command: {how}\n  output: {log}\n  {last}")


def _pass_on(source: int, *, shown: bool) -> bytes:
    """The end of what comes; all of it is shown as it comes, if it is to be."""
    tail = b""
    while chunk := os.read(source, 65536):
        if shown:
            sys.stderr.buffer.write(chunk)
            sys.stderr.flush()
        tail = (tail + chunk)[-_TAIL_BYTES:]
    return tail
