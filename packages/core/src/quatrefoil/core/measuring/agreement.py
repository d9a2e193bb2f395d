"""Records that contradict one another: what was tampered with, or is of other data than it says.

The metrics of one run share everything but the metric and its value, and more candidates find no less. The runs of one
configuration share what was trained and measured and, on made data of one version, their ground. Each run has a curve,
and what it cost is that of its rows. Where this does not hold, no mean over the rows says anything, so the whole store
is refused. What contradicts nothing and is not as it was stored is found by `seals`.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise

from quatrefoil.core.measuring.rows import (
    BRING_BACK,
    MEND_RUN,
    MEND_STORE,
    Cost,
    Curve,
    Ground,
    Reference,
    Row,
    RowError,
    Run,
)

_OF_A_METRIC = ("metric", "value", "interval", "split", "data_hash")
"""In what the rows of one run differ."""
_GROUND = tuple(each.name for each in fields(Ground))
_COST_OF = {"steps": "steps", "parameters": "parameters", "seconds": "wall_seconds", "hardware": "hardware"}
"""What a cost says of a run -> what its rows call that."""
_RECALL = re.compile(r"(?P<of>.*?)R@(?P<within>\d+)(?P<kind>/.*)?")
_ADDING, _SOFTMAX = ("also_within", "batch_size"), "dual_softmax"
"""Settings of what is scored that change no other metric; the second has metrics of its own."""
_ROUNDING = 1e-6
_COMPUTED_ALIKE = 0.01
"""Points: other versions of libraries sum in other orders."""
_MEND = (
    "take all lines of one of the two (its config_hash and seed) out of rows, curves and costs.jsonl, and run what is "
    f"missing again, or {BRING_BACK}"
)
_Part = Callable[[Row], Hashable]
Where = Callable[[int], str]
"""The place of a record in a list, counted from 0 -> words for where it stands."""
_Numbered = tuple[int, Row]


def check_agreement(rows: Iterable[Row], where: Where) -> None:
    """Compare rows of one run with one another, runs of one configuration, and all that is said of the same made data.

    Args:
        where: a row's place among these, counted from 0 -> words for it.

    Raises:
        RowError: two rows that contradict each other: where they stand and in what they differ.
    """
    shared = tuple(each.name for each in fields(Row) if each.name not in _OF_A_METRIC)
    numbered = list(enumerate(rows))
    made = [(number, row) for number, row in numbered if row.embedded]
    _check(numbered, _run, shared, where, "of the same run")
    _check(numbered, lambda row: (row.model, row.command), shared, where, "of the same command")
    _check(numbered, lambda row: (_run(row), row.split), ("data_hash",), where, "of the same run and split")
    _check(numbered, _configuration, ("steps",), where, "of the same configuration, another seed")
    _check(numbered, _sized, ("parameters",), where, "of the same configuration and data, another seed")
    _check_intervals(numbered, where)
    _check_recalls(numbered, where)
    _check(made, _configuration, _GROUND, where, "of the same configuration and version of data, another seed")
    _check(made, _data, ("data_hash",), where, "of the same protocol and split")
    _check_names(numbered, where)
    _check_scoring(numbered, where)


def check_references(references: Iterable[Reference], rows: Iterable[Row], where: Where) -> None:
    """Compare what was computed from data with the data that rows are of: a bound stands beside a score, or nowhere.

    Of the same made data, either all that is tested has bounds, or nothing: what has none is of another protocol than
    it was measured by.

    Args:
        where: as of `check_agreement`, for references.

    Raises:
        RowError: a reference of a protocol and split without rows, or of other data than all of these: where it stands.
    """
    rows, references = list(rows), list(references)
    hashes: dict[Hashable, set[str]] = {}
    for row in rows:
        hashes.setdefault(_protocol(row), set()).add(row.data_hash)
    for number, each in enumerate(references):
        if not (known := hashes.get(_protocol(each), set())):
            data = f"{each.dataset} {each.data_version}, {each.protocol}, {each.split}"
            raise RowError(
                f"{where(number)}: computed of {data}, of which there is no row; take this line out, or {BRING_BACK}"
            )
        _check_above_chance(each, where(number))
        if each.data_hash not in known:
            theirs = ", ".join(sorted(known))
            raise RowError(
                f"{where(number)}: computed of data {each.data_hash}, all rows are of {theirs}; {MEND_STORE}"
            )
    _check_bounded(references, rows)


def check_computed_again(stored: Iterable[Reference], new: Iterable[Reference]) -> None:
    """Compare what was computed from data with what a new run computed from the same.

    Raises:
        RowError: a bound has another value: the data, or how it is computed, are not what they were.
    """
    known = {each.key: each.values for each in stored}
    for each in new:
        before = known.get(each.key, {})
        for name in sorted(before.keys() & each.values.keys()):
            if abs(before[name] - each.values[name]) > _COMPUTED_ALIKE:
                ground = f"{each.dataset}, {each.protocol}, {each.split}, {each.metric}"
                said = f"{name} is stored as {before[name]}, a new run computed {each.values[name]}"
                raise RowError(f"{ground}: {said}; if the stored one is wrong, {MEND_STORE}")


def _check_bounded(references: Sequence[Reference], rows: Sequence[Row]) -> None:
    bounded = {each.ground for each in references}
    beside = {(g.embedded, g.data_version, g.split, g.data_hash): g for g in bounded}
    for row in rows:
        there = beside.get((row.embedded, row.data_version, row.split, row.data_hash))
        if there and row.ground not in bounded:
            ours, theirs = (f"{ground.dataset}, {ground.protocol}" for ground in (row.ground, there))
            apart = f"is of {ours}, which has no bounds, on the data of {theirs}, which has"
            raise RowError(f"{row.command}: {_said(row)} {apart}; {_MEND}")


def _check_above_chance(reference: Reference, where: str) -> None:
    """Who has seen something finds no less than who has seen nothing; of classes that need not be so."""
    chance = reference.values.get("chance")
    if chance is not None and _RECALL.fullmatch(reference.metric):
        for name, value in reference.values.items():
            if value < chance - _ROUNDING:
                said = f"{reference.metric}: chance is {chance}, {name} is {value} and cannot be less"
                raise RowError(f"{where}: {said}; {_MEND}")


def check_curves(curves: Iterable[Curve], rows: Sequence[Row], where: Where) -> None:
    """Each run that has rows has a curve, by which runs that start from it are known, none of it beyond its steps.

    Seeds of one configuration learn from the same data: made ones of one version, found ones that are tested alike.

    Args:
        where: as of `check_agreement`.

    Raises:
        RowError: a row of a run without one, whose steps it exceeds, or whose data are others: where it stands.
    """
    known: dict[Hashable, Curve] = {curve.key: curve for curve in curves}
    _check_data(known, rows, where)
    for number, row in enumerate(rows):
        if _run(row) not in known:
            alone = f"{_said(row)} is of {row.recipe}, {row.config_hash}, of which no curve is stored"
            raise RowError(f"{where(number)}: {alone}; {MEND_RUN}")
    for number, row in {_run(row): (number, row) for number, row in enumerate(rows)}.values():
        beyond = max((step for points in known[_run(row)].points.values() for step, _ in points), default=0)
        if beyond > row.steps:
            said = f"{_said(row)} has steps {row.steps}, its curve has a point at {beyond}"
            raise RowError(f"{where(number)}: {said}; {MEND_RUN}")


def _check_data(known: Mapping[Hashable, Curve], rows: Sequence[Row], where: Where) -> None:
    drawn = [(number, row) for number, row in enumerate(rows) if _run(row) in known]
    for (number, row), (_, usual) in _beside_first(
        drawn, lambda row: (row.run[:-1], None if row.embedded else (row.split, row.data_hash))
    ):
        ours, theirs = (known[_run(each)].data for each in (row, usual))
        if ours != theirs:
            said = f"{_said(row)}: its curve is of data {ours}, that of seed {usual.seed} of {theirs}"
            raise RowError(f"{where(number)}: {said}; {_MEND}")


def check_costs(costs: Iterable[Cost], rows: Iterable[Row], where: Where) -> None:
    """Compare what runs cost with what their rows say of them.

    Args:
        where: as of `check_agreement`, for costs.

    Raises:
        RowError: a cost of a run without rows, or that differs from them: where it stands and in what.
    """
    known: dict[Run, Row] = {row.run: row for row in rows}
    for number, cost in enumerate(costs):
        said = f"{cost.recipe}, {cost.config_hash}, {cost.data_version}, seed {cost.seed}"
        if (row := known.get(cost.run)) is None:
            raise RowError(f"{where(number)}: {said} has no rows; take this line out, and run what is missing again")
        if odd := [(ours, of_row) for ours, of_row in _COST_OF.items() if getattr(cost, ours) != getattr(row, of_row)]:
            ours, theirs = getattr(cost, odd[0][0]), getattr(row, odd[0][1])
            differs = f"{said} has {odd[0][0]} {ours}, its rows have {theirs}"
            raise RowError(f"{where(number)}: {differs}; {MEND_RUN}")


def _protocol(item: Row | Reference) -> Hashable:
    return item.embedded, item.dataset, item.data_version, item.protocol, item.split


def _run(row: Row) -> tuple[str, str, str, str, int]:
    return row.model, *row.run


def _configuration(row: Row) -> tuple[str, str, str, str]:
    return row.recipe, row.config_hash, row.data_version, row.split


def _sized(row: Row) -> Hashable:
    """Two copies of a real corpus may have other words, and models of other sizes."""
    return *_configuration(row), row.data_hash


def _data(row: Row) -> Hashable:
    """Settings of the data, where a run has some, may choose other samples."""
    return _protocol(row), _settings(row, "data.")


def _scored_alike(row: Row) -> Hashable:
    """Settings of what is scored are no part of the configuration: they decide nothing that is learned."""
    return row.recipe, row.config_hash, row.place, _settings(row, "evaluate.")


def _settings(row: Row, of: str) -> tuple[str, ...]:
    return tuple(each for each in row.overrides if each.startswith(of))


def _check_scoring(rows: Iterable[_Numbered], where: Where) -> None:
    """A metric of one model and configuration on one ground was scored alike: a mean over its seeds is of one thing."""
    for (number, row), (before, usual) in _beside_first(
        rows, lambda row: (row.model, row.config_hash, row.place, row.metric)
    ):
        ours, theirs = (" ".join(_scoring(each)) or "settings of the recipe" for each in (row, usual))
        if ours != theirs:
            said = f"is scored with {ours}, {where(before)} with {theirs} and is of the same model"
            raise RowError(f"{where(number)}: {_said(row)} {said}; call what is scored otherwise by another name")


def _scoring(row: Row) -> list[str]:
    """Settings of what is scored that decide this metric: others add metrics of names of their own."""
    adding = _ADDING if _SOFTMAX in row.metric else (*_ADDING, _SOFTMAX)
    return [each for each in _settings(row, "evaluate.") if not each.partition("=")[0].endswith(adding)]


def _check_intervals(rows: Iterable[_Numbered], where: Where) -> None:
    """Of runs that were scored alike, all have an interval of a metric, or none has."""
    for (number, row), (before, usual) in _beside_first(rows, lambda row: (_scored_alike(row), row.metric)):
        if (row.interval is None) != (usual.interval is None):
            ours, theirs = ("no interval" if each.interval is None else "an interval" for each in (row, usual))
            said = f"has {ours}, {where(before)} has {theirs} and is of the same configuration"
            raise RowError(f"{where(number)}: {_said(row)} {said}; {_MEND}")


def _check_recalls(rows: Iterable[_Numbered], where: Where) -> None:
    """What is found among the first is found among more of them."""
    found: dict[Hashable, list[tuple[int, int, Row]]] = {}
    for number, row in rows:
        if recall := _RECALL.fullmatch(row.metric):
            key = _run(row), row.split, recall["of"], recall["kind"]
            found.setdefault(key, []).append((int(recall["within"]), number, row))
    for each in found.values():
        for (_, number, row), (_, other, wider) in pairwise(sorted(each, key=lambda item: item[0])):
            if row.value > wider.value + _ROUNDING:
                beside = f"{wider.metric} of the same run is {wider.value} ({where(other)})"
                said = f"is {row.value}, {beside} and cannot be less"
                raise RowError(f"{where(number)}: {_said(row)} {said}; {_MEND}")


def _check_names(rows: Iterable[_Numbered], where: Where) -> None:
    """Runs that were scored alike have metrics of the same names.

    The parts of a metric, as `R@1/KIND` of `R@1`, may be missing all together: stored runs are older than they.
    """
    alike: dict[Hashable, dict[Hashable, list[_Numbered]]] = {}
    for number, row in rows:
        alike.setdefault(_scored_alike(row), {}).setdefault(_run(row), []).append((number, row))
    for runs in alike.values():
        having = {row.metric: (number, row) for run in runs.values() for number, row in run}
        parts = {metric for metric in having if metric.rpartition("/")[0] in having}
        for run in runs.values():
            names = {row.metric for _, row in run}
            wanted = having.keys() if names & parts else having.keys() - parts
            if lacking := sorted(wanted - names):
                (number, row), (other, _) = run[0], having[lacking[0]]
                said = f"{row.model}, seed {row.seed}, {row.split} has no {lacking[0]}, {where(other)} has it"
                raise RowError(f"{where(number)}: {said} and is of the same configuration; {_MEND}")


def _check(rows: Iterable[_Numbered], of: _Part, names: Sequence[str], where: Where, what: str) -> None:
    for (number, row), (before, usual) in _beside_first(rows, of):
        if odd := next((name for name in names if getattr(row, name) != getattr(usual, name)), None):
            theirs = f"{where(before)} has {getattr(usual, odd)} and is {what}"
            raise RowError(f"{where(number)}: {_said(row)} has {odd} {getattr(row, odd)}, {theirs}; {_MEND}")


def _beside_first(rows: Iterable[_Numbered], of: _Part) -> Iterator[tuple[_Numbered, _Numbered]]:
    """Every row beside the first of its kind."""
    first: dict[Hashable, _Numbered] = {}
    for number, row in rows:
        yield (number, row), first.setdefault(of(row), (number, row))


def _said(row: Row) -> str:
    return f"{row.model}, seed {row.seed}, {row.split}, {row.metric}"
