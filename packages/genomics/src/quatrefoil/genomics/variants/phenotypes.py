"""The people of a cohort: who is ill, and what else is known of them.

Legend: P people, C columns of covariates.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats, Ints
from quatrefoil.genomics.datasets.labelled.records import LabelledError
from quatrefoil.genomics.tables import read_columns

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
        LabelledError: see `read_columns`; a person named twice, an outcome that is neither 0 nor 1, or is the same for
            all, or a covariate that is the same for all, or of which some cells are finite numbers and some are not.
    """
    cells = read_columns(path, list(dict.fromkeys((SAMPLE, outcome, *covariates))))
    names, ill = cells[SAMPLE], cells[outcome]
    if len(set(names)) < len(names):
        raise LabelledError(f"{path}: {next(n for n in names if names.count(n) > 1)} is named twice; one line a person")
    for name, value in zip(names, ill, strict=True):
        if value not in ("0", "1"):
            raise LabelledError(f"{path}: `{outcome}` of {name} is {value!r}; write 1 for those who have it, else 0")
    if len(set(ill)) < 2:
        raise LabelledError(f"{path}: `{outcome}` is {ill[0]} for everyone; people with it and without it are needed")
    columns: dict[str, Floats] = {}
    for name in covariates:
        if len(set(cells[name])) < 2:
            raise LabelledError(f"{path}: `{name}` is {cells[name][0]} for everyone; leave this covariate out")
        columns |= _columns(name, cells[name], path)
    table = np.stack(list(columns.values()), axis=1) if columns else np.empty((len(names), 0))
    return People(names, np.array(ill, np.int64), table, list(columns))


def _columns(name: str, cells: Sequence[str], path: Path) -> dict[str, Floats]:
    numbers = np.array([_number(cell) for cell in cells])
    if (finite := np.isfinite(numbers)).all():
        return {name: numbers}
    if finite.any():
        # As categories, every number would be one.
        odd = cells[int(np.argmin(finite))]
        raise LabelledError(
            f"{path}: `{name}` holds numbers, and {odd!r}; fill it in, take the person out, or write all as words"
        )
    return {f"{name}={level}": np.array([cell == level for cell in cells], float) for level in sorted(set(cells))[1:]}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
