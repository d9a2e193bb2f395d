"""Scores as text: what the end of a run and `quatrefoil evaluate` show."""

from collections.abc import Iterator, Mapping, Sequence

from quatrefoil.core.evaluation.tasks import Scores

HEADLINES = ("R@1", "accuracy", "MCC")
"""Metrics by which models are compared, and which are drawn."""
MAIN = (*HEADLINES, "ROC-AUC")
"""The metrics that the end of a run shows where there are too many for a page; recipes select by one of them. An area
has the MCC of the same answers beside it, so that models are compared by it only where a claim or a study names it."""
_PAGE = 32


def headline(metric: str) -> bool:
    """Whether a metric, of whatever views or task, is one of `HEADLINES`."""
    return metric.rpartition("/")[2] in HEADLINES


def table(scores: Mapping[str, Scores]) -> str:
    """What the end of a run shows: `whole_table` where that fits a page, else the `MAIN` metrics, a split a column."""
    numbers = sum(len(score.metrics) for score in scores.values())
    names = dict.fromkeys(name for score in scores.values() for name in score.metrics)
    main = [name for name in names if name.rpartition("/")[2] in MAIN]
    if numbers <= _PAGE or not main:
        return whole_table(scores)
    shown = sum(name in score.metrics for score in scores.values() for name in main)
    rest = "all of them are in metrics.json of the run folder; `quatrefoil evaluate RUN_FOLDER` shows them"
    return "\n".join([*_columns(scores, main), f"{shown} of {numbers} numbers; {rest}", *_known(scores)])


def _columns(scores: Mapping[str, Scores], names: Sequence[str]) -> list[str]:
    width = max(map(len, names))
    lines = [f"{'metric':{width}}" + "".join(f"  {split:22}" for split in scores) + "  (95 % interval over items)"]
    for name in names:
        cells = "".join(f"  {_cell(score, name):22}" for score in scores.values())
        lines.append(f"{name:{width}}{cells}".rstrip())
    return lines


def _cell(score: Scores, name: str) -> str:
    value = f"{score.metrics[name]:6.2f}" if name in score.metrics else "-"
    return f"{value} ({_interval(score, name)})" if name in score.intervals else value


def whole_table(scores: Mapping[str, Scores]) -> str:
    """All scores as text, a line per metric; then what the data are known to allow in the `MAIN` ones."""
    width = max((len(name) for score in scores.values() for name in score.metrics), default=0)
    lines = [f"{'split':6} {'metric':{width}} {'value':>8}  95 % interval over items"]
    for split, score in scores.items():
        for name, value in score.metrics.items():
            interval = _interval(score, name) if name in score.intervals else ""
            lines.append(f"{split:6} {name:{width}} {value:8.2f}  {interval}".rstrip())
    return "\n".join([*lines, *_known(scores)])


def _known(scores: Mapping[str, Scores]) -> Iterator[str]:
    """What stands beside a score that is to be believed: chance, and the best that parts of an item allow."""
    for split, score in scores.items():
        for name, values in score.known.items():
            if name in score.metrics and name.rpartition("/")[2] in MAIN:
                told = ", ".join(f"{who.replace('_', ' ')} {value:.2f}" for who, value in values.items())
                yield f"beside {split} {name}, computed from the data: {told}"


def _interval(score: Scores, name: str) -> str:
    return "{:.1f} .. {:.1f}".format(*score.intervals[name])
