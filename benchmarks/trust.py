"""`python -m benchmarks.trust`: runs what is promised of training, and writes docs/trust.md with every row's command.

A row is a promise and the tests that hold it; its result is theirs, counted, never a number typed in here. Outcomes are
kept (benchmarks/results/trust.json), each with the commit that was tried (`+`: and changes to it), so that rows may be
run one by one: `--only TEXT`; `--suite` times `make test`.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.speed_contrast import RESULTS as CONTRAST
from quatrefoil.core.files import replace_text
from quatrefoil.core.versions import commit

ROOT = Path(__file__).resolve().parents[1]
PAGE, OUTCOMES = ROOT / "docs" / "trust.md", ROOT / "benchmarks" / "results" / "trust.json"
_TRAINING, _LOSSES, _MODELS = "tests/core/training", "tests/core/losses", "tests/models"
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error)")
_SAID = re.compile(r"^(?:table|clover|vlsa|genebert)/[\w-]+: .*", re.MULTILINE)


@dataclass(frozen=True)
class Promise:
    """What is promised, and what pytest is to run for it."""

    text: str
    tests: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        chosen = [] if "-m" in self.tests else ["-m", "slow or not slow"]
        return ["-m", "pytest", "-q", "-rP", *chosen, *self.tests]

    @property
    def command(self) -> str:
        return shlex.join(["python", *self.arguments])


@dataclass(frozen=True)
class Outcome:
    """What came of a promise: numbers of tests by how they ended, seconds, of which commit, and what tests said."""

    counts: dict[str, int]
    seconds: float
    commit: str
    said: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return self.counts.get("passed", 0) > 0 and not self.counts.keys() & {"failed", "error"}


SUITE = Promise("The whole test suite, `make test`", ("-n", "auto", "--dist=loadfile", "-m", "not slow"))
PROMISES = (
    Promise(
        "Gradients and metrics of every loss at 1, 2 and 4 ranks, ragged and with empty ranks, are those of one "
        "process: 1e-12 relative in fp64",
        (_LOSSES, "-k", "world_size"),
    ),
    Promise(
        "20 steps of each of the four small recipes: one process = DDP = ZeRO 0/1/2/3 = FSDP2 at two processes, every "
        "loss of every step to 1e-5 relative in fp32 (and the first gradient norm), dropout off, as ranks draw it each "
        "for themselves; `distributed_type` is below",
        (f"{_MODELS}/test_engines.py",),
    ),
    Promise(
        "The toy (contrast, matching, masked tokens) on every engine, the smallest weights cut too; resumed after step "
        "10: equal to the bit",
        (f"{_TRAINING}/test_engines_agree.py", "-k", "trains_as_one_process or resumes_to_the_bit"),
    ),
    Promise(
        "FSDP2, torch's own, on two CPU processes: the gradients of one process, on TABLE, Clover and VLSA, whole and "
        "in micro-batches; refused in one process, with the command to give",
        ("tests/video_text/test_sharded.py", f"{_TRAINING}/test_engine.py", "-k", "sharded or fsdp"),
    ),
    Promise(
        "Contrast in tiles, and by cached gradients: value within 1e-6, gradients within 1e-5 of contrast at once "
        "(memory and time below)",
        (f"{_LOSSES}/test_tiled.py", f"{_TRAINING}/test_microbatches.py"),
    ),
    Promise(
        "Killed (SIGKILL) in the midst of the step after each of 25 steps, in three epochs, one rank: a run started 26 "
        "times, ends with the losses, weights, moments, generators and sample ids of one that was not killed",
        (f"{_MODELS}/test_killed.py", "-k", "clover and plain"),
    ),
    Promise("The same at two ranks (DDP), of which one is killed", (f"{_MODELS}/test_killed.py", "-k", "ddp")),
    Promise("The same after five of the steps under ZeRO 2 and 3", (f"{_MODELS}/test_killed.py", "-k", "zero")),
    Promise(
        "The same after five of the steps of the other models, one rank",
        (f"{_MODELS}/test_killed.py", "-k", "plain and not clover"),
    ),
    Promise(
        "Saved at two ranks, resumed at one and at four, and by another engine: the same samples, losses within 1e-5",
        (f"{_TRAINING}/test_engines_agree.py", "-k", "another_number"),
    ),
    Promise(
        "A writer of checkpoints killed at 20 byte offsets of its largest file, at any touch of the disk and at any "
        "time; flipped bits, missing and truncated files, pickles: found, refused",
        ("tests/core/runs/test_checkpoint.py",),
    ),
    Promise(
        "Evaluation at one, two and three ranks, with numbers of items that do not divide: identical codes and metrics",
        (f"{_TRAINING}/test_evaluated_on_ranks.py", "tests/core/evaluation/test_encode.py"),
    ),
    Promise(
        "Broken inputs are refused with where, what and how to mend (table below)", ("tests/test_broken_inputs.py",)
    ),
    Promise(
        "One suite for all models: saved and loaded to the bit; bf16, formula of attention, padding and batch within "
        "stated bounds; recomputed activations to the bit; compiled as eager; gradients everywhere; built on meta",
        (f"{_MODELS}/test_models.py",),
    ),
    Promise(
        "Losses of 100 steps of each small recipe are the stored ones: to the bit where they were made, to "
        "1e-4 over 10 steps elsewhere (which it was is below)",
        (f"{_MODELS}/test_curves.py",),
    ),
    Promise(
        "SIGTERM and Ctrl-C save and end, once however often a launcher passes them on, and where nothing is to be "
        "saved end in order; a loss that is not finite leaves its batch",
        (f"{_TRAINING}/test_stopping.py", "tests/core/test_ending.py"),
    ),
    Promise(
        "A rank that dies ends the job within a minute (besides the start of the processes)",
        (f"{_TRAINING}/test_engines_agree.py", "-k", "dies"),
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="promises that hold this text or test; others stay")
    parser.add_argument("--suite", action="store_true", help="run the whole suite too, for its time")
    options = parser.parse_args()
    asked = [p for p in PROMISES if options.only in p.text or options.only in p.command]
    if not asked:
        parser.error(f"no promise holds {options.only!r}, nor its command")
    outcomes = stored()
    for promise in [*asked, *([SUITE] if options.suite else [])]:
        outcomes[promise.text] = _run(promise)
        replace_text(OUTCOMES, json.dumps({k: asdict(v) for k, v in outcomes.items()}, indent=1) + "\n")
    replace_text(PAGE, page(outcomes, _contrast_rows(), _broken_inputs()))
    return int(not all(outcomes[promise.text].kept for promise in asked))


def stored() -> dict[str, Outcome]:
    """The outcomes that are kept, by promise."""
    found = json.loads(OUTCOMES.read_text()) if OUTCOMES.exists() else {}
    return {text: Outcome(**outcome) for text, outcome in found.items()}


def _run(promise: Promise) -> Outcome:
    began = time.monotonic()
    done = _python(*promise.arguments)
    seconds = round(time.monotonic() - began)
    outcome = Outcome(counted(done.stdout), seconds, commit(), _SAID.findall(done.stdout))
    print(f"{verdict(outcome)}  {promise.text}", flush=True)
    if not outcome.kept:
        print(done.stdout[-4000:], done.stderr[-2000:], flush=True)
    return outcome


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def _broken_inputs() -> str:
    return _python("-m", "tests.broken").stdout


def counted(said: str) -> dict[str, int]:
    """How many tests ended how, from pytest's last line, or from its marks where that line is left out."""
    *_, last = said.strip().splitlines() or [""]
    if found := {name: int(number) for number, name in _COUNT.findall(last)}:
        return found
    marks = "".join(line.split("[")[0] for line in said.splitlines() if re.fullmatch(r"[.FEs]+\s*\[ *\d+%\]", line))
    names = {".": "passed", "F": "failed", "E": "error", "s": "skipped"}
    return {name: marks.count(mark) for mark, name in names.items() if mark in marks}


def page(outcomes: Mapping[str, Outcome], contrast: Sequence[Mapping[str, Any]], broken: str) -> str:
    """The page, in Markdown."""
    return "\n".join([*_promised(outcomes), *_said(outcomes), *_contrast(contrast), *_refused(broken)])


def _promised(outcomes: Mapping[str, Outcome]) -> list[str]:
    lines = ["# What is promised of training, and whether it holds", "", "Written by `make trust`; do not edit.", ""]
    lines += ["| promise | result | seconds | commit | command |", "|---|---|---:|---|---|"]
    for promise in (*PROMISES, SUITE):
        outcome = outcomes.get(promise.text)
        result = ("not run", "", "")
        if outcome is not None:
            result = (verdict(outcome), f"{outcome.seconds:.0f}", outcome.commit)
        lines.append(f"| {promise.text} | {' | '.join(result)} | `{promise.command}` |")
    tried = [outcomes[promise.text].seconds for promise in PROMISES if promise.text in outcomes]
    facts = (
        f"{len(tried)} of {len(PROMISES)} promises (all but the suite) took {sum(tried):.0f} s on {os.cpu_count()} CPU "
        f"cores, which others may have shared. Skipped, as they need GPUs or several machines, "
        f"{len(NEEDS_MORE)}: {'; '.join(NEEDS_MORE)}."
    )
    return [*lines, "", facts, "", HOW_KILLED, ""]


NEEDS_MORE = (
    "engines over NCCL",
    "ZeRO with offload from GPUs",
    "bf16 by the kernels of GPUs",
    "the fused optimiser",
    "files of the launcher for GPUs and several nodes, which are read and not run",
)


HOW_KILLED = (
    "How runs are killed: a process that has imported everything, and computed nothing, forks the ranks of each start; "
    "each rank has two loader processes. A rank sends itself SIGKILL after the gradients of a step and before its "
    "update, the other ranks are then killed as a launcher does it, and the next start goes on from the newest valid "
    "checkpoint (one is written at each step). So every step from 1 to 25 is begun, killed and taken again. Two toys "
    "are killed with processes of their own, started from nothing, in "
    "`tests/core/training/test_run.py`."
)


def _said(outcomes: Mapping[str, Outcome]) -> list[str]:
    said = [line for promise in PROMISES if promise.text in outcomes for line in outcomes[promise.text].said]
    return ["What tests said that they did:", "", *(f"- {line}" for line in said), ""] if said else []


def _contrast(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    columns = [name for name, value in rows[0].items() if isinstance(value, int | float)]
    return [
        "Contrast at once (`whole`), in tiles and by cached gradients, fp32; a ratio above 1 speaks against `whole` "
        "(`python -m benchmarks.speed_contrast --write`):",
        "",
        "| " + " | ".join(columns) + " |",
        "|" + "---:|" * len(columns),
        *("| " + " | ".join(_number(row.get(name, "")) for name in columns) + " |" for row in rows),
        "",
    ]


def _refused(broken: str) -> list[str]:
    count = max(0, len(broken.splitlines()) - 2)
    return [f"{count} broken inputs, and what is said of each (`python -m tests.broken`):", "", broken]


def verdict(outcome: Outcome) -> str:
    """Whether it holds, and the numbers of tests."""
    counts = ", ".join(f"{number} {name}" for name, number in outcome.counts.items()) or "no tests"
    return f"{'holds' if outcome.kept else 'DOES NOT HOLD'} ({counts})"


def _contrast_rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(CONTRAST.read_text()) if CONTRAST.exists() else []
    return found


def _number(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1e}" if 0 < value < 1e-3 else f"{value:g}"


if __name__ == "__main__":
    sys.exit(main())
