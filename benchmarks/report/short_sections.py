"""Claims, studies, what it took and papers, in short: the page's sections with less in them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from textwrap import shorten
from typing import Final

from benchmarks.report.claims_table import decided
from benchmarks.report.sections import Section, claims_head, papers_section
from benchmarks.report.spending import spending_sections
from benchmarks.report.studies import StoredStudy
from benchmarks.report.tables import count_cell
from benchmarks.report.verdicts import Verdict
from quatrefoil.core.ablation.report import EffectRecord, effect_cells
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow
from quatrefoil.core.wording import counted

_CLAIMED: Final = 56


def short_claims(found: Sequence[Verdict]) -> Section:
    """How many there are of each verdict, those that are decided, and a line for what is claimed of several tasks."""
    families = groupby(found, lambda verdict: (verdict.claim.family, verdict.claim.claimed))
    rows = [TableRow(_family_cells(*of, list(part))) for of, part in families]
    columns = ["claim", "what is claimed", "of", "n", "differences", "> 0", "< 0", "verdicts"]
    remarks = [
        *decided(found),
        "of: comparisons, one for each task; differences in points, paired by seed; > 0, < 0: how many have their "
        "95 % interval there, which is not corrected for their number, as a verdict's is, which stands in brackets "
        "behind what is decided; both suppose differences to be about normal, which five seeds cannot show",
    ]
    return replace(claims_head(found), tables=[Table("claims", columns, rows)], remarks=remarks)


def _family_cells(name: str, claimed: str, found: Sequence[Verdict]) -> list[Cell]:
    means = [verdict.over.mean for verdict in found if verdict.over]
    words = _words(found)
    return [
        Cell(name),
        Cell(shorten(claimed, _CLAIMED, placeholder=" ...")),
        Cell.of(len(found)),
        count_cell([len(verdict.differences) for verdict in found]),
        Cell(_from_to(means, "+.1f")),
        *(Cell.of(sum(verdict.plain_side == side for verdict in found)) for side in (1, -1)),
        Cell(", ".join(_times(words, word) for word in dict.fromkeys(words))),
    ]


def _words(found: Sequence[Verdict]) -> list[str]:
    """Of each its verdict; how many seeds an open one is short of where all are short of as many."""
    said = [verdict.said for verdict in found]
    if len({*said}) == 1:
        return said
    return ["open, seeds short" if verdict.scores and verdict.lacking else verdict.said for verdict in found]


def _times(words: Sequence[str], word: str) -> str:
    """The word, with how often it is there where there are others."""
    return word if len({*words}) == 1 else f"{words.count(word)} {word}"


def _from_to(values: Sequence[float], form: str) -> str:
    """The least and the greatest, once where they are the same."""
    ends = dict.fromkeys(f"{end:{form}}" for end in (min(values), max(values))) if values else [NOTHING]
    return " to ".join(ends)


def short_studies(studies: Sequence[StoredStudy]) -> list[Section]:
    """Each study, a line for each model, data and metric; how they are read is told with the first."""
    remarks = [
        "effects: from the least to the greatest of the levels, minus the reference, paired by seed; without 0: how "
        "many have a 95 % interval (Student's, not corrected for their number) without zero",
        "each level with its interval, in spreads of the reference, and with time, memory and parameters: on the page",
    ]
    return [
        replace(study.section, tables=[_effects(study)], remarks=[] if place else remarks, plots=())
        for place, study in enumerate(studies)
    ]


def _effects(study: StoredStudy) -> Table:
    parts = groupby(study.effects, lambda effect: effect_cells(effect)[0])
    rows = [TableRow(_effect_cells(what, list(effects))) for what, effects in parts]
    columns = ["reference", "n", "score", "levels", "effects", "without 0"]
    return Table(study.section.tables[0].title, columns, rows)


def _effect_cells(what: Cell, effects: Sequence[EffectRecord]) -> list[Cell]:
    """Of a reference, which comes first, and its levels; those of which no seed was run have no effect."""
    reference, *levels = effects
    found = [effect["difference"] for effect in levels if effect["difference"] is not None]
    intervals = [effect["interval"] for effect in levels if effect["interval"]]
    return [
        what,
        Cell.of(len(reference["seeds"])),
        Cell.of(reference["score"], ".2f"),
        Cell.of(len(found)),
        Cell(_from_to(found, "+.2f")),
        Cell.of(sum(not low <= 0 <= high for low, high in intervals)),
    ]


def short_spending(stored: Sequence[Results]) -> list[Section]:
    """What all runs took, in a sentence."""
    return [replace(section, tables=[], remarks=()) for section in spending_sections(stored)]


def short_papers(rows: Sequence[PaperRow]) -> list[Section]:
    """Of which data sets papers print numbers."""
    sets = ", ".join(sorted({row.dataset for row in rows}))
    told = f"{counted(len(rows), 'row')} on {sets}: on the page, each with who printed it and where it was read."
    lead = ["Not measured here; real corpora, full-size models.", told]
    return [replace(section, lead=lead, tables=[]) for section in papers_section(rows)]
