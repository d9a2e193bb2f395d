"""Text files, plain or gzip, line by line and as tables, with errors that name the file and the line."""

import csv
import io
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from quatrefoil.core.config import nearest
from quatrefoil.core.wording import counted
from quatrefoil.genomics.compressed import opened

_KEPT: Final = "surrogateescape"
_LONGEST: Final = 2**31 - 1  # a cell may hold a chromosome


class TextError(ValueError):
    """A text file that cannot be used: where, what, how to mend it."""


class Line(NamedTuple):
    """A line that is not blank, without the blanks about it but for tabs, and where it stands (`file:number`)."""

    where: str
    text: str


def read_lines(path: Path) -> list[Line]:
    """The lines of a text file, plain or gzip, UTF-8.

    Raises:
        TextError: no such file, a folder, a damaged gzip file, bytes that are no text, or nothing but blanks.
    """
    return list(lines_of(path))


def lines_of(path: Path) -> Iterator[Line]:
    """As `read_lines`, each read when it is asked for: the file need not fit in memory."""
    empty = True
    for number, text in _decoded(path):
        if text.strip():
            empty = False
            yield Line(f"{path}:{number}", text.strip(" \v\f\n"))  # a tab at either end is a cell that is empty
    if empty:
        raise TextError(f"{path}: empty; fetch the file again")


def read_text(path: Path) -> str:
    """A text file, plain or gzip, UTF-8, whole; every line ends in `\\n`, whatever it ended in.

    Raises:
        TextError: as `read_lines`, but for nothing.
    """
    return "".join(line for _, line in _decoded(path))


def _decoded(path: Path) -> Iterator[tuple[int, str]]:
    with opened(path, TextError) as content:
        # Bytes that are no text are kept until their line is known.
        text = io.TextIOWrapper(content, encoding="utf-8-sig", errors=_KEPT)
        for number, line in enumerate(text, start=1):
            if not line.isascii():
                _check_decoded(line.removesuffix("\n"), f"{path}:{number}")
            yield number, line


def _check_decoded(line: str, where: str) -> None:
    try:
        line.encode("utf-8", errors=_KEPT).decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(f"{where}: not text ({error.reason}); is it another kind of file?") from error


def header_of(line: Line) -> tuple[str, list[str]]:
    """The delimiter of a table by tabs or commas, and the names of its columns in lower case."""
    delimiter = "\t" if "\t" in line.text else ","
    return delimiter, [name.strip().lower().removeprefix("#") for name in cells(line, delimiter)]


def rows(lines: Iterable[Line], delimiter: str, columns: int) -> Iterator[tuple[str, list[str]]]:
    """Where each line stands, and its cells, as the csv module reads them.

    Raises:
        TextError: a line with more or fewer cells than `columns`, or none of a table.
    """
    for line in lines:
        row = cells(line, delimiter)
        if len(row) != columns:
            found = counted(len(row), "column")
            raise TextError(f"{line.where}: {found} where the header has {columns}; is the line cut off?")
        yield line.where, row


def cells(line: Line, delimiter: str) -> list[str]:
    """Of one line. Raises TextError where quotes are amiss."""
    usual = csv.field_size_limit(_LONGEST)  # for the whole process, so it is put back
    try:
        return next(csv.reader([line.text], delimiter=delimiter))
    except csv.Error as error:
        raise TextError(f"{line.where}: no row of a table ({error}); mend the line") from error
    finally:
        csv.field_size_limit(usual)


def repeated(keys: Iterable[Hashable]) -> tuple[int, int] | None:
    """The places, from 0, of the first key that was there before: the earlier one, then its own."""
    first: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        if (before := first.setdefault(key, place)) != place:
            return before, place
    return None


def refuse_header_alone(head: Line, rows: Sequence[object]) -> None:
    """Raise `TextError` where nothing was read below a table's header."""
    if not rows:
        raise TextError(f"{head.where}: a header and no line after it; fetch the file again")


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of a table as text, and where each of their cells stands (`file:number`)."""

    columns: Mapping[str, Sequence[str]]
    where: Sequence[str]

    def __getitem__(self, name: str) -> Sequence[str]:
        return self.columns[name]

    def refuse_twice(self, name: str, mend: str) -> None:
        """Raise `TextError` where two cells of a column are the same: both lines are named, and how to mend it."""
        if again := repeated(self.columns[name]):
            before, row = again
            cell = self.columns[name][row]
            raise TextError(f"{self.where[row]}: {cell} is named twice, {self.where[before]} has it too; {mend}")


def read_table(path: Path, columns: Sequence[str] = ()) -> Table:
    """The named columns of a table by tabs with a header; with none named, all.

    Raises:
        TextError: no such file, a column that is missing (the nearest is named) or named twice, no line after the
            header, a line with more or fewer cells than the header, or an empty cell.
    """
    head, *lines = read_lines(path)
    names = cells(head, "\t")
    if twice := [name for name in names if names.count(name) > 1]:
        raise TextError(f"{head.where}: two columns `{twice[0]}`; name each once")
    for column in columns:
        if column not in names:
            raise TextError(f"{head.where}: no column `{column}`{nearest(column, names)}; columns stand between tabs")
    refuse_header_alone(head, lines)
    found: dict[str, list[str]] = {name: [] for name in columns or names}
    for where, row in rows(lines, "\t", len(names)):
        of_line = dict(zip(names, row, strict=True))
        for name, kept in found.items():
            if not of_line[name].strip():
                raise TextError(f"{where}: nothing under `{name}`; fill it in or take the line out")
            kept.append(of_line[name].strip())
    return Table(found, [line.where for line in lines])
