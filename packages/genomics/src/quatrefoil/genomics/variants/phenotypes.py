"""The people of a cohort: who is ill, and what else is known of them.

Legend: P people, C columns of covariates.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats, Ints
from quatrefoil.genomics.tables import Table, TextError, read_table

SAMPLE = "sample"


class People(NamedTuple):
    """Names (P), the outcome (0 or 1, P), and covariates as numbers (P, C) with the names of their columns."""

    names: Sequence[str]
    outcome_P: Ints
    covariates_PC: Floats
    covariates: Sequence[str]


def read_people(path: Path, outcome: str, covariates: Sequence[str]) -> People:
    """A table by tabs with the columns `sample`, the outcome and the covariates.

    A covariate of numbers is one column; one of words has a column for each of its values but the first in alphabetical
    order.

    Raises:
        TextError: see `read_table`; a person named twice, an outcome that is neither 0 nor 1, or is the same for
            all, or a covariate that is the outcome or the name, is the same for all, or of which some cells are finite
            numbers and some are not.
    """
    if taken := [name for name in covariates if name in (SAMPLE, outcome)]:
        is_what = "names people" if taken[0] == SAMPLE else "is what is predicted"
        raise TextError(f"{path}: `{taken[0]}` {is_what}, so it is no covariate; leave it out of the covariates")
    table = read_table(path, list(dict.fromkeys((SAMPLE, outcome, *covariates))))
    names, ill = table[SAMPLE], table[outcome]
    table.refuse_twice(SAMPLE, "one line a person")
    for where, name, value in zip(table.where, names, ill, strict=True):
        if value not in ("0", "1"):
            raise TextError(f"{where}: `{outcome}` of {name} is {value!r}; write 1 for those who have it, else 0")
    if len(set(ill)) < 2:
        raise TextError(f"{path}: `{outcome}` is {ill[0]} for everyone; people with it and without it are needed")
    columns: dict[str, Floats] = {}
    for name in covariates:
        if len(set(table[name])) < 2:
            raise TextError(f"{path}: `{name}` is {table[name][0]} for everyone; leave this covariate out")
        columns |= _columns(name, table)
    covariates_PC = np.stack(list(columns.values()), axis=1) if columns else np.empty((len(names), 0))
    return People(names, np.array(ill, np.int64), covariates_PC, list(columns))


def _columns(name: str, table: Table) -> dict[str, Floats]:
    cells = table[name]
    numbers = np.array([_number(cell) for cell in cells])
    if (finite := np.isfinite(numbers)).all():
        return {name: numbers}
    if finite.any():
        # As categories, every number would be one.
        odd = int(np.argmin(finite))
        raise TextError(
            f"{table.where[odd]}: `{name}` holds {cells[odd]!r}, elsewhere numbers; fill it in, take the person "
            f"out, or write all as words"
        )
    return {f"{name}={level}": np.array([cell == level for cell in cells], float) for level in sorted(set(cells))[1:]}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
