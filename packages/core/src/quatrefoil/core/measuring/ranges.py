"""Which values a metric can have, by its name: all are percent, but the ranks of a retrieval and MCC."""

import math

_PERCENT = 0.0, 100.0
_OTHERS = {"MCC": (-100.0, 100.0), "MedianR": (1.0, math.inf), "MeanR": (1.0, math.inf)}
_NO_MEANS = "macro-", "MCC"
_ROUNDING = 1e-6


def limits(metric: str) -> tuple[float, float]:
    """The least and the greatest that it can be."""
    return _OTHERS.get(metric.rpartition("/")[2], _PERCENT)


def check_values(metric: str, *values: float) -> None:
    """Raises ValueError where one of them is none that the metric can have."""
    low, high = limits(metric)
    if wrong := [value for value in values if not low - _ROUNDING <= value <= high + _ROUNDING]:
        raise ValueError(f"{metric} is {wrong[0]}, which it cannot be: it lies within {low:g} .. {high:g}")


def check_score(metric: str, value: float, interval: tuple[float, float] | None = None) -> None:
    """A metric can have the value, and a mean over items lies within its own bootstrap interval.

    Macro means and MCC lie within as much again on either side: a resample lacks items of rare classes, so that nearly
    all may lie below the value.

    Raises:
        ValueError: it cannot, or it lies outside, or the interval ends below where it begins.
    """
    check_values(metric, value, *(interval or ()))
    if interval is None:
        return
    low, high = interval
    if low > high:
        raise ValueError(f"the interval of {metric} ends at {high}, below where it begins: {low}")
    beyond = high - low if metric.rpartition("/")[2].startswith(_NO_MEANS) else 0.0
    if not low - beyond - _ROUNDING <= value <= high + beyond + _ROUNDING:
        raise ValueError(f"the value {value} of {metric} lies outside its own interval {low} .. {high}")
