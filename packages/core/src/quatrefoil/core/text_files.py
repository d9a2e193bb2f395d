"""How commands and made benchmarks write text: whole or not at all, in UTF-8, lines ended by `\\n`, the same bytes for
the same content."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from quatrefoil.core.files import replace_text, whole_file

Rows = Iterable[Sequence[object]]


def check_target(option: str, path: Path | None, inputs: Iterable[Path | None] = ()) -> None:
    """Raise `ValueError` for a file that could not be written, or that is one of what is read or written beside it,
    before anything is computed; None is no file."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise ValueError(f"{option} {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise ValueError(f"{option} {path}: a folder; name a file in it")
    if any(other is not None and other.resolve() == path.resolve() for other in inputs):
        raise ValueError(f"{option} {path}: is named for something else, too, and would be lost; name another file")


def write_json(path: Path, content: Any, indent: int | None = None) -> None:
    """One JSON document."""
    write_lines(path, [json.dumps(content, indent=indent)])


def write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    """One JSON document a line."""
    write_lines(path, map(json.dumps, rows))


def write_table(path: Path, rows: Rows, delimiter: str = ",") -> None:
    """A table; the real sets separate by comma or tab, and quote only what needs it."""
    with whole_file(path) as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Lines of text."""
    replace_text(path, "".join(f"{line}\n" for line in lines))
