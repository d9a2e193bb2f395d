"""Rows put together: runs of a model over seeds, models on one ground, differences between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Literal

from benchmarks.rows import Curve, Ground, Row
from benchmarks.store import Results
from benchmarks.suites import MAIN_MODEL
from quatrefoil.core.evaluation.statistics import difference_over_seeds, interval_over_seeds

NOT_SHOWN = ("train", "val")
"""Splits that choose a model; their rows are stored and never compared."""


@dataclass(frozen=True)
class Score:
    """A metric over the seeds; `over` says what its 95 % interval is taken over, if there is one."""

    mean: float
    interval: tuple[float, float] | None
    over: Literal["seeds", "queries", "nothing"]


@dataclass(frozen=True)
class Line:
    """A model in one configuration: all its runs on one ground."""

    model: str
    recipe: str
    config_hash: str
    commands: tuple[str, ...]
    parameters: int
    minutes: float
    values: dict[str, dict[int, float]]
    scores: dict[str, Score]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({seed for by_seed in self.values.values() for seed in by_seed}))


@dataclass(frozen=True)
class Difference:
    """One model minus another in one metric, on the seeds that both have; no interval from one seed."""

    better: str
    than: str
    metric: str
    seeds: int
    mean: float
    interval: tuple[float, float] | None
    p_value: float | None


@dataclass(frozen=True)
class Group:
    """All that is known on one ground."""

    ground: Ground
    references: dict[str, dict[str, float]]
    lines: list[Line]
    differences: list[Difference]
    curves: list[Curve]

    @property
    def directions(self) -> list[str]:
        return sorted({metric.rpartition("/")[0] for line in self.lines for metric in line.scores})


def group(results: Results) -> list[Group]:
    """The results ground by ground, real corpora first."""
    rows = sorted((row for row in results.rows if row.split not in NOT_SHOWN), key=lambda row: row.key)
    return [_group(ground, list(part), results) for ground, part in groupby(rows, key=lambda row: row.ground)]


def _group(ground: Ground, rows: Sequence[Row], results: Results) -> Group:
    by_model: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_model.setdefault((row.model, row.config_hash), []).append(row)
    lines = [_line(part) for part in by_model.values()]
    runs = Results(list(rows)).runs
    references = {r.metric: r.values for r in results.references if r.ground == ground}
    curves = sorted((curve for curve in results.curves if curve.run in runs), key=lambda curve: curve.key)
    return Group(ground, references, lines, list(_differences(lines)), curves)


def _line(rows: Sequence[Row]) -> Line:
    by_metric: dict[str, list[Row]] = {}
    for row in rows:
        by_metric.setdefault(row.metric, []).append(row)
    first, runs = rows[0], {row.seed: row for row in rows}
    return Line(
        first.model,
        first.recipe,
        first.config_hash,
        tuple(dict.fromkeys(row.command for row in rows)),
        first.parameters,
        fmean(row.wall_seconds for row in runs.values()) / 60,
        {metric: {row.seed: row.value for row in part} for metric, part in by_metric.items()},
        {metric: _score(part) for metric, part in by_metric.items()},
    )


def _score(rows: Sequence[Row]) -> Score:
    if len(rows) == 1:
        return Score(rows[0].value, rows[0].interval, "queries" if rows[0].interval else "nothing")
    summary = interval_over_seeds([row.value for row in rows])
    return Score(summary.mean, (summary.interval.low, summary.interval.high), "seeds")


def _differences(lines: Sequence[Line]) -> Iterable[Difference]:
    """The main model minus every other one, in recall at 1."""
    for main in (line for line in lines if line.model == MAIN_MODEL):
        for other in (line for line in lines if line.model != MAIN_MODEL):
            for metric in sorted(main.values):
                if metric.endswith("R@1") and metric in other.values:
                    yield from _difference(main, other, metric)


def _difference(main: Line, other: Line, metric: str) -> Iterable[Difference]:
    a, b = main.values[metric], other.values[metric]
    seeds = sorted(a.keys() & b.keys())
    pair = [a[seed] for seed in seeds], [b[seed] for seed in seeds]
    if len(seeds) > 1:
        found = difference_over_seeds(*pair)
        interval = found.interval.low, found.interval.high
        yield Difference(main.model, other.model, metric, len(seeds), found.mean, interval, found.p_value)
    elif seeds:
        yield Difference(main.model, other.model, metric, 1, pair[0][0] - pair[1][0], None, None)
