"""The leaderboard's tables."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from benchmarks.groups import Group, Line, Score
from quatrefoil.core.measuring.rows import Ground, PaperRow
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow

METRICS = {"R@1": "R@1", "R@5": "R@5", "R@10": "R@10", "MedianR": "MedR", "MeanR": "MnR"}
"""Metric -> head of its column; metrics that are not named here follow under their own names."""


def heading(ground: Ground) -> str:
    """Where the scores of a group come from; never silent about embedded data."""
    kind = "EMBEDDED benchmark, not a real corpus" if ground.embedded else "real corpus"
    return f"{ground.dataset}, {ground.split} ({kind})"


def origin(ground: Ground) -> str:
    return f"protocol {ground.protocol}, data {ground.data_hash[:12]}"


def group_tables(group: Group) -> list[Table]:
    """One table for each direction, then the differences."""
    tables = [_direction_table(group, direction) for direction in group.directions]
    return [*tables, _difference_table(group)] if group.differences else tables


def _direction_table(group: Group, direction: str) -> Table:
    names = _ordered({metric for line in group.lines for metric in line.scores}, direction)
    keys = [f"{direction}/{name}".lstrip("/") for name in names]
    columns = ["model", "seeds", *(METRICS.get(name, name) for name in names), "parameters", "train min"]
    best_first = sorted(group.lines, key=lambda line: _standing(line, keys[0]))
    rows = [*_computed_rows(group, keys), *(_line_row(line, keys) for line in best_first)]
    return Table(direction or "scores", columns, rows, [])


def _standing(line: Line, metric: str) -> tuple[bool, float]:
    """Best first, where higher is better (recall is the first column); lines without the metric last."""
    score = line.scores.get(metric)
    return (score is None, -score.mean if score else 0.0)


def _ordered(metrics: Iterable[str], direction: str) -> list[str]:
    found = {name for place, _, name in (metric.rpartition("/") for metric in metrics) if place == direction}
    return [*(name for name in METRICS if name in found), *sorted(found - METRICS.keys())]


def remarks(group: Group) -> list[str]:
    """How the numbers of a group are to be read."""
    overs = {score.over for line in group.lines for score in line.scores.values()}
    found = ["mean ± half of the 95 % t-interval over seeds"] if "seeds" in overs else []
    if any(len(line.seeds) == 1 for line in group.lines):
        found.append("1 seed: the value and its 95 % bootstrap interval over queries, which says nothing of the seed")
    if group.references:
        found.append(
            "computed rows are no models: chance, and the best score that is possible for one that knows only what is "
            "named (still: what a single frame shows; frames: also movement and order)"
        )
    return found


def _computed_rows(group: Group, keys: Sequence[str]) -> list[TableRow]:
    subsets = dict.fromkeys(subset for key in keys for subset in group.references.get(key, {}))
    return [TableRow("computed", _computed_cells(group, subset, keys)) for subset in subsets]


def _computed_cells(group: Group, subset: str, keys: Sequence[str]) -> list[Cell]:
    values = [group.references.get(key, {}).get(subset) for key in keys]
    cells = [_value_cell(value) for value in values]
    return [Cell(reference_name(subset)), Cell("computed"), *cells, Cell(NOTHING), Cell(NOTHING)]


def _value_cell(value: float | None) -> Cell:
    return Cell(NOTHING) if value is None else Cell(value_text(value), value)


def value_text(value: float) -> str:
    """One digit; two for what is below one, where chance often is."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def reference_name(subset: str) -> str:
    """`chance`, or a bound by the facts that it allows."""
    return subset if subset == "chance" else f"bound: {subset}"


def _line_row(line: Line, keys: Sequence[str]) -> TableRow:
    seeds = Cell("1 seed" if len(line.seeds) == 1 else str(len(line.seeds)), len(line.seeds))
    scores = [score_cell(line.scores[key]) if key in line.scores else Cell(NOTHING) for key in keys]
    size = Cell(f"{line.parameters / 1e6:.2f} M", line.parameters)
    return TableRow("measured", [Cell(line.model), seeds, *scores, size, Cell(f"{line.minutes:.1f}", line.minutes)])


def score_cell(score: Score) -> Cell:
    """Mean ± half of the interval over seeds, or value and interval over queries."""
    if score.interval is None:
        return Cell(f"{score.mean:.1f}", score.mean)
    low, high = score.interval
    spread = f"± {(high - low) / 2:.1f}" if score.over == "seeds" else f"[{low:.1f}, {high:.1f}]"
    return Cell(f"{score.mean:.1f} {spread}", score.mean)


def _difference_table(group: Group) -> Table:
    rows = []
    for d in group.differences:
        interval = f"[{d.interval[0]:+.1f}, {d.interval[1]:+.1f}]" if d.interval else "none from 1 seed"
        p_value = Cell(NOTHING) if d.p_value is None else Cell(f"{d.p_value:.2f}", d.p_value)
        cells = [Cell(f"{d.better} minus {d.than}"), Cell(d.metric), Cell(str(d.seeds), d.seeds)]
        rows.append(TableRow("measured", [*cells, Cell(f"{d.mean:+.1f}", d.mean), Cell(interval), p_value]))
    columns = ["difference", "metric", "seeds", "points", "95 % t-interval", "p"]
    remark = "paired by seed; p of an exact sign-flip test, which cannot fall below 2 / 2^seeds (0.25 for 3)"
    return Table("paired differences", columns, rows, [remark])


def paper_tables(rows: Sequence[PaperRow]) -> list[Table]:
    """What papers print, one table for each data set, protocol and direction."""
    ordered = sorted(rows, key=lambda row: row.key)
    return [
        _paper_table(f"{dataset}, {direction} (protocol {protocol})", list(part))
        for (dataset, protocol, direction), part in groupby(ordered, key=lambda row: row.key[:3])
    ]


def _paper_table(title: str, rows: Sequence[PaperRow]) -> Table:
    names = [name for name in METRICS if any(name in row.values for row in rows)]
    sources = list(dict.fromkeys(row.provenance for row in rows))
    table_rows = [TableRow("paper", _paper_cells(row, names, sources.index(row.provenance) + 1)) for row in rows]
    remarks = [f"({number}) {source}" for number, source in enumerate(sources, start=1)]
    return Table(title, ["model", *(METRICS[name] for name in names), "source"], table_rows, remarks)


def _paper_cells(row: PaperRow, names: Sequence[str], source: int) -> list[Cell]:
    cells = [_value_cell(row.values.get(name)) for name in names]
    return [Cell(row.model), *cells, Cell(f"({source})", source)]
