"""Tables of scored variants. Legend: V variants, E effects."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.genomics.datasets.labelled.records import LabelledError
from quatrefoil.genomics.tables import read_columns
from quatrefoil.genomics.variants.vcf import Variant

_NAME: Final = "variant"
_PLACE: Final = ("chrom", "position", "reference", "alternative")


def read_effects(path: Path, variants: Sequence[Variant]) -> Floats:
    """Effects (V, E) of these variants, in their order, from a table of `quatrefoil variants`: all of its columns but
    those of the place.

    Raises:
        LabelledError: see `read_columns`; a column that holds no numbers, no effect at all, a variant that is named
            twice, or one without an effect.
    """
    cells = read_columns(path, ())
    if _NAME not in cells:
        raise LabelledError(f"{path}: no column `{_NAME}`; make the table with `quatrefoil variants`")
    columns = [_numbers(path, name, cells[name]) for name in cells if name not in (_NAME, *_PLACE)]
    if not columns:
        raise LabelledError(f"{path}: no column of effects beside the place; make it with `quatrefoil variants`")
    row = {name: number for number, name in enumerate(cells[_NAME])}
    if len(row) < len(cells[_NAME]):
        twice = next(name for name, count in Counter(cells[_NAME]).items() if count > 1)
        raise LabelledError(f"{path}: {twice} is named twice; make the table anew with `quatrefoil variants`")
    if lacking := [variant.name for variant in variants if variant.name not in row]:
        raise LabelledError(f"{path}: no effect of {lacking[0]} and {len(lacking) - 1} others; score the same VCF file")
    chosen: Floats = np.stack(columns, axis=1)[[row[variant.name] for variant in variants]]
    return chosen


def _numbers(path: Path, column: str, cells: Sequence[str]) -> Floats:
    try:
        numbers = np.array(cells, np.float64)
    except ValueError as error:
        raise LabelledError(f"{path}: `{column}` holds what is no number ({error}); take the column out") from error
    if not np.isfinite(numbers).all():
        odd = cells[int(np.argmin(np.isfinite(numbers)))]
        raise LabelledError(f"{path}: `{column}` holds {odd}, which no effect is; make it with `quatrefoil variants`")
    return numbers
