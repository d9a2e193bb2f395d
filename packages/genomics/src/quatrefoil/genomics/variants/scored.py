"""Tables of scored variants. Legend: V variants, E effects."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.genomics.tables import Table, TextError, read_table
from quatrefoil.genomics.variants.vcf import Variant

_NAME: Final = "variant"
_PLACE: Final = ("chrom", "position", "reference", "alternative")


def read_effects(path: Path, variants: Sequence[Variant]) -> Floats:
    """Effects (V, E) of these variants, in their order, from a table of `quatrefoil variants`: all of its columns but
    those of the place.

    Raises:
        TextError: see `read_table`; a column that holds no numbers, no effect at all, a variant that is named
            twice, one without an effect, or one that is another variant in the table.
    """
    table = read_table(path)
    if _NAME not in table.columns:
        raise TextError(f"{path}: no column `{_NAME}`; make the table with `quatrefoil variants`")
    columns = [_numbers(table, name) for name in table.columns if name not in (_NAME, *_PLACE)]
    if not columns:
        raise TextError(f"{path}: no column of effects beside the place; make it with `quatrefoil variants`")
    table.refuse_twice(_NAME, "make the table anew with `quatrefoil variants`")
    row = {name: number for number, name in enumerate(table[_NAME])}
    if lacking := [variant.name for variant in variants if variant.name not in row]:
        raise TextError(f"{path}: no effect of {lacking[0]} and {len(lacking) - 1} others; score the same VCF file")
    for variant in variants:
        _check_place(table, row[variant.name], variant)
    chosen: Floats = np.stack(columns, axis=1)[[row[variant.name] for variant in variants]]
    return chosen


def _check_place(table: Table, row: int, variant: Variant) -> None:
    """An id may be borne by other alleles in another file; a table without places is taken at its word."""
    place = (variant.chromosome, str(variant.position + 1), variant.reference, variant.alternative)
    for column, wanted in zip(_PLACE, place, strict=True):
        if column in table.columns and (found := table[column][row]) != wanted:
            raise TextError(
                f"{table.where[row]}: `{column}` of {variant.name} is {found}, and {wanted} in the genotypes "
                f"({variant.where}); score the same VCF file"
            )


def _numbers(table: Table, column: str) -> Floats:
    return np.array([_number(*cell, column) for cell in zip(table[column], table.where, strict=True)])


def _number(cell: str, where: str, column: str) -> float:
    try:
        number = float(cell)
    except ValueError as error:
        raise TextError(f"{where}: `{column}` holds {cell!r}, which is no number; take the column out") from error
    if not math.isfinite(number):
        raise TextError(f"{where}: `{column}` holds {cell}, which no effect is; make it with `quatrefoil variants`")
    return number
