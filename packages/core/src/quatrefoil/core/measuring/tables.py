"""Tables as text cells, the same ones for the terminal, for Markdown and for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    """Text, the number that it sorts by, and the place in a page that it leads to."""

    text: str
    number: float | None = None
    link: str | None = None

    @classmethod
    def of(cls, value: float | None, form: str = "d") -> Self:
        """A number in this format, a count where none is given; `NOTHING` where there is none."""
        return cls(NOTHING) if value is None else cls(format(value, form), value)


@dataclass(frozen=True)
class TableRow:
    """Cells of a row; computed rows stand above the measured ones and are not sorted with them."""

    cells: Sequence[Cell]
    kind: Literal["computed", "measured", "paper"] = "measured"


@dataclass(frozen=True)
class Table:
    """A table with its title and the remarks below it."""

    title: str
    columns: list[str]
    rows: Sequence[TableRow]
    remarks: Sequence[str] = ()

    @property
    def numeric(self) -> list[bool]:
        """Of each column, whether it holds numbers."""
        columns = zip(*(row.cells for row in self.rows), strict=True)
        return [any(cell.number is not None for cell in column) for column in columns]


def interval_text(ends: Sequence[float] | None, form: str) -> str:
    """`[low, high]`, both in this format; `NOTHING` where there is none."""
    return f"[{', '.join(format(end, form) for end in ends)}]" if ends else NOTHING


def table_text(table: Table) -> str:
    """One table, its title above and its remarks below."""
    rows = [table.columns, *map(_texts, table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = table.numeric
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
