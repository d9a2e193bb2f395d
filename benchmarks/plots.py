"""Plots as inline SVG, written by hand so that the same numbers are the same bytes.

Coordinates are pixels from the upper left corner, rounded to a tenth.
"""

import math
from collections.abc import Iterable, Sequence

from benchmarks.groups import Group
from benchmarks.tables import reference_name, score_cell, value_text
from quatrefoil.core.measuring import svg
from quatrefoil.core.measuring.rows import Curve

WIDTH = 500
COLOURS = ("#2563a8", "#c2571a", "#2f8f5b", "#8b4fa8", "#b8860b", "#3b8ea5", "#a83252", "#5b6b2f", "#555b66", "#7a5230")

_LEFT, _RIGHT, _BAR, _GAP = 150, 110, 15, 8
_LINE_HEIGHT, _LINE_LEFT, _LINE_RIGHT = 250, 40, 160


def colours(models: Iterable[str]) -> dict[str, str]:
    """A colour for each model, the same in every plot of a page."""
    return {model: COLOURS[number % len(COLOURS)] for number, model in enumerate(sorted(set(models)))}


def bar_plot(group: Group, metric: str, colour: dict[str, str]) -> str:
    """Scores of all models in one metric (percent) with intervals; chance and bounds above them run down as lines."""
    references = group.references.get(metric, {})
    lines = [line for line in group.lines if metric in line.scores]
    height = (len(references) + len(lines)) * (_BAR + _GAP) + 30
    parts = _percent_grid(height)
    for place, (subset, value) in enumerate(references.items()):
        parts += _reference(place, reference_name(subset), value, height)
    for place, line in enumerate(lines, start=len(references)):
        score = line.scores[metric]
        parts += _bar(place, line.model, score.mean, colour[line.model], score_cell(score).text)
        if score.interval:
            parts.append(_whisker(place, *score.interval))
    return svg.document(WIDTH, height, f"{metric}, percent", parts)


def _x(percent: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * percent / 100


def _y(place: int) -> float:
    return 8 + place * (_BAR + _GAP)


def _percent_grid(height: float) -> list[str]:
    ticks = [(percent, _x(percent)) for percent in (0, 25, 50, 75, 100)]
    lines = [svg.path([(x, 4), (x, height - 20)], "grid") for _, x in ticks]
    return lines + [svg.label(x, height - 6, f"{percent} %", "tick", "middle") for percent, x in ticks]


def _reference(place: int, name: str, value: float, height: float) -> list[str]:
    x, y = _x(value), _y(place)
    box = f'<rect class="reference" x="{_LEFT}" y="{y:.1f}" width="{x - _LEFT:.1f}" height="{_BAR}"/>'
    down = svg.path([(x, y), (x, height - 20)], "bound")
    return [box, down, *_labels(y, name, f"{value_text(value)} computed", x, "computed")]


def _bar(place: int, name: str, value: float, colour: str, text: str) -> list[str]:
    x, y = _x(value), _y(place)
    box = f'<rect x="{_LEFT}" y="{y:.1f}" width="{x - _LEFT:.1f}" height="{_BAR}" fill="{colour}"/>'
    return [box, *_labels(y, name, text, WIDTH - _RIGHT, "label")]


def _labels(y: float, name: str, text: str, x: float, kind: str) -> list[str]:
    base = y + _BAR - 3.5
    return [svg.label(_LEFT - 8, base, name, kind, "end"), svg.label(x + 6, base, text, kind, "start")]


def _whisker(place: int, low: float, high: float) -> str:
    middle = _y(place) + _BAR / 2
    return svg.path([(_x(max(low, 0)), middle), (_x(min(high, 100)), middle)], "whisker")


def line_plot(curves: Sequence[Curve], name: str, colour: dict[str, str]) -> str:
    """One number against the step, a line for each run; models are named at the right."""
    shown = [curve for curve in curves if name in curve.points]
    points = [point for curve in shown for point in curve.points[name]]
    last, top = max(step for step, _ in points), _round_up(max(value for _, value in points))
    parts = _step_grid(last, top)
    parts += [
        svg.path([_at(p, last, top) for p in curve.points[name]], "curve", colour[curve.model]) for curve in shown
    ]
    for place, model in enumerate(dict.fromkeys(curve.model for curve in shown)):
        x, y = WIDTH - _LINE_RIGHT + 14, 24 + 18 * place
        parts.append(svg.path([(x, y - 4), (x + 20, y - 4)], "curve", colour[model]))
        parts.append(svg.label(x + 26, y, model, "label", "start"))
    return svg.document(WIDTH, _LINE_HEIGHT, f"{name} by step", parts)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 6, 8 times a power of ten, so that quarters of an axis read well."""
    power: float = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(factor * power for factor in (1, 2, 4, 6, 8, 10) if factor * power >= value)


def _at(point: tuple[int, float], last: int, top: float) -> tuple[float, float]:
    step, value = point
    width, height = WIDTH - _LINE_LEFT - _LINE_RIGHT, _LINE_HEIGHT - 38
    return _LINE_LEFT + width * step / max(last, 1), 10 + height * (1 - value / top)


def _step_grid(last: int, top: float) -> list[str]:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        (left, y), (right, _) = _at((0, share * top), last, top), _at((last, share * top), last, top)
        parts += [
            svg.path([(left, y), (right, y)], "grid"),
            svg.label(left - 6, y + 4, f"{share * top:.3g}", "tick", "end"),
        ]
        x = left + share * (right - left)
        parts.append(svg.label(x, _LINE_HEIGHT - 8, f"{share * last:.0f}", "tick", "middle"))
    return parts
