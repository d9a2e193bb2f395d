"""Runs of a suite: which there are, and each one trained in a process of its own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import Run
from benchmarks.suites import Entry, Suite
from quatrefoil.core import recipes
from quatrefoil.core.training.folder import METRICS

RUNS = Path("runs/bench")
_TAIL_BYTES, _TAIL_LINES = 4000, 15


class RunFailed(RuntimeError):
    """A run that could not be planned or trained: which, its command, what it said last."""


@dataclass(frozen=True)
class Job:
    """One run of an entry."""

    entry: Entry
    seed: int
    config_hash: str

    def __str__(self) -> str:
        return f"{self.entry.model} ({self.entry.recipe}, {self.config_hash}, seed {self.seed})"

    @property
    def run(self) -> Run:
        return self.entry.recipe, self.config_hash, self.entry.data_version, self.seed

    @property
    def folder(self) -> Path:
        """Made data of another version are another run; those of a real corpus are told apart by their hash alone."""
        version = f"-{self.entry.data_version}" if self.entry.embedded else ""
        return RUNS / self.entry.recipe / f"{self.config_hash}{version}-seed{self.seed}"

    @property
    def finished(self) -> bool:
        return (self.folder / METRICS).exists()

    @property
    def command(self) -> list[str]:
        overrides = [*self.entry.overrides, f"seed={self.seed}", f"run.dir={self.folder}", "resume=auto"]
        return [sys.executable, "-m", "quatrefoil.train", self.entry.recipe, *overrides]


def jobs(suite: Suite) -> Iterator[Job | RunFailed]:
    """The runs of a suite, seed by seed, so that a suite cut short has compared all models once."""
    for seed in sorted({seed for entry in suite.entries for seed in entry.seeds}):
        for entry in suite.entries:
            if seed in entry.seeds:
                yield _plan(entry, seed)


def _plan(entry: Entry, seed: int) -> Job | RunFailed:
    try:
        return Job(entry, seed, recipes.load(entry.recipe, entry.overrides).config_hash)
    except (ValueError, ImportError, OSError) as error:
        return RunFailed(f"{entry.model} ({entry.recipe} {' '.join(entry.overrides)}, seed {seed}): {error}")


def train(job: Job) -> None:
    """Train a job in its folder, going on where it was interrupted; progress is shown, the rest goes to a log.

    Raises:
        RunFailed: it ended with an error, or without results.
    """
    log = job.folder.with_name(f"{job.folder.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output, subprocess.Popen(job.command, stdout=output, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None, "stderr is a pipe"
        said = _pass_on(process.stderr.fileno())
    if process.returncode or not job.finished:
        lines = said.decode(errors="replace").replace("\r", "\n").splitlines()[-_TAIL_LINES:]
        command, last = shlex.join(job.command), "\n    ".join(["last lines:", *lines])
        raise RunFailed(f"{job}: exit status {process.returncode}\n  command: {command}\n  output: {log}\n  {last}")


def draw_gallery(dataset: str, out: Path) -> None:
    """Draw samples of a data set as PNG.

    Raises:
        RunFailed: the command line's own words, such as that the data set has no gallery.
    """
    quatrefoil = Path(sys.executable).with_name("quatrefoil")
    command = [str(quatrefoil), "data", "gallery", dataset, f"out={out}"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RunFailed(f"gallery of {dataset}\n  command: {shlex.join(command)}\n  {done.stderr.strip()}")


def _pass_on(source: int) -> bytes:
    """Show what comes, as it comes; the end of it."""
    tail = b""
    while chunk := os.read(source, 65536):
        sys.stderr.buffer.write(chunk)
        sys.stderr.flush()
        tail = (tail + chunk)[-_TAIL_BYTES:]
    return tail
