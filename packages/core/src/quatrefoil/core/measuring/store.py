"""The rows on disk: JSON lines in canonical order, so that the same results are the same bytes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from quatrefoil.core.files import replace_text
from quatrefoil.core.measuring.agreement import check_agreement, check_references
from quatrefoil.core.measuring.rows import Cost, Curve, Item, Reference, Row, RowError, Run, parse, to_line


@dataclass(frozen=True)
class Results:
    """All that tables and plots are made of."""

    rows: list[Row] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)

    @property
    def runs(self) -> set[Run]:
        return {row.run for row in self.rows}


@dataclass(frozen=True)
class Store:
    """A folder of results."""

    folder: Path

    def read(self) -> Results:
        """Everything stored; an empty store has no files.

        Raises:
            RowError: a line that may not enter a table, or that contradicts another, with its file and number.
        """
        rows, references = read(self._path("rows"), Row), read(self._path("references"), Reference)
        check_agreement(rows, lambda number: f"{self._path('rows')}:{number + 1}")
        check_references(references, rows, lambda number: f"{self._path('references')}:{number + 1}")
        return Results(rows, references, read(self._path("curves"), Curve), read(self._path("costs"), Cost))

    def add(self, new: Results) -> None:
        """Store results; they replace those of the same keys, and all rows of the same run.

        Curves and costs of runs without rows are dropped, and references on grounds without.

        Raises:
            RowError: what is stored is broken, or contradicts what is new; nothing is written then.
        """
        old = self.read()
        again = {(row.model, row.run) for row in new.rows}
        rows = merge([row for row in old.rows if (row.model, row.run) not in again], new.rows)
        check_agreement(rows, lambda number: f"{self.folder}, stored or new: {rows[number].command}")
        runs = Results(rows).runs
        curves = [curve for curve in merge(old.curves, new.curves) if curve.run in runs]
        costs = [cost for cost in merge(old.costs, new.costs) if cost.run in runs]
        grounds = {row.ground for row in rows}
        references = [each for each in merge(old.references, new.references) if each.ground in grounds]
        write(self._path("curves"), curves)
        write(self._path("costs"), costs)
        write(self._path("references"), references)
        write(self._path("rows"), rows)  # last: a run that has rows is not run again

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"


def read(path: Path, kind: type[Item]) -> list[Item]:
    """The records of a file, none if it does not exist.

    Raises:
        RowError: a line that is no such record, or whose key another line has.
    """
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n") if path.exists() else []
    except UnicodeDecodeError as error:
        raise RowError(f"{path} is damaged: {error}; bring back an older one, or remove it and run again") from error
    items: dict[tuple[str | int, ...], Item] = {}
    for number, line in enumerate(lines if lines != [""] else [], start=1):
        item = parse(kind, line, f"{path}:{number}")
        if item.key in items:
            raise RowError(f"{path}:{number}: a line before has the same key {item.key}; remove one of them")
        items[item.key] = item
    return list(items.values())


def merge(old: Iterable[Item], new: Iterable[Item]) -> list[Item]:
    """Old records with those of the same key replaced, in canonical order."""
    by_key = {item.key: item for item in [*old, *new]}
    return [by_key[key] for key in sorted(by_key)]


def write(path: Path, items: Iterable[Item]) -> None:
    """Write records whole or not at all."""
    replace_text(path, "".join(map(to_line, items)))
