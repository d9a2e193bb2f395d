"""Compare golden files with the project; exit 0 if all pass, 1 if one fails, 2 if one cannot be read."""

import argparse
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from tests.golden.files import UnreadableGolden, read_golden
from tests.golden.kinds import KINDS


class Outcome(IntEnum):
    """Of one file; the worst of all files is the exit status."""

    PASS = 0
    FAIL = 1
    UNREADABLE = 2


def judge(path: Path) -> tuple[Outcome, str]:
    """The outcome of one file, and the line that says why."""
    try:
        golden = read_golden(path)
        if golden.kind not in KINDS:
            return Outcome.FAIL, f"NOT IMPLEMENTED {golden.kind}"
        checks = KINDS[golden.kind](golden)
    except UnreadableGolden as error:
        return Outcome.UNREADABLE, f"UNREADABLE {error}"
    except Exception as error:  # what the project cannot compute is a failure of the project, and the next file goes on
        return Outcome.FAIL, f"FAIL {type(error).__name__}: {error}"
    if not checks:
        return Outcome.UNREADABLE, f"UNREADABLE {path}: nothing to compare"
    worst, passed = max(checks, key=lambda check: check.badness), sum(check.passed for check in checks)
    outcome = Outcome.PASS if worst.passed else Outcome.FAIL
    largest = f"largest error {worst.error:.3g} (tolerance {worst.tolerance:g}) in {worst.name}"
    return outcome, f"{outcome.name} {passed}/{len(checks)} checks, {largest}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per file and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".json or .safetensors golden files")
    outcomes = []
    for path in parser.parse_args(arguments).files:
        outcome, line = judge(path)
        print(f"{path}: {line}", flush=True)
        outcomes.append(outcome)
    return int(max(outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
