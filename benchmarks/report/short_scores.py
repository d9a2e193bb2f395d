"""The rows in short: what models are compared by.

Differences that claims are judged by stand with the claims; where models of a claim were measured on other data, here.

A table that is too wide for a terminal is told in parts.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from benchmarks.claims import CLAIMS
from benchmarks.report.boards import Board, BoardRow, Column, boards
from benchmarks.report.groups import Difference, Group, Score
from benchmarks.report.protocols import brief, lead
from benchmarks.report.sections import Section
from benchmarks.report.tables import bound_remarks, count_cell, machines, reference_name, uncompared_remarks, value_cell
from benchmarks.report.verdicts import SPLIT, Verdict
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text, table_text
from quatrefoil.core.wording import counted

WIDTH = 120
"""Columns of a terminal."""
ON_THE_PAGE: Final = "gc_content"
"""A bound that is told there alone: what one reaches who counts G and C, which is near to chance."""
DECLARED = frozenset(claim.compares for claim in CLAIMS)
"""What claims compare: two models in one metric."""


class Declared(NamedTuple):
    """A difference that claims speak of, and its ground."""

    group: Group
    difference: Difference


def short_group_sections(groups: Sequence[Group], found: Sequence[Verdict]) -> list[Section]:
    """A section for each board of the split that claims are of."""
    return [_section(board, found) for board in boards([each for each in groups if each.ground.split == SPLIT])]


def _section(board: Board, found: Sequence[Verdict]) -> Section:
    declared = _declared(board.groups, found)
    tables = [_difference_table(board, declared)] if declared else []
    others = sum(len(group.differences) for group in board.groups) - len(declared)
    return Section(
        board.heading,
        board.groups[0].ground.embedded,
        lead(board.groups[0].ground) if len(board.groups) == 1 else [],
        [*_score_tables(board, board.columns), *tables],
        [*_legend(board), *_remarks(board), *_elsewhere(others, bool(found))],
    )


def _declared(groups: Sequence[Group], found: Sequence[Verdict]) -> list[Declared]:
    """What claims compare, of two models that no claim is judged by on any of these grounds."""
    named = [Declared(g, d) for g in groups for d in g.differences if d.compares in DECLARED]
    judged = {each.difference.compares[:2] for each in named if _judges(*each, found)}
    return [each for each in named if each.difference.compares[:2] not in judged]


def _legend(board: Board) -> Iterator[str]:
    """What the heads of the columns mean."""
    if len(board.groups) > 1:
        for of in board.groups:
            heads = [_told_head(column) for column in board.columns if column.group is of]
            yield f"{', '.join(heads)}: {brief(of.ground)}"
    elif short := [f"{each.head}: {each.metric}" for each in board.columns if each.head != each.metric]:
        yield ", ".join(short)


def _told_head(column: Column) -> str:
    return column.head if column.head.endswith(column.metric) else f"{column.head} ({column.metric})"


def _remarks(board: Board) -> Iterator[str]:
    yield f"trained on {machines(board.groups)}"
    yield from bound_remarks(_readers(board.columns))
    for group in board.groups:
        yield from uncompared_remarks(group)


def _elsewhere(count: int, judged: bool) -> Iterator[str]:
    if count:
        besides = "; those that claims are about: in CLAIMS.md" if judged else ""
        yield f"{counted(count, 'difference')} of these models: on the page{besides}"


def _score_tables(board: Board, columns: Sequence[Column]) -> list[Table]:
    """As few tables as fit into a terminal, each with as many of the columns as it has room for, one at least."""
    fitting = [_score_table(board, columns[: end + 1]) for end in range(len(columns))]
    while len(fitting) > 1 and max(map(len, table_text(fitting[-1]).splitlines())) > WIDTH:
        fitting.pop()
    rest = columns[len(fitting) :]
    return [fitting[-1], *(_score_tables(board, rest) if rest else [])]


def _score_table(board: Board, columns: Sequence[Column]) -> Table:
    """The models that have one of these scores, best first in the first of them; chance and bounds above."""

    def rank(row: BoardRow) -> list[tuple[bool, float]]:
        """A row without a score comes after those that have it."""
        return [(score is None, -score.mean if score else 0.0) for score in map(row.score, columns)]

    rows = sorted((row for row in board.rows if any(map(row.score, columns))), key=rank)
    computed = [TableRow(_computed(reader, columns), "computed") for reader in _readers(columns)]
    heads = [column.head for column in columns]
    title = "scores" if len(columns) == len(board.columns) else f"scores: {', '.join(heads)}"
    measured = [TableRow(_measured(row, columns)) for row in rows]
    return Table(title, ["model", "n", *heads, "M", "min"], [*computed, *measured])


def _readers(columns: Sequence[Column]) -> list[str]:
    """Who has a bound in one of these scores, each once."""
    return [name for name in dict.fromkeys(n for each in columns for n in each.bounds) if name != ON_THE_PAGE]


def _computed(reader: str, columns: Sequence[Column]) -> list[Cell]:
    values = (value_cell(column.bounds.get(reader)) for column in columns)
    return [Cell(reference_name(reader)), Cell(NOTHING), *values, Cell(NOTHING), Cell(NOTHING)]


def _measured(row: BoardRow, columns: Sequence[Column]) -> list[Cell]:
    """Of costs the mean over what was trained for these columns; `n` of its scores, from the fewest to the most."""
    scored = [(line, column.metric) for column in columns if (line := row.line(column))]
    lines = {id(line): line for line, _ in scored}.values()
    minutes = [line.minutes_in_all for line in lines if line.minutes_in_all is not None]
    parameters = fmean(line.parameters / 1e6 for line in lines)
    return [
        Cell(row.model),
        count_cell([len(line.values[metric]) for line, metric in scored]),
        *(short_score(score) if score else Cell(NOTHING) for score in map(row.score, columns)),
        Cell.of(parameters, ".2f"),
        Cell.of(fmean(minutes), ".1f") if len(minutes) == len(lines) else Cell("?"),
    ]


def short_score(score: Score) -> Cell:
    """Mean and half of the interval over seeds, to a whole number where that is wide; of one seed the value alone."""
    if score.interval is None or score.over != "seeds":
        return Cell.of(score.mean, ".1f")
    half = (score.interval[1] - score.interval[0]) / 2
    return Cell(f"{score.mean:.1f}±{half:.{0 if half >= 9.95 else 1}f}", score.mean)


def _difference_table(board: Board, declared: Sequence[Declared]) -> Table:
    heads = {(column.group.ground, column.metric): column.head for column in board.columns}
    rows = [_difference(told, heads[group.ground, told.metric]) for group, told in declared]
    columns = ["model", "minus", "score", "n", "points", "95 % interval"]
    return Table("declared differences", columns, list(map(TableRow, rows)))


def _difference(told: Difference, head: str) -> list[Cell]:
    return [
        *map(Cell, (told.better, told.than, head)),
        Cell.of(told.seeds),
        Cell.of(told.mean, "+.1f"),
        Cell(interval_text(told.interval, "+.1f")),
    ]


def _judges(group: Group, difference: Difference, found: Sequence[Verdict]) -> bool:
    """Whether these runs are the arms of a claim: elsewhere models of these names have others."""
    here = {line.anchor for line in group.lines}
    return any(each.claim.compares == difference.compares and set(each.anchors) <= here for each in found)
