"""Plots as inline SVG, written by hand so that the same numbers are the same bytes.

Coordinates are pixels from the upper left corner, rounded to a tenth.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from benchmarks.report.groups import Group, Line
from benchmarks.report.marks import Mark
from benchmarks.report.tables import reference_name, score_cell, value_text
from quatrefoil.core.measuring import svg
from quatrefoil.core.measuring.ranges import limits
from quatrefoil.core.measuring.rows import Curve

WIDTH, HEIGHT = 520, 270
_LETTER, _RIGHT, _BAR, _GAP = 6.6, 110, 15, 8
_MOST_STEPS = 4
"""Between lines of a bar plot, so that their numbers do not touch beside the longest names."""
_LEFT, _BOTTOM, _TOP, _END = 46, 40, 22, 16

Marks = Mapping[str, Mark]


@dataclass(frozen=True)
class Bars:
    """The room of a bar plot: names on the left, percent from `left` on, texts on the right.

    Attributes:
        least, most: the ends of the percent, of which the first is 0 or below.
        step: between its lines; both ends are on one.
    """

    left: float
    height: float
    least: float
    most: float
    step: float

    @classmethod
    def over(cls, left: float, height: float, values: Sequence[float]) -> "Bars":
        """With room for all of these values, up to 100 % where they need more than half of it, and few lines."""
        farthest = max(map(abs, values))
        whole = 100 if farthest > 50 else round_up(farthest)
        for step in (whole / 4, whole / 2, whole):
            down, up = (math.ceil(max(0, end) / step) for end in (-min(values), max(values)))
            if down + up <= _MOST_STEPS:
                break
        return cls(left, height, -down * step, max(1, up) * step, step)

    def x(self, percent: float) -> float:
        return self.left + (WIDTH - self.left - _RIGHT) * self._share(min(max(percent, self.least), self.most))

    def _share(self, percent: float) -> float:
        return (percent - self.least) / (self.most - self.least)

    def grid(self) -> Iterator[str]:
        for place in range(round((self.most - self.least) / self.step) + 1):
            x = self.x(percent := self.least + place * self.step)
            yield svg.path([(x, 4), (x, self.height - 20)], "grid")
            yield svg.label(x, self.height - 6, f"{percent:g} %", "tick", "middle")

    def reference(self, place: int, name: str, value: float) -> list[str]:
        """A bar that is no model's, and a line from it down through all that are."""
        x, y = self.x(value), _y(place)
        start, width = self._from_zero(value)
        box = f'<rect class="reference" x="{start:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}"/>'
        down = svg.path([(x, y), (x, self.height - 20)], "bound")
        return [box, down, *self._texts(place, name, f"{value_text(value)} computed", x, "computed")]

    def bar(self, place: int, line: Line, metric: str, mark: Mark) -> str:
        score = line.scores[metric]
        said, (start, width) = score_cell(score).text, self._from_zero(score.mean)
        box = (
            f'<rect x="{start:.1f}" y="{_y(place)}" width="{width:.1f}" height="{_BAR}" fill="{mark.colour}"/>',
            *self._texts(place, line.model, said, WIDTH - _RIGHT, "label"),
        )
        middle = _y(place) + _BAR / 2
        ends = [(self.x(end), middle) for end in score.interval or ()]
        return mark.drawn([*box, *([svg.path(ends, "whisker")] if ends else [])], said)

    def _from_zero(self, value: float) -> tuple[float, float]:
        """Where the bar of a value begins, and how wide it is."""
        ends = sorted((self.x(0), self.x(value)))
        return ends[0], ends[1] - ends[0]

    def _texts(self, place: int, name: str, text: str, x: float, kind: str) -> list[str]:
        base = _y(place) + _BAR - 3.5
        return [svg.label(self.left - 8, base, name, kind, "end"), svg.label(x + 6, base, text, kind, "start")]


def _y(place: int) -> int:
    return 8 + place * (_BAR + _GAP)


def bar_plot(group: Group, metric: str, of: Marks) -> str:
    """Scores in one metric (percent), best first, with intervals; chance and bounds above them run down as lines."""
    references = {reference_name(reader): value for reader, value in group.references.get(metric, {}).items()}
    lines = sorted((each for each in group.lines if metric in each.scores), key=lambda each: -each.scores[metric].mean)
    longest = max(map(len, [*references, *(line.model for line in lines)]))
    ends = (end for line in lines for end in (line.scores[metric].mean, *(line.scores[metric].interval or ())))
    (low, high), height = limits(metric), _y(len(references) + len(lines)) + 22
    drawn = [min(max(end, low), high) for end in (*references.values(), *ends)]
    room = Bars.over(longest * _LETTER + 16, height, drawn)
    parts = list(room.grid())
    for place, (name, value) in enumerate(references.items()):
        parts += room.reference(place, name, value)
    parts += [room.bar(place, line, metric, of[line.model]) for place, line in enumerate(lines, start=len(references))]
    return svg.document(WIDTH, room.height, f"{metric}, percent, against chance and bounds", parts)


@dataclass(frozen=True)
class Axes:
    """Two axes: from zero to `right`, and from `least`, which is zero or below, to `top`."""

    right: float
    top: float
    least: float = 0.0

    @classmethod
    def over(cls, right: float, values: Sequence[float]) -> "Axes":
        """With room for all of these values."""
        lowest = min(values)
        return cls(right, round_up(max(values)), -round_up(-lowest) if lowest < 0 else 0.0)

    def at(self, x: float, y: float) -> tuple[float, float]:
        width, height = WIDTH - _LEFT - _END, HEIGHT - _BOTTOM - _TOP
        return _LEFT + width * x / self.right, _TOP + height * (self.top - y) / (self.top - self.least)

    def grid(self, across: str, up: str) -> Iterator[str]:
        """Quarters of both axes, with what they count, and a line at zero where there is something below."""
        for share in (0, 0.25, 0.5, 0.75, 1):
            value = self.least + share * (self.top - self.least)
            (left, y), (right, _) = self.at(0, value), self.at(self.right, value)
            x, bottom = self.at(share * self.right, self.least)
            yield svg.path([(left, y), (right, y)], "grid")
            yield svg.label(left - 6, y + 4, f"{value:.3g}", "tick", "end")
            yield svg.label(x, bottom + 16, f"{share * self.right:.4g}", "tick", "middle")
        if self.least:
            yield svg.path([self.at(0, 0), self.at(self.right, 0)], "bound")
        yield svg.label(WIDTH - _END, HEIGHT - 8, across, "tick", "end")
        yield svg.label(4, 12, up, "tick", "start")


def line_plot(curves: Sequence[Curve], name: str, of: Marks) -> str:
    """One number against the step, a line for each run."""
    shown = [curve for curve in curves if name in curve.points]
    points = [point for curve in shown for point in curve.points[name]]
    axes = Axes.over(max(step for step, _ in points), [value for _, value in points])
    drawn = [
        of[curve.model].drawn(
            [svg.path([axes.at(*p) for p in curve.points[name]], of[curve.model].dash, of[curve.model].colour)],
            f"seed {curve.seed}",
        )
        for curve in shown
    ]
    return svg.document(WIDTH, HEIGHT, f"{name} by step", [*axes.grid("step", name), *drawn])


def cost_plot(lines: Sequence[Line], metric: str, cost: Callable[[Line], float], unit: str, of: Marks) -> str:
    """Score against a cost in `unit`, a point for each model; the upper left is better."""
    low, high = limits(metric)  # an interval over seeds may reach beyond them
    scores = [line.scores[metric] for line in lines]
    whiskers = [[min(max(end, low), high) for end in score.interval or ()] for score in scores]
    axes = Axes.over(round_up(max(map(cost, lines))), [*(score.mean for score in scores), *chain(*whiskers)])
    parts = [*axes.grid(unit, metric)]
    for line, score, interval in zip(lines, scores, whiskers, strict=True):
        ends = [axes.at(cost(line), end) for end in interval]
        whisker = [svg.path(ends, "spread", of[line.model].colour)] if ends else []
        point = of[line.model].at(*axes.at(cost(line), score.mean))
        parts.append(of[line.model].drawn([*whisker, point], f"{score_cell(score).text}, {cost(line):.3g} {unit}"))
    return svg.document(WIDTH, HEIGHT, f"{metric} against {unit}", parts)


def round_up(value: float) -> float:
    """The next of 1, 2, 4, 6, 8 times a power of ten, so that quarters of an axis read well."""
    power: float = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(factor * power for factor in (1, 2, 4, 6, 8, 10) if factor * power >= value)
