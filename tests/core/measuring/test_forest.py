"""Estimates are drawn where they are, and what goes on beyond the axis is told."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.measuring.forest import LEFT, RIGHT, WIDTH, Estimate, forest_plot

POINTS = st.floats(-50, 50).map(lambda value: round(value, 2))


def drawn(*estimates: Estimate) -> ElementTree.Element:
    return ElementTree.fromstring(forest_plot(estimates, "points", "a title", most=30.0))


def ends_of(line: ElementTree.Element) -> list[float]:
    return [float(point.partition(",")[0]) for point in line.attrib["points"].split()]


@given(st.lists(st.lists(POINTS, min_size=3, max_size=3).map(sorted), min_size=1, max_size=9))
def test_estimates_stand_in_the_order_of_their_values_and_within_their_intervals(drawn_from: list[list[float]]) -> None:
    plot = drawn(*(Estimate("x", value, (low, high)) for low, value, high in drawn_from))
    places = [float(circle.attrib["cx"]) for circle in plot.iter("circle")]
    lines = [ends_of(line) for line in plot.iter("polyline") if line.attrib["class"] in ("whisker", "cut")]
    assert len(places) == len(lines) == len(drawn_from)
    for place, (low, high) in zip(places, lines, strict=True):
        assert LEFT <= low <= place <= high <= WIDTH - RIGHT
    by_value = [place for _, place in sorted(zip((value for _, value, _ in drawn_from), places, strict=True))]
    assert by_value == sorted(places)


@pytest.mark.parametrize(("ends", "kind"), [((-1, 29), "whisker"), ((-1, 31), "cut"), ((-31, 1), "cut")])
def test_an_interval_that_goes_on_beyond_the_axis_is_dashed(ends: tuple[float, float], kind: str) -> None:
    plot = drawn(Estimate("x", 0.0, ends), Estimate("y", 0.0, (-40, 40)))
    assert (
        next(
            line.attrib["class"]
            for line in plot.iter("polyline")
            if "grid" not in line.attrib["class"] and "zero" not in line.attrib["class"]
        )
        == kind
    )


def test_lines_of_one_heading_stand_below_it_once_and_those_of_none_stand_apart() -> None:
    alone, first, second = (Estimate(words, 1.0, (0.0, 2.0)) for words in ("alone", "first", "second"))
    under = [Estimate(each.words, each.value, each.ends, under="both") for each in (first, second)]
    plot = drawn(alone, *under, Estimate("last", 1.0, (0.0, 2.0)))
    said = [(text.text, float(text.attrib["y"])) for text in plot.iter("text") if re.match(r"[a-z]", text.text or "")]
    assert [words for words, _ in sorted(said, key=lambda each: each[1])][:-1] == [
        "alone",
        "both",
        "first",
        "second",
        "last",
    ]
    assert len({y for _, y in said}) == len(said)


def test_without_estimates_there_is_a_plot_of_none() -> None:
    assert not list(drawn().iter("circle"))
