"""All verdicts as one picture."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import Final

from benchmarks.report.verdicts import Verdict, Word
from quatrefoil.core.measuring.forest import BLUE, Estimate, forest_plot

COLOURS: Final[Mapping[Word, str]] = {"supported": "#1e7d46", "contradicted": "#b3352b", "open": BLUE}
MOST: Final = 30.0
"""Points to which the axis reaches at most."""
_HEADING, _WORDS = 130, 74


def claims_plot(found: Sequence[Verdict]) -> str:
    """Of each claim that has two seeds or more the difference, its 95 % interval, and the corrected one around it.

    Claims of several tasks stand below what is claimed of all of them.
    """
    title = "Differences that are claimed to be above zero"
    unit = "points; bold: 95 %, thin: corrected for the number of claims"
    return forest_plot(list(_estimates(found)), unit, title, MOST)


def _estimates(found: Sequence[Verdict]) -> Iterator[Estimate]:
    for verdict in found:
        if verdict.over is None or verdict.corrected is None:
            continue
        claim = verdict.claim
        heading, words = (claim.claimed, claim.task) if claim.task else ("", claim.claimed)
        yield Estimate(
            f"{claim.name}: {shorten(words, _WORDS, placeholder=' ...')}",
            verdict.over.mean,
            verdict.corrected,
            verdict.over.interval,
            COLOURS[verdict.word],
            shorten(heading, _HEADING, placeholder=" ..."),
        )
