"""index.html: one page that needs no network, with every section and its plots; LEADERBOARD.md is its short form."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmarks.report.confusions import Confusions
from benchmarks.report.pictures import Pictures
from benchmarks.report.sections import HOW_TO_READ, NO_RESULTS, Section

TEMPLATE = "page.html.j2"


def page(
    sections: Sequence[Section],
    root: str,
    gallery: str | None = None,
    confusions: Confusions | None = None,
    pictures: Pictures | None = None,
) -> str:
    """The whole page.

    Args:
        root: the way from the page to the root of the repository, for links.
        gallery: a picture of samples beside the page.
        confusions: what a run got wrong, with clips that lie beside the page.
        pictures: what a run has learned, drawn beside the page.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"coded": coded, "slug": slug}
    text = environment.get_template(TEMPLATE).render(
        sections=sections,
        contents=[(data, list(of_it)) for data, of_it in groupby(sections, key=lambda section: section.data)],
        root=root,
        how_to_read=HOW_TO_READ,
        no_results=NO_RESULTS,
        gallery=gallery,
        confusions=confusions,
        pictures=pictures,
    )
    return f"{text}\n"


def coded(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    return Markup(re.sub("`(.+?)`", r"<code>\1</code>", str(escape(text))))


def slug(heading: str) -> str:
    """A heading as the name of its place in the page."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
