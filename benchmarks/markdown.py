"""LEADERBOARD.md: tables that read well in a terminal."""

from collections.abc import Sequence

from benchmarks.groups import Group
from benchmarks.rows import PaperRow
from benchmarks.tables import Table, TableRow, group_tables, heading, origin, paper_tables, remarks

HEAD = """\
# Leaderboard

Recall in percent, higher is better; MedR and MnR are median and mean rank, lower is better; ties count against the
model. Every number comes from a stored row that names its command, configuration, data and commit.
"""
PAPERS = """\
## Printed in papers

Not measured here; real corpora, full-size models. Sources are named below each table.
"""
NO_RESULTS = "No results are stored yet: run `make bench`.\n"


def markdown(groups: Sequence[Group], papers: Sequence[PaperRow]) -> str:
    """The whole file."""
    parts = [HEAD, *map(_section, groups)] if groups else [HEAD, NO_RESULTS]
    if papers:
        parts += [PAPERS, *map(_table, paper_tables(papers))]
    return "\n".join(parts)


def _section(group: Group) -> str:
    title = f"## {heading(group.ground)}\n\n{origin(group.ground)}\n"
    notes = [*(f"- {remark}" for remark in remarks(group)), ""]
    return "\n".join([title, *notes, *map(_table, group_tables(group)), _commands(group)])


def _table(table: Table) -> str:
    rows = [table.columns, *map(_texts, table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    head, *body = (_line(row, widths) for row in rows)
    notes = [*(f"- {remark}" for remark in table.remarks), ""] if table.remarks else []
    return "\n".join([f"### {table.title}\n", head, rule, *body, "", *notes])


def _commands(group: Group) -> str:
    """How each model was trained, with the first of its seeds."""
    width = max(len(line.model) for line in group.lines)
    lines = (f"{line.model:{width}}  {line.config_hash}  {line.commands[0]}" for line in group.lines)
    return "\n".join(["### configurations and commands (of the first seed)\n", "```", *lines, "```", ""])


def _texts(row: TableRow) -> list[str]:
    return [cell.text for cell in row.cells]


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    first, *rest = zip(texts, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
    return f"| {' | '.join(cells)} |"
