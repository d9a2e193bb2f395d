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
CLAIMS_HEAD = """\
What the papers claim, tested where the truth is known, by `make claims`. Every score is a stored row of LEADERBOARD.md.
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
        parts += [PAPERS, *map(table_text, paper_tables(papers))]
    return "\n".join(parts)


def _section(group: Group) -> str:
    title = f"## {heading(group.ground)}\n\n{origin(group.ground)}\n"
    notes = [*(f"- {remark}" for remark in remarks(group)), ""]
    return "\n".join([title, *notes, *map(table_text, group_tables(group)), _commands(group)])


def claims_markdown(claims: Table) -> str:
    """CLAIMS.md."""
    return f"# Claims\n\n{CLAIMS_HEAD}\n{table_text(claims)}"


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


def _commands(group: Group) -> str:
    """How each model was trained, with the first of its seeds."""
    width = max(len(line.model) for line in group.lines)
    lines = (f"{line.model:{width}}  {line.config_hash}  {line.commands[0]}" for line in group.lines)
    return "\n".join(["### configurations and commands (of the first seed)\n", "```", *lines, "```", ""])


def _texts(row: TableRow) -> list[str]:
    return [cell.text for cell in row.cells]


def _line(texts: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    """Words to the left, numbers to the right."""
    cells = [
        text.rjust(width) if number else text.ljust(width)
        for text, width, number in zip(texts, widths, numeric, strict=True)
    ]
    return f"| {' | '.join(cells)} |"
