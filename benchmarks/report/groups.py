"""Rows put together: runs of a model over seeds, models on one ground, differences between them."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Literal

from benchmarks.claims import CLAIMS
from quatrefoil.core.evaluation.printed import headline
from quatrefoil.core.evaluation.statistics import difference_over_seeds, interval_over_seeds
from quatrefoil.core.measuring.jobs import started_from
from quatrefoil.core.measuring.rows import Curve, Ground, Row, Run
from quatrefoil.core.measuring.store import Results

NOT_SHOWN = ("train", "val")
"""Splits that choose a model; their rows are stored and never compared."""
OBJECTIVES = "objectives."
"""Overrides that change what is minimised."""

ALIKE = 1e-6
"""Differences in points that spread less than this are one number: how they would spread over seeds is not known."""
CLAIMED = frozenset(claim.metric for claim in CLAIMS)
"""Metrics that a claim names: compared even where they are no headlines of other tasks."""

Goal = tuple[str, ...]
"""What a run minimises: its recipe, and what was changed of its objectives. Losses of one goal may be compared."""


@dataclass(frozen=True)
class Score:
    """A metric over the seeds; `over` says what its 95 % interval is taken over, if there is one."""

    mean: float
    interval: tuple[float, float] | None
    over: Literal["seeds", "queries", "nothing"]


@dataclass(frozen=True)
class Line:
    """A model in one configuration: all its runs on one ground.

    Attributes:
        anchor: the place of its commands in the page.
        commands: of each run.
        before: of what the first run started from; None if from nothing, or if its rows are not stored.
        commits: of the code that ran, with the seeds that it ran; `+` at the end: with changes that were not committed.
        minutes: of training, the median over the runs: what else the machine did may make one of them slow.
        minutes_before: of what they started from; 0 if from nothing, None if its rows are not stored.
    """

    model: str
    recipe: str
    config_hash: str
    anchor: str
    commands: tuple[str, ...]
    before: str | None
    commits: Mapping[str, Sequence[int]]
    hardware: tuple[str, ...]
    parameters: int
    minutes: float
    minutes_before: float | None
    values: dict[str, dict[int, float]]
    scores: dict[str, Score]

    @property
    def minutes_in_all(self) -> float | None:
        """Of training, with what came before; None where that is not known."""
        return None if self.minutes_before is None else self.minutes + self.minutes_before

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({seed for by_seed in self.values.values() for seed in by_seed}))


@dataclass(frozen=True)
class Difference:
    """One model minus another in one metric, on the seeds that both have; no interval from one seed, or no spread."""

    better: str
    than: str
    metric: str
    seeds: int
    mean: float
    interval: tuple[float, float] | None
    p_value: float | None

    @property
    def compares(self) -> tuple[str, str, str]:
        """Two models, and the metric."""
        return self.better, self.than, self.metric


@dataclass(frozen=True)
class Group:
    """All that is known on one ground.

    Attributes:
        uncompared: differences that are left out, since one of both models stands there in several configurations.
        goals: what the run of a curve minimised.
    """

    ground: Ground
    references: dict[str, dict[str, float]]
    lines: list[Line]
    differences: list[Difference]
    uncompared: list[str]
    curves: list[Curve]
    goals: dict[Run, Goal]

    @property
    def directions(self) -> list[str]:
        whole = (metric for line in self.lines for metric in line.scores if part_of(metric) is None)
        return sorted({metric.rpartition("/")[0] for metric in whole})

    @property
    def headlines(self) -> list[str]:
        """The metrics of its lines by which models are compared."""
        return sorted({metric for line in self.lines for metric in line.scores if _comparable(metric)})

    @property
    def compared(self) -> list[str]:
        """Of the headlines those of which something is computed; all of them where nothing is."""
        return _bounded(self.headlines, self.references)


def _comparable(metric: str) -> bool:
    """Whether models are compared by it: a headline, or what a claim is of."""
    return headline(metric) or metric in CLAIMED


def _bounded(metrics: Sequence[str], references: Collection[str]) -> list[str]:
    """Those of which something is computed, such as chance; all of them where nothing is."""
    return [metric for metric in metrics if metric in references] or list(metrics)


def part_of(metric: str) -> tuple[str, str] | None:
    """The headline and the kind of items of a metric over those of one kind, such as a-to-b/R@1/KIND; else None."""
    whole, _, kind = metric.rpartition("/")
    return (whole, kind) if whole and headline(whole) else None


def group(results: Results) -> list[Group]:
    """The results ground by ground, with the differences that claims speak of.

    Real corpora come first, and of the grounds of one data set those on which most was measured.
    """
    rows = sorted((row for row in results.rows if row.split not in NOT_SHOWN), key=lambda row: row.key)
    found = [_group(ground, list(part), results) for ground, part in groupby(rows, key=lambda row: row.ground)]
    return sorted(found, key=lambda each: (each.ground.place[:3], -len(each.lines)))


def _group(ground: Ground, rows: Sequence[Row], results: Results) -> Group:
    by_model: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_model.setdefault((row.model, row.config_hash), []).append(row)
    runs = {(row.config_hash, row.seed): row for row in results.rows}
    lines = [_line(part, runs) for part in by_model.values()]
    goals = {row.run: _goal(row) for row in rows}
    references = {r.metric: r.values for r in results.references if r.ground == ground}
    curves = sorted((curve for curve in results.curves if curve.run in goals), key=lambda curve: curve.key)
    pairs = list(_pairs(lines, references))
    differences = [_difference(pair) for pair in pairs if pair.clear and pair.scores]
    uncompared = [
        f"{pair.better[0].model} minus {pair.than[0].model} in {pair.metric}" for pair in pairs if not pair.clear
    ]
    return Group(ground, references, lines, differences, uncompared, curves, goals)


def _goal(row: Row) -> Goal:
    return row.recipe, *sorted(each for each in row.overrides if each.startswith(OBJECTIVES))


def _line(rows: Sequence[Row], known: Mapping[tuple[str, int], Row]) -> Line:
    by_metric: dict[str, list[Row]] = {}
    for row in rows:
        by_metric.setdefault(row.metric, []).append(row)
    first, runs = rows[0], {row.seed: row for row in rows}
    started = [known.get(start) for row in runs.values() if (start := started_from(row.overrides))]
    place = f"{first.model} {first.config_hash} {first.split} {first.data_hash}"
    return Line(
        first.model,
        first.recipe,
        first.config_hash,
        f"run-{hashlib.sha256(place.encode()).hexdigest()[:12]}",
        tuple(dict.fromkeys(row.command for row in rows)),
        started[0].command if started and started[0] else None,
        {commit: sorted(s for s, row in runs.items() if row.commit == commit) for commit in _commits(runs)},
        tuple(dict.fromkeys(row.hardware for row in rows)),
        first.parameters,
        median(row.wall_seconds for row in runs.values()) / 60,
        _minutes(started),
        {metric: {row.seed: row.value for row in part} for metric, part in by_metric.items()},
        {metric: _score(part) for metric, part in by_metric.items()},
    )


def _commits(runs: Mapping[int, Row]) -> list[str]:
    """By the first seed of each."""
    return list(dict.fromkeys(runs[seed].commit for seed in sorted(runs)))


def _minutes(started: Sequence[Row | None]) -> float | None:
    """The median over what runs started from; None where the rows of one are not stored."""
    told = [row.wall_seconds for row in started if row]
    return None if len(told) < len(started) else median(told or [0]) / 60


def _score(rows: Sequence[Row]) -> Score:
    if len(rows) == 1:
        return Score(rows[0].value, rows[0].interval, "queries" if rows[0].interval else "nothing")
    return score_over_seeds([row.value for row in rows])


def score_over_seeds(values: Sequence[float]) -> Score:
    """Of two seeds or more: their mean, and its interval."""
    found = interval_over_seeds(values)
    return Score(found.mean, found.interval, "seeds")


def paired(better: Line, than: Line, metric: str) -> dict[int, tuple[float, float]]:
    """Seed -> the scores of both in a metric, for the seeds that both have."""
    a, b = better.values.get(metric, {}), than.values.get(metric, {})
    return {seed: (a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())}


@dataclass(frozen=True)
class _Pair:
    """Two models that are compared in a metric: the configurations in which each has it."""

    better: Sequence[Line]
    than: Sequence[Line]
    metric: str

    @property
    def clear(self) -> bool:
        """Of several configurations nobody has said which one to compare, and their seeds do not pair."""
        return len(self.better) == len(self.than) == 1

    @property
    def scores(self) -> list[tuple[float, float]]:
        return list(paired(self.better[0], self.than[0], self.metric).values())


def _pairs(lines: Sequence[Line], references: Collection[str]) -> Iterator[_Pair]:
    """In the metrics by which models are compared; where something is computed of some of them, in these alone."""
    by_model: dict[str, list[Line]] = {}
    for line in lines:
        by_model.setdefault(line.model, []).append(line)
    for pair in dict.fromkeys((claim.better.model, claim.than.model) for claim in CLAIMS):
        better, than = (by_model.get(model, []) for model in pair)
        metrics = sorted({metric for line in better for metric in line.values if _comparable(metric)})
        for metric in _bounded(metrics, references):
            having = [[line for line in found if metric in line.values] for found in (better, than)]
            if all(having):
                yield _Pair(having[0], having[1], metric)


def _difference(pair: _Pair) -> Difference:
    """Paired by seed; no interval from one."""
    names, scores = (pair.better[0].model, pair.than[0].model, pair.metric), pair.scores
    if len(scores) == 1:
        return Difference(*names, 1, scores[0][0] - scores[0][1], None, None)
    found = difference_over_seeds(*zip(*scores, strict=True))
    apart = [ours - theirs for ours, theirs in scores]
    interval = found.interval if max(apart) - min(apart) >= ALIKE else None
    return Difference(*names, len(scores), found.mean, interval, found.p_value)
