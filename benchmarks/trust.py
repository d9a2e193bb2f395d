"""`python -m benchmarks.trust`: runs what is promised of training, and writes docs/trust.md with every row's command.

A row is a promise and the tests that hold it; its result is theirs, counted, never a number typed in here.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import speed_contrast

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "trust.md"
_TRAINING, _LOSSES = "tests/core/training", "tests/core/losses"
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error)")


@dataclass(frozen=True)
class Promise:
    """What is promised, and what pytest is to run for it."""

    text: str
    tests: tuple[str, ...]

    @property
    def command(self) -> str:
        return " ".join(["python -m pytest -q -m 'slow or not slow'", *(_quoted(part) for part in self.tests)])


@dataclass(frozen=True)
class Outcome:
    """What came of a promise: numbers of tests by how they ended, and seconds."""

    counts: dict[str, int]
    seconds: float

    @property
    def kept(self) -> bool:
        return self.counts.get("passed", 0) > 0 and not self.counts.keys() & {"failed", "error"}


PROMISES = (
    Promise(
        "Gradients and metrics of every loss at 1, 2 and 4 ranks, ragged and with empty ranks, are those of one "
        "process: 1e-12 relative in fp64",
        (_LOSSES, "-k", "world_size"),
    ),
    Promise(
        "20 steps of the toy recipe (contrast, matching, masked tokens): one process = DDP = FSDP2 = ZeRO 0/1/2/3 at "
        "two processes, 1e-5 relative in fp32, `distributed_type` checked; resumed after step 10: equal to the bit",
        (f"{_TRAINING}/test_engines_agree.py", "-k", "trains_as_one_process or resumes_to_the_bit"),
    ),
    Promise(
        "FSDP2 has the gradients of one process on the papers' models (1e-12 relative in fp64, two CPU processes); in "
        "one process, or with settings that it does not have, it is refused with the reason",
        ("tests/video_text/test_sharded.py", f"{_TRAINING}/test_engine.py", "-k", "fsdp or gradients"),
    ),
    Promise(
        "Contrast in tiles: value within 1e-6, gradients within 1e-5 of contrast at once (table below)",
        (f"{_LOSSES}/test_tiled.py",),
    ),
    Promise(
        "Killed (SIGKILL) and resumed, across an epoch boundary, with a loader process: losses, weights and optimiser "
        "equal to the bit",
        (f"{_TRAINING}/test_run.py", "-k", "killed_and_resumed"),
    ),
    Promise(
        "Saved at two ranks, resumed at one and at four, and by another engine: the same samples, losses within 1e-5",
        (f"{_TRAINING}/test_engines_agree.py", "-k", "another_number"),
    ),
    Promise(
        "A writer of checkpoints killed at any touch of the disk; flipped bits, missing and truncated files, pickles: "
        "found, refused",
        ("tests/core/runs/test_checkpoint.py",),
    ),
    Promise("SIGTERM saves and ends; a loss that is not finite leaves its batch", (f"{_TRAINING}/test_stopping.py",)),
    Promise(
        "A rank that dies ends the job within a minute (besides the start of the processes)",
        (f"{_TRAINING}/test_engines_agree.py", "-k", "dies"),
    ),
    Promise(
        "Ranks encode any number of items each once, in order; missing ones are named on every rank",
        ("tests/core/evaluation/test_retrieval.py", "-k", "any_world or shard or ids"),
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="promises that hold this text, without the page")
    options = parser.parse_args()
    promises = [promise for promise in PROMISES if options.only in promise.text]
    began = time.monotonic()
    outcomes = [_run(promise) for promise in promises]
    if not options.only:
        PAGE.write_text(
            page(list(zip(promises, outcomes, strict=True)), time.monotonic() - began, speed_contrast.numbers())
        )
    return int(not all(outcome.kept for outcome in outcomes))


def _run(promise: Promise) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", *promise.tests],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    outcome = Outcome(counted(done.stdout), time.monotonic() - began)
    print(f"{_verdict(outcome)}  {promise.text}", flush=True)
    if not outcome.kept:
        print(done.stdout[-4000:], done.stderr[-2000:], flush=True)
    return outcome


def counted(said: str) -> dict[str, int]:
    """How many tests ended how, from pytest's last line, or from its marks where that line is left out."""
    *_, last = said.strip().splitlines() or [""]
    if found := {name: int(number) for number, name in _COUNT.findall(last)}:
        return found
    marks = "".join(line.split("[")[0] for line in said.splitlines() if re.fullmatch(r"[.FEs]+\s*\[ *\d+%\]", line))
    names = {".": "passed", "F": "failed", "E": "error", "s": "skipped"}
    return {name: marks.count(mark) for mark, name in names.items() if mark in marks}


def page(rows: list[tuple[Promise, Outcome]], seconds: float, contrast: list[dict[str, float]]) -> str:
    """The page, in Markdown."""
    lines = ["# What is promised of training, and whether it holds", "", "Written by `make trust`; do not edit.", ""]
    lines += ["| promise | result | seconds | command |", "|---|---|---:|---|"]
    lines += [f"| {p.text} | {_verdict(o)} | {o.seconds:.0f} | `{p.command}` |" for p, o in rows]
    lines += ["", f"All of it took {seconds:.0f} s on {os.cpu_count()} CPU cores.", ""]
    if contrast:
        columns = list(contrast[0])
        lines += [
            "Two small towers and their contrast at once (`whole`), in tiles and by cached gradients, fp32, one CPU "
            "thread; a ratio above 1 speaks for the other way (`python -m benchmarks.speed_contrast --write`):",
            "",
        ]
        lines += ["| " + " | ".join(columns) + " |", "|" + "---:|" * len(columns)]
        lines += ["| " + " | ".join(_number(row[name]) for name in columns) + " |" for row in contrast]
        lines += [""]
    return "\n".join(lines)


def _verdict(outcome: Outcome) -> str:
    counts = ", ".join(f"{number} {name}" for name, number in outcome.counts.items()) or "no tests"
    return f"{'holds' if outcome.kept else 'DOES NOT HOLD'} ({counts})"


def _number(value: float) -> str:
    return f"{value:.1e}" if isinstance(value, float) and 0 < value < 1e-3 else f"{value:g}"


def _quoted(part: str) -> str:
    return f"'{part}'" if " " in part else part


if __name__ == "__main__":
    sys.exit(main())
