"""Plots of scores and curves: nothing that is drawn leaves the picture."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.entries import FRAMES, TABLE
from benchmarks.report.groups import group
from benchmarks.report.marks import marks
from benchmarks.report.plots import HEIGHT, Bars, bar_plot, cost_plot, line_plot
from quatrefoil.core.measuring.store import Results
from tests.core.measuring.fabricated import results

METRIC = "openness/MCC"


def of_mcc(folder: Path, *values: float) -> Results:
    """A run of a model for each value, then the same of another with zero."""
    found = Results.of(results(folder, e, s, 50.0) for e in (TABLE, FRAMES) for s in range(len(values)))
    rows = [
        replace(row, metric=METRIC, value=values[row.seed] if row.model == TABLE.model else 0.0, interval=None)
        for row in found.rows
        if row.metric.endswith("R@1")
    ]
    return Results(rows)


def heights(svg: str) -> list[float]:
    """Of all points and boxes, from above."""
    lines = re.findall(r' points="([^"]*)"', svg)
    paths = [float(point.split(",")[1]) for line in lines for point in line.split()]
    return [*paths, *(float(y) for y in re.findall(r' (?:cy|y)="(-?[\d.]+)"', svg))]


@pytest.mark.parametrize("values", [(-3.3, -7.0, 1.0), (-100.0, -99.0), (40.0, 41.0)])
def test_scores_below_zero_are_drawn_within_the_picture(tmp_path: Path, values: tuple[float, ...]) -> None:
    (found,) = group(of_mcc(tmp_path, *values))
    of = marks(line.model for line in found.lines)
    costs = cost_plot(found.lines, METRIC, lambda line: line.minutes, "minutes", of)
    assert all(0 <= y <= HEIGHT for y in heights(costs))
    assert ('class="bound"' in costs) == (min(values) < 0)
    bars = bar_plot(found, METRIC, of)
    assert (">-" in bars) == (min(values) < 0)
    assert all(float(width) >= 0 for width in re.findall(r' width="(-?[\d.]+)"', bars))


def test_a_bar_below_zero_ends_where_one_above_begins(tmp_path: Path) -> None:
    (found,) = group(of_mcc(tmp_path, -50.0, -50.0))
    bars = bar_plot(found, METRIC, marks(line.model for line in found.lines))
    (zero, _), (below, width) = (map(float, box) for box in re.findall(r'<rect x="([\d.]+)".*? width="([\d.]+)"', bars))
    assert below + width == pytest.approx(zero, abs=0.11)
    assert width > 0


def test_a_whisker_below_zero_of_a_bar_above_is_drawn_to_its_end(tmp_path: Path) -> None:
    (found,) = group(of_mcc(tmp_path, 4.0, 9.0))  # 6.5, -25.3 to 38.3
    bars = bar_plot(found, METRIC, marks(line.model for line in found.lines))
    ticks = re.findall(r">(-?[\d.]+) %<", bars)
    assert ticks == ["-40", "-20", "0", "20", "40"]
    whisker = re.findall(r'<polyline class="whisker" points="([\d.]+),', bars)[0]
    zero = re.findall(r'<rect x="([\d.]+)"', bars)[0]
    assert float(whisker) < float(zero)


@pytest.mark.parametrize(
    ("highest", "most"), [(0.0, "0.25"), (0.6, "0.6"), (7.1, "8"), (50.0, "60"), (50.1, "75"), (99.0, "100")]
)
def test_bars_are_as_long_as_they_can_be_told_apart(highest: float, most: str) -> None:
    room = Bars.over(100, 200, [0.0, highest])
    ticks = [found for line in room.grid() for found in re.findall(r">(-?[\d.]+) %<", line)]
    assert (ticks[0], ticks[-1]) == ("0", most)
    assert room.x(highest) <= room.x(float(most))
    assert (room.x(highest) - room.x(0) >= (room.x(float(most)) - room.x(0)) / 2) == (highest > 0)


def test_curves_below_zero_are_drawn_within_the_picture(tmp_path: Path) -> None:
    (curve,) = results(tmp_path, TABLE, 0, 50.0).curves
    drawn = line_plot([replace(curve, points={"val/MCC": [(1, -60.0), (2, 4.0)]})], "val/MCC", marks([TABLE.model]))
    assert all(0 <= y <= HEIGHT for y in heights(drawn))
