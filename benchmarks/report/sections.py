"""What the page shows, section by section."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from benchmarks.report.claims_plot import claims_plot
from benchmarks.report.claims_table import claim_table, decided, seed_table
from benchmarks.report.groups import Goal, Group, Line
from benchmarks.report.marks import Mark, marks
from benchmarks.report.plots import Marks, bar_plot, cost_plot, line_plot
from benchmarks.report.protocols import Heading, headings, lead
from benchmarks.report.tables import group_tables, paper_tables, part_tables, remarks
from benchmarks.report.verdicts import Verdict
from quatrefoil.core.evaluation.printed import headline
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.tables import Table

HOW_TO_READ = """\
Recall, accuracy and the like in percent, higher is better; MedR and MnR are median and mean rank, lower is better; ties
count against the model. Every number of a model comes from a stored row that names its command, configuration, data and
commit, to which its name leads; those of real sequences, spoken digits and speeds from files that name their commands.
"""
NO_RESULTS = "No results are stored yet: run `make bench`.\n"


@dataclass(frozen=True)
class Plot:
    """A title and an SVG."""

    title: str
    svg: str


@dataclass(frozen=True)
class Link:
    """Words that lead to a file of the repository, named from its root."""

    words: str
    path: str


class Command(NamedTuple):
    """What made a part of a section, and the name of its place in the page, where a row leads to it."""

    said: str
    anchor: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of the leaderboard.

    Attributes:
        embedded: the data were made by this project; None where it is not about one set of data.
        lead: sentences below the heading, with `code` in them. links: where more is told.
        remarks: how the numbers are to be read.
        parts: tables of scores by kinds of items.
        plots, losses, legend: for the page; losses are folded away.
        commands: what made it.
        data, brief: where the contents list several sections together, as being of these data, and by which words.
    """

    heading: str
    embedded: bool | None
    lead: Sequence[str]
    tables: Sequence[Table]
    remarks: Sequence[str] = ()
    parts: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    losses: Sequence[Plot] = ()
    legend: Sequence[Mark] = ()
    commands: Sequence[Command] = ()
    links: Sequence[Link] = ()
    data: str = ""
    brief: str = ""


def group_sections(groups: Sequence[Group]) -> list[Section]:
    """A section for each ground, under headings that differ."""
    names = headings([group.ground for group in groups])
    return [_group_section(group, names[group.ground]) for group in groups]


def _group_section(group: Group, heading: Heading) -> Section:
    of = marks(line.model for line in group.lines)
    return Section(
        str(heading),
        group.ground.embedded,
        lead(group.ground),
        group_tables(group),
        remarks(group),
        part_tables(group),
        list(_plots(group, of)),
        list(_losses(group, of)),
        list(of.values()),
        _commands(group.lines),
        data=heading.data,
        brief=heading.below,
    )


def _commands(lines: Sequence[Line]) -> list[Command]:
    """How each model was trained: the commits of the code, then one command or two, those of the first seed."""
    return [Command("\n    ".join(_said(line)), line.anchor) for line in lines]


def _said(line: Line) -> list[str]:
    made = "; ".join(f"{seeds_text(seeds)} at commit {commit}" for commit, seeds in line.commits.items())
    head = f"{line.model}, configuration {line.config_hash}, {made}"
    return [head, *([line.before] if line.before else []), line.commands[0]]


def seeds_text(seeds: Sequence[int]) -> str:
    """In words."""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"


def _plots(group: Group, of: Marks) -> Iterator[Plot]:
    """Scores against bounds, against what they cost, and on validation while they were learned."""
    for metric in group.headlines:
        lines = [line for line in group.lines if metric in line.scores]
        if metric in group.references or len(lines) > 1:
            yield Plot(f"{metric} against chance and bounds", bar_plot(group, metric, of))
        timed = [line for line in lines if line.minutes_in_all is not None]
        if len(timed) > 1:
            yield Plot(f"{metric} against time", cost_plot(timed, metric, _minutes, "minutes of all training", of))
        if len({line.parameters for line in lines}) > 1:
            yield Plot(f"{metric} against size", cost_plot(lines, metric, _millions, "million parameters", of))
    # What was measured once, at the end, is no curve; losses of different objectives share no axis.
    names = {name for curve in group.curves for name, points in curve.points.items() if len(points) > 1}
    for name in sorted(filter(headline, names)):
        yield Plot(f"{name} while training", line_plot(group.curves, name, of))


def _minutes(line: Line) -> float:
    assert line.minutes_in_all is not None, "only lines whose time is known are drawn against it"
    return line.minutes_in_all


def _millions(line: Line) -> float:
    return line.parameters / 1e6


def _losses(group: Group, of: Marks) -> Iterator[Plot]:
    """The training loss, one plot for each goal: sums of other objectives are other numbers."""

    def goal(number: int) -> Goal:
        return group.goals[group.curves[number].run]

    for name, numbers in groupby(sorted(range(len(group.curves)), key=goal), goal):
        curves = [group.curves[number] for number in numbers]
        if any(len(curve.points.get("loss", ())) > 1 for curve in curves):
            yield Plot(f"loss of {' '.join(name)}", line_plot(curves, "loss", of))


def claims_section(found: Sequence[Verdict]) -> Section:
    """The verdicts, in the order of the claims."""
    return replace(
        claims_head(found),
        tables=[claim_table(found)],
        remarks=decided(found),
        parts=[seed_table(found)] if any(each.scores for each in found) else [],
        plots=[Plot("differences, in points", claims_plot(found))] if any(each.corrected for each in found) else [],
    )


def claims_head(found: Sequence[Verdict]) -> Section:
    """How many there are of each verdict, without any of them."""
    words = [verdict.word for verdict in found]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("supported", "contradicted", "open"))
    unmeasured = sum(not verdict.differences for verdict in found)
    lacking = f"; of {unmeasured} nothing is measured yet" if unmeasured else ""
    return Section(
        "Claims of the papers (EMBEDDED benchmarks, not real corpora)",
        True,
        [
            f"{len(found)} comparisons, by `make claims`: {counts}{lacking}.",
            *_plainly(found),
        ],
        [],
        links=[Link("all claims, their sources, and what a verdict takes", "CLAIMS.md")],
    )


def _plainly(found: Sequence[Verdict]) -> Iterator[str]:
    """What intervals that are not corrected would say, beside what they would say of nothing."""
    sides = [verdict.plain_side for verdict in found if verdict.corrected]
    if sides:
        yield (
            f"Before the correction for their number, {sides.count(1)} of {len(sides)} differences have a 95 % "
            f"interval above zero and {sides.count(-1)} one below; were all of them nothing, {len(sides) / 40:.1f} "
            "would have each."
        )


def corpora_section(groups: Sequence[Group]) -> list[Section]:
    """That no corpus of videos or of sounds with text is measured, where that is so."""
    real = (group for group in groups if not group.ground.embedded)
    if any(not line.recipe.startswith("genebert/") for group in real for line in group.lines):
        return []
    lead = (
        "But for spoken digits none is measured here. `QUATREFOIL_DATA=FOLDER make bench` measures each that it finds "
        "in the folder."
    )
    return [Section("Corpora of videos and sounds", None, [lead], [])]


def papers_section(rows: Sequence[PaperRow]) -> list[Section]:
    """What papers print; none where there are no such rows."""
    lead = "Not measured here; real corpora, full-size models. Sources are named below each table."
    return [Section("Printed in papers", None, [lead], paper_tables(rows))] if rows else []
