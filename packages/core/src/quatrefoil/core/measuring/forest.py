"""Estimates with their intervals, a line each, around zero: a forest plot, in coordinates as of `svg`."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quatrefoil.core.measuring import svg

WIDTH, LEFT, RIGHT, LINE, TOP, BOTTOM = 900, 470, 20, 20, 12, 40
BLUE = "#2563a8"

Ends = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A line of the plot.

    Args:
        words: what it is of.
        value, ends: the estimate and the ends of its interval, in the unit of the plot.
        inner: those of a narrower interval, drawn bold.
        under: a heading above the lines that share it.
    """

    words: str
    value: float
    ends: Ends
    inner: Ends | None = None
    colour: str = BLUE
    under: str = ""


def forest_plot(estimates: Sequence[Estimate], unit: str, title: str, most: float, style: str = "") -> str:
    """All estimates, in their order.

    Args:
        most: to which the axis reaches at most; an interval that goes on is drawn dashed.
        style: a `<style>` of its own, for a picture that is no part of a page.
    """
    furthest = max([1.0, *(abs(end) for each in estimates for end in each.ends)])
    if not estimates:
        words = svg.label(0, LINE, "no estimate has an interval in this unit: there is none to draw", "label", "start")
        return svg.document(WIDTH, 2 * LINE, title, [style, words], alone=bool(style)) + "\n"
    axis = _Axis(min(most, float(math.ceil(furthest))))
    lines: list[str] = []
    under, bottom = "", float(TOP)
    for each in estimates:
        if each.under != under:
            under = each.under
            lines += [svg.label(0, bottom + LINE / 2 + 4, under, "subject", "start")] if under else []
            bottom += LINE if under else LINE / 2
        lines += axis.line(each, bottom + LINE / 2)
        bottom += LINE
    parts = [style, *axis.drawn(bottom, unit), *lines]
    return svg.document(WIDTH, bottom + BOTTOM, title, parts, alone=bool(style)) + "\n"


@dataclass(frozen=True)
class _Axis:
    """From `-reach` to `reach`, to the right of the words."""

    reach: float

    def x(self, value: float) -> float:
        inside = max(-self.reach, min(self.reach, value))
        return LEFT + (WIDTH - LEFT - RIGHT) * (inside + self.reach) / (2 * self.reach)

    def drawn(self, bottom: float, unit: str) -> Iterator[str]:
        for value in (-self.reach, -self.reach / 2, 0.0, self.reach / 2, self.reach):
            x = self.x(value)
            yield svg.path([(x, TOP), (x, bottom)], "grid" if value else "zero")
            yield svg.label(x, bottom + 16, f"{value:+g}" if value else "0", "tick", "middle")
        yield svg.label(WIDTH - RIGHT, bottom + 32, unit, "tick", "end")

    def line(self, each: Estimate, y: float) -> Iterator[str]:
        yield svg.label(LEFT - 8, y + 4, each.words, "label", "end")
        inside = -self.reach <= each.ends[0] and each.ends[1] <= self.reach
        yield svg.path([(self.x(end), y) for end in each.ends], "whisker" if inside else "cut")
        if each.inner is not None:
            yield svg.path([(self.x(end), y) for end in each.inner], "inner", each.colour)
        yield f'<circle cx="{self.x(each.value):.1f}" cy="{y:.1f}" r="4" fill="{each.colour}"/>'
