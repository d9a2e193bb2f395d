"""Tables by tabs with a header: the named columns as text, with errors that name the line."""

from collections.abc import Sequence
from pathlib import Path

from quatrefoil.core.config import nearest
from quatrefoil.genomics.datasets.labelled.records import LabelledError, read_lines


def read_columns(path: Path, columns: Sequence[str]) -> dict[str, list[str]]:
    """Column -> its cells, in the order of the file; other columns are not kept. With no columns named, all are.

    Raises:
        LabelledError: no such file, a column that is missing (the nearest is named) or named twice, no line after the
            header, a line with more or fewer cells than the header, or an empty cell.
    """
    head, *lines = read_lines(path)
    names = head.text.split("\t")
    if twice := [name for name in names if names.count(name) > 1]:
        raise LabelledError(f"{head.where}: two columns `{twice[0]}`; name each once")
    for column in columns:
        if column not in names:
            raise LabelledError(
                f"{head.where}: no column `{column}`{nearest(column, names)}; columns stand between tabs"
            )
    if not lines:
        raise LabelledError(f"{head.where}: a header and no line after it; fetch the file again")
    found: dict[str, list[str]] = {name: [] for name in columns or names}
    for where, text in lines:
        cells = text.split("\t")
        if len(cells) != len(names):
            raise LabelledError(f"{where}: {len(cells)} columns, the header has {len(names)}; is the line cut off?")
        row = dict(zip(names, cells, strict=True))
        for name, kept in found.items():
            if not row[name].strip():
                raise LabelledError(f"{where}: nothing under `{name}`; fill it in or take the line out")
            kept.append(row[name].strip())
    return found
