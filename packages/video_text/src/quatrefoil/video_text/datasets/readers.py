"""Annotation files as rows: JSON, JSON lines and tables, with errors that name the file and the line."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from quatrefoil.video_text.datasets.corpus import CorpusError

Row = dict[str, Any]


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises CorpusError where it is none."""
    return _parsed(path.read_bytes(), str(path))


def read_json_rows(path: Path) -> list[Row]:
    """The objects of a JSON list, or of JSON lines where the file's name ends in `.jsonl`.

    Raises:
        CorpusError: not JSON, or something else than objects.
    """
    rows = _lines(path) if path.suffix == ".jsonl" else read_json(path)
    return objects(rows, path)


def objects(rows: Any, path: Path) -> list[Row]:
    """`rows` of the file `path`, found to be a list of dictionaries with texts as keys, or CorpusError."""
    if not isinstance(rows, list):
        raise CorpusError(f"{path}: needs a list of objects, not {type(rows).__name__}")
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not all(isinstance(key, str) for key in row):
            raise CorpusError(f"{path}: item {number} must be an object with named fields, not {str(row)[:200]}")
    return rows


def read_table(path: Path, columns: Sequence[str], delimiter: str = ",") -> Iterator[dict[str, str]]:
    """The rows of a table with a header, one by one, each of as many columns as the header and a value in `columns`.

    A comma that no quotation marks hold would end a text, and a line that was cut off would say that nothing is said.

    Raises:
        CorpusError: columns or a value are missing or too many, or this is no table in UTF-8; the line is named.
    """
    for line, row in _named_rows(path, delimiter):
        if None in row or None in row.values():
            mend = "take the tabs out of texts" if delimiter == "\t" else "put texts with commas into quotation marks"
            raise CorpusError(
                f"{path}:{line}: has more or fewer columns than the header; {mend}, and fetch a file that ends too "
                f"early again"
            )
        if not all(row.get(column) for column in columns):
            raise CorpusError(f"{path}:{line}: needs a value in the columns {', '.join(columns)}, has {row}")
        yield row


def read_tabs(path: Path, widths: Sequence[int]) -> Iterator[list[str]]:
    """The rows of a tab-separated file without a header, one by one, each with one of the numbers of columns `widths`.

    Quotation marks are letters like any other: the release of LSMDC does not escape them.

    Raises:
        CorpusError: a row has another number of columns; the line is named.
    """
    with path.open(newline="", encoding="utf-8-sig") as lines:
        for number, row in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if len(row) not in widths:
                wanted = " or ".join(map(str, widths))
                raise CorpusError(f"{path}:{number}: needs {wanted} columns separated by tabs, has {len(row)}: {row}")
            yield row


def _named_rows(path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    tabs = delimiter == "\t"
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL)
            for row in reader:
                yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: no table in UTF-8 ({error}); a quotation mark may lack its other one") from error


def _lines(path: Path) -> list[Any]:
    lines = path.read_bytes().splitlines()
    return [_parsed(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _parsed(content: bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise CorpusError(f"{where}: not JSON ({error}); fetch the file again") from error
