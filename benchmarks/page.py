"""index.html: one page that needs no network, made of the same tables as LEADERBOARD.md, with plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.groups import Group, Line
from benchmarks.plots import bar_plot, colours, line_plot
from benchmarks.tables import group_tables, heading, origin, paper_tables, remarks
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.tables import Table

TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Plot:
    """A title and an SVG."""

    title: str
    svg: str


@dataclass(frozen=True)
class Section:
    """A group as the page shows it."""

    heading: str
    origin: str
    embedded: bool
    remarks: list[str]
    tables: list[Table]
    plots: list[Plot]
    lines: list[Line]


def page(groups: Sequence[Group], papers: Sequence[PaperRow], gallery: str | None = None) -> str:
    """The whole page; `gallery` is a picture of samples beside it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(group) for group in groups]
    shown = {"sections": sections, "papers": paper_tables(papers), "gallery": gallery}
    return environment.get_template(TEMPLATE).render(shown) + "\n"


def _section(group: Group) -> Section:
    return Section(
        heading(group.ground),
        origin(group.ground),
        group.ground.embedded,
        remarks(group),
        group_tables(group),
        _plots(group),
        group.lines,
    )


def _plots(group: Group) -> list[Plot]:
    colour = colours(line.model for line in group.lines)
    recalls = sorted({metric for line in group.lines for metric in line.scores if metric.endswith("R@1")})
    # What was measured once, at the end, is no curve.
    numbers = sorted({name for curve in group.curves for name, points in curve.points.items() if len(points) > 1})
    bars = [Plot(metric, bar_plot(group, metric, colour)) for metric in recalls]
    return bars + [Plot(f"{name} while training", line_plot(group.curves, name, colour)) for name in numbers]
