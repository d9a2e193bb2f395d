"""What all runs took: time by the clock, CPU time, and what it went into."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import fsum

from benchmarks.report.sections import Section
from quatrefoil.core.measuring.rows import Cost, Run
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow
from quatrefoil.core.wording import counted

PARTS: Mapping[str, str] = {"steps": "training steps", "scores": "scoring", "data": "data", "rest": "rest"}
"""Part of `Cost.cpu_seconds` -> head of its column."""
USEFUL = ("steps", "scores")


def spending_sections(stored: Sequence[Results]) -> list[Section]:
    """What the runs of all stores took, in one section; none where there are none."""
    seconds = {row.run: row.wall_seconds for results in stored for row in results.rows}
    costs = {cost.run: cost for results in stored for cost in results.costs}
    if not seconds:
        return []
    rows = [_row(recipe, list(runs), seconds, costs) for recipe, runs in groupby(sorted(seconds), lambda run: run[0])]
    total = _row("all", list(seconds), seconds, costs)
    columns = ["recipe", "runs", "hours of training", "runs with CPU time", "CPU hours", *PARTS.values()]
    table = Table("CPU time by recipe", columns, [total, *rows])
    return [Section("What it took", None, [_told(seconds, costs)], [table], REMARKS)]


REMARKS = (
    "hours of training are by the clock, validation among them; CPU time is that of all of a run's processes",
    "scoring is on validation and at the end; data is reading, decoding and masking; the rest is imports, set-up and "
    "checkpoints. Waiting takes no CPU time",
    "runs from before CPU time was counted have none",
    "runs on real sequences, spoken digits and speeds are not among them: their tables have the time of each",
)


def _told(seconds: Mapping[Run, float], costs: Mapping[Run, Cost]) -> str:
    spent = _spent(list(seconds), costs)
    known = f"{counted(len(seconds), 'run')}, {_time(fsum(seconds.values()))} of training by the clock"
    if not spent:
        return f"{known}; of none is the CPU time known."
    cpu = _sums(spent)
    total = fsum(cpu.values())
    useful = fsum(cpu[part] for part in USEFUL) / total
    return (
        f"{known}. Of {len(spent)} of them the CPU time is known: {_time(total)}, {100 * useful:.0f} % of it "
        f"useful (training steps and scoring)."
    )


def _time(seconds: float) -> str:
    """In hours, or minutes where it is less than two of them."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 7200 else f"{seconds / 60:.1f} minutes"


def _row(name: str, runs: Sequence[Run], seconds: Mapping[Run, float], costs: Mapping[Run, Cost]) -> TableRow:
    spent, hours = _spent(runs, costs), fsum(seconds[run] for run in runs) / 3600
    shares = [Cell(NOTHING)] * (1 + len(PARTS))
    if spent:
        cpu = _sums(spent)
        total = fsum(cpu.values())
        parts = [100 * each / total for each in cpu.values()]
        shares = [Cell(f"{total / 3600:.2f}", total), *(Cell(f"{part:.0f} %", part) for part in parts)]
    counts = [Cell.of(len(runs)), Cell.of(hours, ".2f"), Cell.of(len(spent))]
    return TableRow([Cell(name), *counts, *shares])


def _spent(runs: Sequence[Run], costs: Mapping[Run, Cost]) -> list[Mapping[str, float]]:
    return [spent for run in runs if run in costs and (spent := costs[run].cpu_seconds)]


def _sums(spent: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Over runs, of each of `PARTS`; exact, so that their order decides no digit."""
    return {part: fsum(each[part] for each in spent) for part in PARTS}
