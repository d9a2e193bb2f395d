"""Claims, studies, what it took and papers, in short: the page's sections with less in them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from textwrap import shorten
from typing import Final

from benchmarks.report.sections import Section, claims_section, papers_section
from benchmarks.report.spending import spending_sections
from benchmarks.report.studies import study_sections
from benchmarks.report.tables import count_cell
from benchmarks.report.verdicts import Verdict
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow
from quatrefoil.core.wording import counted

_CLAIMED: Final = 60


def short_claims(found: Sequence[Verdict]) -> Section:
    """How many there are of each verdict, those that are decided, and a line for what is claimed of several tasks."""
    decided = [
        f"{verdict.word}: {verdict.claim.name}, {verdict.claim.statement}{_at_what_cost(verdict)}"
        for verdict in found
        if verdict.word != "open"
    ]
    families = groupby(found, lambda verdict: (verdict.claim.family, verdict.claim.claimed))
    rows = [TableRow("measured", _family_cells(*of, list(part))) for of, part in families]
    columns = ["claim", "what is claimed", "of", "n", "differences", "> 0", "< 0", "verdicts"]
    remarks = [
        *decided,
        "of: comparisons, one for each task; differences in points, paired by seed; > 0, < 0: how many have their "
        "95 % interval there, which is not corrected for their number, as a verdict's is",
    ]
    return replace(claims_section(found), tables=[Table("claims", columns, rows, [])], remarks=remarks, plots=())


def _family_cells(name: str, claimed: str, found: Sequence[Verdict]) -> list[Cell]:
    means = [verdict.over.mean for verdict in found if verdict.over]
    words = [verdict.word for verdict in found]
    return [
        Cell(name),
        Cell(shorten(claimed, _CLAIMED, placeholder=" ...")),
        Cell.of(len(found)),
        count_cell([len(verdict.differences) for verdict in found]),
        Cell(_from_to(means, "+.1f")),
        *(Cell.of(sum(verdict.plain_side == side for verdict in found)) for side in (1, -1)),
        Cell(", ".join(_times(words, word) for word in dict.fromkeys(words))),
    ]


def _times(words: Sequence[str], word: str) -> str:
    """The word, with how often it is there where there are others."""
    return word if len({*words}) == 1 else f"{words.count(word)} {word}"


def _from_to(values: Sequence[float], form: str) -> str:
    """The least and the greatest, once where they are the same."""
    ends = dict.fromkeys(f"{end:{form}}" for end in (min(values), max(values))) if values else [NOTHING]
    return " to ".join(ends)


def _at_what_cost(verdict: Verdict) -> str:
    """Equal steps are not equal compute."""
    ours, theirs = verdict.minutes
    return "" if ours is None or theirs is None else f" ({ours:.1f} against {theirs:.1f} minutes of training)"


def short_studies(folder: Path) -> list[Section]:
    """Each study, a line for each model, data and metric; how they are read is told with the first."""
    remarks = [
        "effects: from the least to the greatest of the levels, minus the reference, paired by seed; without 0: how "
        "many have a 95 % interval (Student's, not corrected for their number) without zero",
        "each level with its interval, in spreads of the reference, and with time, memory and parameters: on the page",
    ]
    return [
        replace(section, tables=[_effects(each) for each in section.tables], remarks=[] if place else remarks, plots=())
        for place, section in enumerate(study_sections(folder))
    ]


def _effects(table: Table) -> Table:
    parts = groupby(table.rows, lambda row: row.cells[0])
    rows = [TableRow("measured", _effect_cells(what, list(rows), table.columns)) for what, rows in parts]
    return Table(table.title, ["reference", "n", "score", "levels", "effects", "without 0"], rows, [])


def _effect_cells(what: Cell, rows: Sequence[TableRow], columns: Sequence[str]) -> list[Cell]:
    """Of a reference, which comes first, and its levels; those of which no seed was run have no effect."""
    seeds, score, effect, interval = map(columns.index, ("seeds", "score", "effect", "95 % interval"))
    effects = [number for row in rows[1:] if (number := row.cells[effect].number) is not None]
    without = sum(_leaves_out_zero(row.cells[interval].text) for row in rows[1:])
    return [
        what,
        *(rows[0].cells[place] for place in (seeds, score)),
        Cell.of(len(effects)),
        Cell(_from_to(effects, "+.2f")),
        Cell.of(without),
    ]


def _leaves_out_zero(interval: str) -> bool:
    """Of an interval as a study's table has it: `[-1.00, 2.00]`, or that there is none."""
    if interval == NOTHING:
        return False
    low, high = map(float, interval.strip("[]").split(", "))
    return not low <= 0 <= high


def short_spending(stored: Sequence[Results]) -> list[Section]:
    """What all runs took, in a sentence."""
    return [replace(section, tables=[], remarks=()) for section in spending_sections(stored)]


def short_papers(rows: Sequence[PaperRow]) -> list[Section]:
    """Of which data sets papers print numbers."""
    sets = ", ".join(sorted({row.dataset for row in rows}))
    told = f"{counted(len(rows), 'row')} on {sets}: on the page, each with who printed it and where it was read."
    lead = ["Not measured here; real corpora, full-size models.", told]
    return [replace(section, lead=lead, tables=[]) for section in papers_section(rows)]
