"""LEADERBOARD.md: tables that read well in a terminal."""

from collections.abc import Sequence

from benchmarks.groups import Group
from benchmarks.tables import group_tables, heading, origin, paper_tables, remarks
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.tables import Table, table_text

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


def _commands(group: Group) -> str:
    """How each model was trained, with the first of its seeds."""
    width = max(len(line.model) for line in group.lines)
    lines = (f"{line.model:{width}}  {line.config_hash}  {line.commands[0]}" for line in group.lines)
    return "\n".join(["### configurations and commands (of the first seed)\n", "```", *lines, "```", ""])
