"""Grounds that share a table in the short leaderboard, and its columns and rows.

A retrieval stands alone; the other tasks of a data set and split share a table, a column for each score, in which
nothing is averaged or compared across columns.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.report.groups import Group, Line, Score
from benchmarks.report.protocols import Heading, headings, shared_heading, short_protocol
from quatrefoil.core.measuring.rows import Ground

_TO = "-to-"


@dataclass(frozen=True)
class Column:
    """One score on one ground, and its short name."""

    group: Group
    metric: str
    head: str

    @property
    def bounds(self) -> Mapping[str, float]:
        """Chance, and the best of what knows only some facts."""
        return self.group.references.get(self.metric, {})

    @property
    def models(self) -> int:
        """How many have it."""
        return sum(self.metric in line.scores for line in self.group.lines)


@dataclass(frozen=True)
class BoardRow:
    """A model, with what was trained of it for one column or another; no two of its lines have one score."""

    model: str
    lines: list[tuple[Ground, Line]]

    def line(self, column: Column) -> Line | None:
        """That has this score."""
        ground, metric = column.group.ground, column.metric
        return next((line for place, line in self.lines if place == ground and metric in line.scores), None)

    def score(self, column: Column) -> Score | None:
        line = self.line(column)
        return line.scores[column.metric] if line else None


@dataclass(frozen=True)
class Board:
    """Grounds that share a table.

    Attributes:
        columns: of heads that differ; those that most models have come first.
    """

    heading: str
    groups: Sequence[Group]
    columns: Sequence[Column]

    @property
    def rows(self) -> list[BoardRow]:
        """As few for each model as hold its lines: two configurations that have one score are two rows."""
        found: list[BoardRow] = []
        for group in self.groups:
            for line in group.lines:
                scored = [each for each in self.columns if each.group is group and each.metric in line.scores]
                rows = (row for row in found if row.model == line.model and not any(map(row.line, scored)))
                if (row := next(rows, None)) is None:
                    found.append(row := BoardRow(line.model, []))
                row.lines.append((group.ground, line))
        return found


def boards(groups: Sequence[Group]) -> list[Board]:
    """Every ground in one board, in the order of the grounds, under headings that differ."""
    together: dict[tuple[object, ...], list[Group]] = {}
    for each in groups:
        ground = each.ground
        alone = ground if any(_TO in metric for metric in each.compared) else None
        together.setdefault((ground.embedded, ground.dataset, ground.split, alone), []).append(each)
    names = headings([each.ground for each in groups])
    return [Board(_heading(part, names), part, _columns(part)) for part in together.values()]


def _heading(groups: Sequence[Group], names: Mapping[Ground, Heading]) -> str:
    first = groups[0].ground
    return str(names[first] if len(groups) == 1 else shared_heading(first, len(groups)))


def _columns(groups: Sequence[Group]) -> list[Column]:
    names = telling([short_protocol(group.ground) for group in groups])
    plain = [
        Column(group, metric, _head(names[short_protocol(group.ground)], metric, metrics, len(groups)))
        for group in groups
        for metrics in [_without_accuracy_beside_mcc(group.compared)]
        for metric in metrics
    ]
    times = Counter(column.head for column in plain)
    named = [column if times[column.head] == 1 else replace(column, head=_full(column)) for column in plain]
    return sorted(named, key=lambda column: -column.models)


def _without_accuracy_beside_mcc(metrics: Sequence[str]) -> list[str]:
    """Of one task both say the same, and MCC is 0 for a constant answer, whatever the shares of the classes."""
    judged = {metric.removesuffix("MCC") for metric in metrics if metric.endswith("MCC")}
    return [metric for metric in metrics if not (metric.endswith("accuracy") and metric[: -len("accuracy")] in judged)]


def telling(protocols: Sequence[str]) -> dict[str, str]:
    """Of each path the first part that no other has; all of it where there is none."""
    parts = {protocol: protocol.split("/") for protocol in protocols}

    def elsewhere(part: str, own: str) -> bool:
        return any(part in of_one for protocol, of_one in parts.items() if protocol != own)

    return {own: next((part for part in of_one if not elsewhere(part, own)), own) for own, of_one in parts.items()}


def _head(protocol: str, metric: str, metrics: Sequence[str], grounds: int) -> str:
    """Short for a direction of retrieval; where grounds share a table, the protocol, with what it has several of."""
    if grounds == 1:
        return short_direction(metric)
    return protocol if len(metrics) == 1 else f"{protocol} {metric}"


def short_direction(metric: str) -> str:
    """`t→v` for a metric of `text-to-video`; any other metric as it is."""
    direction, _, _ = metric.rpartition("/")
    return "→".join(side[0] for side in direction.split(_TO)) if _TO in direction else metric


def _full(column: Column) -> str:
    """For heads that would be alike: data of one protocol differ in their hash."""
    return f"{column.head} {column.metric} {column.group.ground.data_hash[:6]}"
