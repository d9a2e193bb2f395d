"""Rows that contradict one another: what was tampered with, or is of other data than it says.

The metrics of one run share everything but the metric and its value, and the runs of one configuration on made data, of
one version, share their ground. Where they do not, no mean over them says anything, so the whole store is refused.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict, fields

from quatrefoil.core.measuring.rows import Ground, Reference, Row, RowError

OF_A_METRIC = ("metric", "value", "interval")
OF_A_SPLIT = (*OF_A_METRIC, "split", "data_hash")
_GROUND = tuple(each.name for each in fields(Ground))
_MEND = "take all lines of one of the two out of the store, and run what is missing again"
_Part = Callable[[Row], Hashable]


def check_agreement(rows: Iterable[Row], where: Callable[[int], str]) -> None:
    """Compare rows of one run with one another, and runs of one configuration on made data.

    Args:
        where: a row's place among these, counted from 0 -> words for it.

    Raises:
        RowError: two rows that contradict each other: where they stand and in what they differ.
    """
    shared = tuple(each.name for each in fields(Row) if each.name not in OF_A_SPLIT)
    numbered = list(enumerate(rows))
    made = [(number, row) for number, row in numbered if row.embedded]
    _check(numbered, _run, shared, where, "of the same run")
    _check(numbered, lambda row: (row.model, row.command), shared, where, "of the same command")
    _check(numbered, lambda row: (_run(row), row.split), _GROUND, where, "of the same run and split")
    _check(made, _configuration, _GROUND, where, "of the same configuration and version of data, another seed")


def check_references(references: Iterable[Reference], rows: Iterable[Row], where: Callable[[int], str]) -> None:
    """Compare what was computed from data with the data that rows are of: a bound stands beside a score, or nowhere.

    Args:
        where: as of `check_agreement`, for references.

    Raises:
        RowError: a reference of other data than all rows of its protocol and split: where it stands.
    """
    hashes: dict[Hashable, set[str]] = {}
    for row in rows:
        hashes.setdefault(_protocol(row), set()).add(row.data_hash)
    for number, each in enumerate(references):
        # None at all: storing was cut short before the rows were written.
        if each.data_hash not in (known := hashes.get(_protocol(each), {each.data_hash})):
            theirs = ", ".join(sorted(known))
            raise RowError(f"{where(number)}: computed of data {each.data_hash}, all rows are of {theirs}; {_MEND}")


def _protocol(item: Row | Reference) -> Hashable:
    return item.embedded, item.dataset, item.data_version, item.protocol, item.split


def _run(row: Row) -> Hashable:
    return row.model, *row.run


def _configuration(row: Row) -> Hashable:
    return row.recipe, row.config_hash, row.data_version, row.split


def _check(
    rows: Iterable[tuple[int, Row]], of: _Part, names: Iterable[str], where: Callable[[int], str], what: str
) -> None:
    names = tuple(names)
    first: dict[Hashable, tuple[int, Row]] = {}
    for number, row in rows:
        before, usual = first.setdefault(of(row), (number, row))
        if odd := [name for name in names if getattr(row, name) != getattr(usual, name)]:
            raise RowError(
                f"{where(number)}: {_said(row)} has {_unlike(odd[0], row, usual, where(before), what)}; {_MEND}"
            )


def _said(row: Row) -> str:
    return f"{row.model}, seed {row.seed}, {row.split}, {row.metric}"


def _unlike(name: str, row: Row, usual: Row, before: str, what: str) -> str:
    ours, theirs = (str(asdict(each)[name]) for each in (row, usual))
    return f"{name} {ours}, {before} has {theirs} and is {what}"
