"""Rows put together: runs of a model over seeds, models on one ground, differences between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Literal

from benchmarks.claims import CLAIMS
from quatrefoil.core.evaluation.statistics import difference_over_seeds, interval_over_seeds
from quatrefoil.core.measuring.collect import headline
from quatrefoil.core.measuring.rows import Curve, Ground, Row
from quatrefoil.core.measuring.store import Results

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
    """The results ground by ground, real corpora first, with the differences that claims speak of."""
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


def paired(better: Line, than: Line, metric: str) -> list[tuple[float, float]]:
    """The scores of both in a metric, on the seeds that both have."""
    a, b = better.values.get(metric, {}), than.values.get(metric, {})
    return [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]


def _differences(lines: Sequence[Line]) -> Iterable[Difference]:
    by_model = {line.model: line for line in lines}
    for better, than in dict.fromkeys((claim.better.model, claim.than.model) for claim in CLAIMS):
        if better in by_model and than in by_model:
            for metric in sorted(filter(headline, by_model[better].values)):
                yield from _difference(by_model[better], by_model[than], metric)


def _difference(main: Line, other: Line, metric: str) -> Iterable[Difference]:
    pairs = paired(main, other, metric)
    if len(pairs) > 1:
        found = difference_over_seeds(*zip(*pairs, strict=True))
        interval = found.interval.low, found.interval.high
        yield Difference(main.model, other.model, metric, len(pairs), found.mean, interval, found.p_value)
    elif pairs:
        yield Difference(main.model, other.model, metric, 1, pairs[0][0] - pairs[0][1], None, None)
