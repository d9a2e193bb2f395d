"""The rows on disk: JSON lines in canonical order, so that the same results are the same bytes."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path

from quatrefoil.core.files import locked, replace_text
from quatrefoil.core.measuring.agreement import (
    check_agreement,
    check_computed_again,
    check_costs,
    check_curves,
    check_references,
)
from quatrefoil.core.measuring.rows import (
    Cost,
    Curve,
    Item,
    OfARun,
    Record,
    Reference,
    Row,
    RowError,
    Run,
    parse,
    to_line,
)
from quatrefoil.core.measuring.seals import check_bounds, check_seals


@dataclass(frozen=True)
class Results:
    """All that tables and plots are made of."""

    rows: list[Row] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)

    @classmethod
    def of(cls, parts: Iterable["Results"]) -> "Results":
        """The records of several, one after the other."""
        together = list(parts)
        return cls(*([record for part in together for record in getattr(part, each.name)] for each in fields(cls)))

    @property
    def runs(self) -> set[Run]:
        return {row.run for row in self.rows}

    def only(self, keep: Callable[[OfARun], bool]) -> "Results":
        """What is stored of the runs that are kept, with the references on their grounds."""
        rows = list(filter(keep, self.rows))
        grounds = {row.ground for row in rows}
        return Results(
            rows=rows,
            references=[each for each in self.references if each.ground in grounds],
            curves=list(filter(keep, self.curves)),
            costs=list(filter(keep, self.costs)),
        )


@dataclass(frozen=True)
class Store:
    """A folder of results."""

    folder: Path

    def read(self) -> Results:
        """Everything stored; an empty store has no files.

        Who reads does not wait for who adds: what seems broken is read again when nobody is adding.

        Raises:
            RowError: a line that may not enter a table, or that contradicts another, with its file and number.
        """
        try:
            return self._read()
        except RowError:
            if not os.access(self.folder, os.W_OK):
                raise
        with locked(self._path("rows")):
            return self._read()

    def _read(self) -> Results:
        if not self._path("rows").exists() and self._path("references").exists():
            raise RowError(
                f"{self._path('rows')} is not there, what lies beside it is; bring it back (git checkout, where the "
                "store is committed), or move the folder away"
            )
        found = Results(
            read(self._path("rows"), Row),
            read(self._path("references"), Reference),
            read(self._path("curves"), Curve),
            read(self._path("costs"), Cost),
        )
        _check(found, lambda name, number: f"{self._path(name)}:{number + 1}")
        return found

    def add(self, new: Results) -> None:
        """Store results; they replace those of the same keys, and all rows of the same run.

        Curves and costs of runs without rows are dropped, and references on grounds without. Several processes may add
        at once: one after the other does.

        Raises:
            RowError: what is stored is broken, or contradicts what is new; nothing is written then.
        """
        with locked(self._path("rows")):
            stored = self._read()
            check_computed_again(stored.references, new.references)
            found = joined(stored, new)
            _check(found, lambda name, number: f"{self.folder}, stored or new: {_said(getattr(found, name)[number])}")
            # Texts first, so that little can come between the files; rows last: a run that has some is not run again.
            texts = {name: lines(getattr(found, name)) for name in ("curves", "costs", "references", "rows")}
            for name, text in texts.items():
                replace_text(self._path(name), text)

    @property
    def state(self) -> list[tuple[int, int, int] | None]:
        """Of each file what changes when it is written again; None where there is none."""
        return [_stamp(self._path(each.name)) for each in fields(Results)]

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _check(found: Results, where: Callable[[str, int], str]) -> None:
    """Compare all records with one another. Raises RowError where they contradict one another.

    Args:
        where: the name of a list of results and a place in it, counted from 0 -> words for it.
    """
    check_agreement(found.rows, partial(where, "rows"))
    check_references(found.references, found.rows, partial(where, "references"))
    check_curves(found.curves, found.rows, partial(where, "rows"))
    check_costs(found.costs, found.rows, partial(where, "costs"))
    check_seals(found.rows, found.curves, found.costs, partial(where, "rows"))
    check_bounds(found.references, found.curves, found.rows, partial(where, "references"))


def _said(record: Record) -> str:
    return record.command if isinstance(record, Row) else ", ".join(map(str, record.key))


def joined(old: Results, new: Results) -> Results:
    """Old results and new ones, as `Store.add` says."""
    again = {(row.model, row.run) for row in new.rows}
    rows = merge([row for row in old.rows if (row.model, row.run) not in again], new.rows)
    runs, grounds = {row.run for row in rows}, {row.ground for row in rows}
    return Results(
        rows,
        [each for each in merge(old.references, new.references) if each.ground in grounds],
        [curve for curve in merge(old.curves, new.curves) if curve.run in runs],
        [cost for cost in merge(old.costs, new.costs) if cost.run in runs],
    )


def read(path: Path, kind: type[Item]) -> list[Item]:
    """The records of a file, none if it does not exist.

    Raises:
        RowError: a line that is no such record, or whose key another line has.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise RowError(f"{path} is damaged: {error}; bring back an older one, or remove it and run again") from error
    items: dict[tuple[str | int, ...], Item] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        item = parse(kind, line, f"{path}:{number}")
        if item.key in items:
            raise RowError(f"{path}:{number}: a line before has the same key {item.key}; remove one of them")
        items[item.key] = item
    return list(items.values())


def merge(old: Iterable[Item], new: Iterable[Item]) -> list[Item]:
    """Old records with those of the same key replaced, in canonical order."""
    by_key = {item.key: item for item in [*old, *new]}
    return [by_key[key] for key in sorted(by_key)]


def lines(items: Iterable[Record]) -> str:
    """Records as a file has them."""
    return "".join(map(to_line, items))
