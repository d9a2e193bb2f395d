"""Tables as text cells, the same ones for the terminal, for Markdown and for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    """Text, and the number that it sorts by."""

    text: str
    number: float | None = None


@dataclass(frozen=True)
class TableRow:
    """Cells of a row; computed rows stand above the measured ones and are not sorted with them."""

    kind: Literal["computed", "measured", "paper"]
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """A table with its title and the remarks below it."""

    title: str
    columns: list[str]
    rows: list[TableRow]
    remarks: list[str]


def table_text(table: Table) -> str:
    """One table, its title above and its remarks below."""
    rows = [table.columns, *map(_texts, table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = [
        any(cell.number is not None for cell in column)
        for column in zip(*(row.cells for row in table.rows), strict=True)
    ]
    rules = ("-" * (width + 1) + (":" if number else "-") for width, number in zip(widths, numeric, strict=True))
    rule = "|".join(["", *rules, ""])
    head, *body = (_line(row, widths, numeric) for row in rows)
    notes = [*(f"- {remark}" for remark in table.remarks), ""] if table.remarks else []
    return "\n".join([f"### {table.title}\n", head, rule, *body, "", *notes])


def _texts(row: TableRow) -> list[str]:
    return [cell.text for cell in row.cells]


def _line(texts: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    """Words to the left, numbers to the right."""
    cells = [
        text.rjust(width) if number else text.ljust(width)
        for text, width, number in zip(texts, widths, numeric, strict=True)
    ]
    return f"| {' | '.join(cells)} |"
