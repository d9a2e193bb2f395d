"""The page's tables of scores, differences and what papers print, with what its short form shares of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from benchmarks.report.groups import Group, Line, Score, part_of, score_over_seeds
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text
from quatrefoil.core.wording import counted

METRICS = {"R@1": "R@1", "R@5": "R@5", "R@10": "R@10", "MedianR": "MedR", "MeanR": "MnR"}
"""Metric -> head of its column; metrics that are not named here follow under their own names."""
_ORDER = (*METRICS, "accuracy", "MCC", "macro-F1", "ROC-AUC", "AUPR")
LINKED = "the first cell leads to the commands of the first model, the points to those of the second"
READERS: Mapping[str, str] = {
    "question_only": "the question and its choices, not the clip",
    "sound": "which sounds there are",
    "still": "what a single frame shows",
    "frames": "also movement and order",
    "synchrony": "which sounds go with what is seen",
}
"""What a computed score may use, where its name does not say it."""
SIMPLE = frozenset({"true_sites", "true_motifs", "kmers", "gc_content", "training_types"})
"""Those that read what they know in one simple way: a model that reads it better is above them."""
_ONE_SEED = (
    "1 seed: the value and its 95 % bootstrap interval over queries, if it has one, which says nothing of the seed"
)


def group_tables(group: Group) -> list[Table]:
    """One table for each direction, then the differences."""
    tables = [_direction_table(group, direction) for direction in group.directions]
    return [*tables, _difference_table(group)] if group.differences else tables


def _direction_table(group: Group, direction: str) -> Table:
    found = {metric for line in group.lines for metric in line.scores}
    # Of classes, what is known of something: the number of a candidate is no class, and has no F1.
    told = {metric for metric in found if metric.rpartition("/")[2] in METRICS or metric in group.references}
    parts = (metric.rpartition("/") for metric in told or found)
    names = _ordered({name for place, _, name in parts if place == direction})
    keys = [f"{direction}/{name}".lstrip("/") for name in names]
    columns = ["model", "seeds", *(METRICS.get(name, name) for name in names), "parameters", "train min"]
    computed = [[*cells, Cell(NOTHING), Cell(NOTHING)] for cells in _computed(group, keys)]
    measured = [[*_scores(line, keys), *_cost(line)] for line in _best_first(group, keys)]
    return Table(direction or "scores", columns, _rows(computed, measured))


def _rows(computed: Iterable[list[Cell]], measured: Iterable[list[Cell]]) -> list[TableRow]:
    return [*(TableRow(cells, "computed") for cells in computed), *(TableRow(cells) for cells in measured)]


def _best_first(group: Group, keys: Sequence[str]) -> list[Line]:
    """The lines that have one of these metrics, by the first, of which higher is better; those without it last."""
    lines = [line for line in group.lines if line.scores.keys() & set(keys)]
    return sorted(lines, key=lambda line: -line.scores[keys[0]].mean if keys[0] in line.scores else float("inf"))


def _ordered(names: set[str]) -> list[str]:
    return [*(name for name in _ORDER if name in names), *sorted(names - set(_ORDER))]


def part_tables(group: Group) -> list[Table]:
    """For each headline metric that is known for kinds of items, these side by side."""
    named = {*group.references, *(metric for line in group.lines for metric in line.scores)}
    parts = sorted(part for metric in named if (part := part_of(metric)))
    return [_part_table(group, whole, [kind for _, kind in found]) for whole, found in groupby(parts, lambda p: p[0])]


def _part_table(group: Group, whole: str, kinds: Sequence[str]) -> Table:
    """Of each line the runs that tell the kinds; the whole stands beside them over the same."""
    keys = [whole, *(f"{whole}/{kind}" for kind in kinds)]
    shown = [told for line in group.lines if (told := _told_by(line, keys)).scores]
    whole_seeds = {line.anchor: line.values.get(whole, {}) for line in group.lines}
    fewer = [line for line in shown if len(line.seeds) < len(whole_seeds[line.anchor])]
    untold = sum(map(bool, whole_seeds.values())) - sum(whole in line.scores for line in shown)
    rows = _rows(
        _computed(group, keys), (_scores(line, keys) for line in _best_first(replace(group, lines=shown), keys))
    )
    columns = ["model", "seeds", "all", *kinds]
    said = [f"{line.model} {len(line.seeds)} of {len(whole_seeds[line.anchor])}" for line in fewer]
    single = any(len(line.seeds) == 1 for line in fewer)
    return Table(f"{whole} by kind of twins", columns, rows, list(_part_remarks(untold, said, single)))


def _told_by(line: Line, keys: Sequence[str]) -> Line:
    """The line over the seeds of which each kind that it tells is known; the first key is the whole."""
    kinds = [set(line.values[key]) for key in keys[1:] if key in line.values]
    seeds = set.intersection(*kinds) if kinds else set[int]()
    values = {key: {seed: value for seed, value in line.values.get(key, {}).items() if seed in seeds} for key in keys}
    values = {key: by_seed for key, by_seed in values.items() if by_seed}
    return replace(line, values=values, scores={key: _score_over(line, key, told) for key, told in values.items()})


def _score_over(line: Line, key: str, told: Mapping[int, float]) -> Score:
    """That of some of a line's seeds; the interval over queries of one of several is not known here."""
    if told == line.values[key]:
        return line.scores[key]
    if len(told) == 1:
        return Score(next(iter(told.values())), None, "nothing")
    return score_over_seeds(list(told.values()))


def _part_remarks(untold: int, fewer: Sequence[str], single: bool) -> Iterator[str]:
    """Which runs are not among these, and what one seed says."""
    if untold:
        yield f"not told by the stored runs of {counted(untold, 'model')}: they were made before it was measured"
    if fewer:
        yield f"told by some seeds alone, over which `all` is taken too: {', '.join(fewer)}"
    if single:
        yield _ONE_SEED


def remarks(group: Group) -> list[str]:
    """How the numbers of a group are to be read."""
    return [
        *_spread_remarks(group),
        *_cost_remarks(group),
        *_computed_remarks(group),
        *_commit_remarks(group),
        *uncompared_remarks(group),
    ]


def _spread_remarks(group: Group) -> Iterator[str]:
    if any(score.over == "seeds" for line in group.lines for score in line.scores.values()):
        yield "mean ± half of the 95 % t-interval over seeds"
    if any(len(line.seeds) == 1 for line in group.lines):
        yield _ONE_SEED


def _commit_remarks(group: Group) -> Iterator[str]:
    """Where the code that ran is not one that can be checked out, or not one for all seeds."""
    if unsaved := dict.fromkeys(line.model for line in group.lines if any(map(_unsaved, line.commits))):
        yield f"run with changes that were not committed, some or all seeds: {'; '.join(unsaved)}"
    if several := dict.fromkeys(line.model for line in group.lines if len(line.commits) > 1):
        yield f"seeds are of several commits, of one configuration: {'; '.join(several)}"


def _unsaved(commit: str) -> bool:
    return commit.endswith("+")


def _cost_remarks(group: Group) -> Iterator[str]:
    before = (
        ", then of the pre-training that it starts from" if any(line.minutes_before for line in group.lines) else ""
    )
    yield f"train min: by the clock, of the run itself{before}; on {machines([group])}, whatever else it did"


def machines(groups: Iterable[Group]) -> str:
    """On which the models of these groups were trained."""
    return " and on ".join(sorted({each for group in groups for line in group.lines for each in line.hardware}))


def bound_remarks(shown: Collection[str]) -> Iterator[str]:
    """What the computed rows of these readers are."""
    named = "; ".join(f"{name}: {words}" for name, words in READERS.items() if name in shown)
    said = f" ({named})" if named else ""
    kinds = {"chance": "a blind guess"} if "chance" in shown else {}
    if {*shown} - SIMPLE - {"chance"}:
        kinds["best with"] = f"the best score that is possible for one that knows only what is named{said}"
    if SIMPLE & {*shown}:
        kinds["by"] = "what a simple reading of that alone reaches, which is no ceiling"
    if kinds:
        told = "; ".join(f"`{name}`, {words}" for name, words in kinds.items())
        yield f"computed rows are no models: {told}"


def _computed_remarks(group: Group) -> Iterator[str]:
    yield from bound_remarks({reader for values in group.references.values() for reader in values})
    if any(part_of(metric) for metric in group.references):
        yield "kinds of twins: test clips come in families that are alike but in this one thing"


def uncompared_remarks(group: Group) -> Iterator[str]:
    """Why differences that one may look for are not there."""
    if group.uncompared:
        yield f"no difference where a model stands in several configurations: {'; '.join(group.uncompared)}"


def _computed(group: Group, keys: Sequence[str]) -> Iterator[list[Cell]]:
    for reader in dict.fromkeys(reader for key in keys for reader in group.references.get(key, {})):
        values = [value_cell(group.references.get(key, {}).get(reader)) for key in keys]
        yield [Cell(reference_name(reader)), Cell("computed"), *values]


def count_cell(counts: Collection[int]) -> Cell:
    """How many seeds there are of each value of a line: `3`, or `3-5` where they differ; it sorts by the fewest."""
    if not counts:
        return Cell(NOTHING)
    fewest, most = min(counts), max(counts)
    return Cell(str(fewest) if fewest == most else f"{fewest}-{most}", fewest)


def value_cell(value: float | None) -> Cell:
    """Of what is computed or printed."""
    return Cell(NOTHING) if value is None else Cell(value_text(value), value)


def value_text(value: float) -> str:
    """One digit; two for what is below one, where chance often is."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def reference_name(reader: str) -> str:
    """`chance`, or what is possible for one that knows only what is named, or what a simple reading of it gives."""
    name = reader.replace("_", " ")
    return name if reader == "chance" else f"by {name}" if reader in SIMPLE else f"best with {name}"


def _scores(line: Line, keys: Sequence[str]) -> list[Cell]:
    seeds = Cell("1 seed" if len(line.seeds) == 1 else str(len(line.seeds)), len(line.seeds))
    scores = [score_cell(line.scores[key]) if key in line.scores else Cell(NOTHING) for key in keys]
    return [Cell(line.model, link=line.anchor), seeds, *scores]


def _cost(line: Line) -> list[Cell]:
    """Parameters and minutes; it sorts by the minutes of all training."""
    before = "?" if line.minutes_before is None else f"{line.minutes_before:.1f}"
    minutes = f"{line.minutes:.1f}" if line.minutes_before == 0 else f"{line.minutes:.1f} + {before}"
    return [
        Cell(f"{line.parameters / 1e6:.2f} M", line.parameters),
        Cell(minutes, line.minutes + (line.minutes_before or 0)),
    ]


def score_cell(score: Score) -> Cell:
    """Mean ± half of the interval over seeds, or value and interval over queries."""
    if score.interval is None:
        return Cell.of(score.mean, ".1f")
    low, high = score.interval
    spread = f"± {(high - low) / 2:.1f}" if score.over == "seeds" else interval_text(score.interval, ".1f")
    return Cell(f"{score.mean:.1f} {spread}", score.mean)


def _difference_table(group: Group) -> Table:
    def anchor(model: str, metric: str) -> str:
        return next(line.anchor for line in group.lines if line.model == model and metric in line.values)

    rows = []
    for d in group.differences:
        without = "none from 1 seed" if d.seeds == 1 else "no spread"
        interval = Cell(interval_text(d.interval, "+.1f") if d.interval else without)
        name = Cell(f"{d.better} minus {d.than}", link=anchor(d.better, d.metric))
        points = replace(Cell.of(d.mean, "+.1f"), link=anchor(d.than, d.metric))
        cells = [name, Cell(d.metric), Cell.of(d.seeds), points]
        rows.append(TableRow([*cells, interval, Cell.of(d.p_value, ".2f")]))
    columns = ["difference", "metric", "seeds", "points", "95 % t-interval", "p"]
    remark = "paired by seed; p of an exact sign-flip test, which cannot fall below 2 / 2^seeds (0.25 for 3)"
    return Table("paired differences", columns, rows, [remark, f"on the page, {LINKED}"])


def paper_tables(rows: Sequence[PaperRow]) -> list[Table]:
    """What papers print, one table for each data set, protocol and direction."""
    ordered = sorted(rows, key=lambda row: row.key)
    return [
        _paper_table(f"{dataset}, {direction} (protocol {protocol})", list(part))
        for (dataset, protocol, direction), part in groupby(ordered, key=lambda row: row.key[:3])
    ]


def _paper_table(title: str, rows: Sequence[PaperRow]) -> Table:
    names = _ordered({name for row in rows for name in row.values})
    sources = list(dict.fromkeys(row.provenance for row in rows))
    table_rows = [TableRow(_paper_cells(row, names, sources.index(row.provenance) + 1), "paper") for row in rows]
    remarks = [f"({number}) {source}" for number, source in enumerate(sources, start=1)]
    return Table(title, ["model", *(METRICS.get(name, name) for name in names), "source"], table_rows, remarks)


def _paper_cells(row: PaperRow, names: Sequence[str], source: int) -> list[Cell]:
    cells = [value_cell(row.values.get(name)) for name in names]
    return [Cell(row.model), *cells, Cell(f"({source})", source)]
