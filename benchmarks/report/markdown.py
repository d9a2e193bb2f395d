"""LEADERBOARD.md: tables that read well in a terminal."""

from collections.abc import Iterator, Sequence

from benchmarks.report.sections import HOW_TO_READ, NO_RESULTS, Section
from quatrefoil.core.measuring.tables import Table, table_text

CLAIMS_HEAD = """\
What the papers claim, tested where the truth is known, by `make claims`, some of them by `make claims CLAIMS="T1 C2"`
(C2 is all of its parts). Every score is a stored row of LEADERBOARD.md.
"""


def markdown(sections: Sequence[Section]) -> str:
    """The whole file."""
    return "\n".join([f"# Leaderboard\n\n{HOW_TO_READ}", *(map(_section, sections) if sections else [NO_RESULTS])])


def _section(section: Section) -> str:
    return "\n".join(_parts(section))


def _parts(section: Section) -> Iterator[str]:
    yield f"## {section.heading}\n"
    yield "\n".join(section.lead) + "\n"
    if section.links:
        yield f"See {', '.join(f'[{link.words}]({link.path})' for link in section.links)}.\n"
    if section.remarks:
        yield "\n".join(f"- {remark}" for remark in section.remarks) + "\n"
    yield from map(table_text, [*section.tables, *section.parts])
    if section.commands:
        yield "\n".join(["### configurations and commands (each of one seed)\n", "```", *section.commands, "```", ""])


def claims_markdown(claims: Table) -> str:
    """CLAIMS.md."""
    return f"# Claims\n\n{CLAIMS_HEAD}\n{table_text(claims)}"
