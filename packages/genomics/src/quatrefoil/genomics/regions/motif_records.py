"""The records of a motif file, and what in a file, or in a record, is none: Biopython passes over it in silence.

The names of formats are Biopython's: `minimal` is MEME, `clusterbuster` a row of four counts a position.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from quatrefoil.core.wording import counted

BASES: Final = "ACGT"
MOST_POSITIONS: Final = 1000  # the exact distribution of scores takes as long as they are squared
_COUNTS: Final = len(BASES)
_MATRIX: Final = re.compile(
    r"^letter-probability matrix:(?P<facts>.*)\n(?P<rows>(?:[ \t]*[-+.\d].*(?:\n|$))*)", re.MULTILINE
)
_FACT: Final = re.compile(r"(\w+)=[ \t]*(\S*)")
_OTHERS: Final = {  # lines of other formats, wherever they stand
    "minimal": re.compile(r"^(?:>|P[0O]\s).*", re.MULTILINE),
    "transfac": re.compile(r"^>.*", re.MULTILINE),
}
_COMMENT: Final = re.compile(r"#|\s*$")
_BETWEEN: Final = re.compile(r"#|XX|VV|//|\s*$")  # lines outside of TRANSFAC's records
_SECOND: Final = re.compile(r"^(AC|P[0O])\s(?:.*\n)*?(\1\s.*)", re.MULTILINE)


class MotifError(ValueError):
    """A motif file that cannot be used; says file and line."""


class Record(NamedTuple):
    """A record, the number of its first line, and where it stands (`file:number: name`), for errors."""

    line: int
    text: str
    path: Path

    @property
    def head(self) -> str:
        return self.text.splitlines()[0].strip()

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}: `{self.head}`"


class _Row(NamedTuple):
    """The cells of a row of counts, and where it stands."""

    where: str
    letter: str
    cells: list[str]


def split(text: str, format_: str, path: Path) -> tuple[str, list[Record]]:
    """What stands before the first record, and the records.

    Raises:
        MotifError: no record, a line that belongs to none, nor to the format's preamble, or one that begins a record of
            another format, or a second one within the first.
    """
    if other := _OTHERS[format_].search(text) if format_ in _OTHERS else None:
        line, format_of = _line(text, other.start()), "JASPAR" if other[0].startswith(">") else "TRANSFAC"
        raise MotifError(f"{path}:{line}: `{other[0].strip()}` is {format_of}'s; give each format a file of its own")
    found = list(_matches(text, format_))
    if not found:
        raise MotifError(f"{path}: no motif, though it begins as {format_} does; is the file cut off?")
    if format_ != "minimal":  # whose preamble is free text
        _refuse_strays(text, found, _BETWEEN if format_ == "transfac" else _COMMENT, path)
    records = [Record(_line(text, match.start()), match.group(), path) for match in found]
    for record in records:
        if format_ == "transfac" and (second := _SECOND.search(record.text)):
            line = record.line + record.text.count("\n", 0, second.start(2))
            raise MotifError(f"{path}:{line}: a second `{second[1]}` in `{record.head}`; end each record with `//`")
    return text[: found[0].start()], records


def _matches(text: str, format_: str) -> Iterator[re.Match[str]]:
    if format_ == "transfac":
        pattern = r"^(?:AC|ID)\b(?:(?!^//).)*^//"
        return re.finditer(pattern, text.rstrip() + "\n//", re.MULTILINE | re.DOTALL)
    start = r"MOTIF\s" if format_ == "minimal" else ">"
    return re.finditer(rf"^{start}(?:(?!^{start}).)*", text, re.MULTILINE | re.DOTALL)


def _refuse_strays(text: str, found: list[re.Match[str]], kept: re.Pattern[str], path: Path) -> None:
    edges = [0, *(edge for match in found for edge in match.span()), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        for number, line in enumerate(text[start:end].split("\n"), start=_line(text, start)):
            if not kept.match(line):
                raise MotifError(
                    f"{path}:{number}: `{line.strip()[:60]}` belongs to no record; remove it, or mark it #"
                )


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def check(record: Record, format_: str) -> None:
    """Raise `MotifError` for rows of counts that Biopython would read otherwise, or as fewer, or not at all."""
    if record.head == ">":
        raise MotifError(f"{record.where}: a motif without a name; write it behind the `>`")
    rows = list(_rows(record, format_))
    if format_ == "jaspar":
        _check_bases(rows, record)
    elif format_ == "minimal":
        _check_stated(rows, record)
    for row in rows:
        if format_ != "jaspar" and len(row.cells) != _COUNTS:
            raise MotifError(f"{row.where}: {counted(len(row.cells), 'number')} in a row of `{record.head}`; four are")
        if wrong := [cell for cell in row.cells if not _is_number(cell)]:
            raise MotifError(f"{row.where}: `{wrong[0]}` in `{record.head}` is no number; mend the line")
    if (positions := len(rows[0].cells) if format_ == "jaspar" else len(rows)) > MOST_POSITIONS:
        raise MotifError(
            f"{record.where} has {positions:,} positions; a motif has {MOST_POSITIONS:,} at most, remove it"
        )


def facts(text: str) -> dict[str, str]:
    """What the line of MEME's matrix states, such as w and nsites."""
    matrix = _MATRIX.search(text)
    return dict(_FACT.findall(matrix["facts"])) if matrix else {}


def _rows(record: Record, format_: str) -> Iterator[_Row]:
    lines = list(enumerate(record.text.split("\n"), start=record.line))
    if format_ == "minimal":
        matrix = _matrix(record)
        first = record.line + record.text.count("\n", 0, matrix.start("rows"))
        lines = [(at, line) for at, line in enumerate(matrix["rows"].split("\n"), first) if line.strip("- \r")]
    elif format_ == "transfac":
        lines = [(at, line) for at, line in lines if re.match(r"\d+\s", line)]
    else:
        lines = lines[1:]
    for number, line in lines:
        if line.strip() and not line.startswith("#"):
            yield _row(f"{record.path}:{number}", line, format_)


def _row(where: str, line: str, format_: str) -> _Row:
    if format_ == "transfac":  # the position first, and the consensus last
        return _Row(where, "", line.split()[1 : _COUNTS + 1])
    letter = line.strip()[0] if format_ == "jaspar" and line.strip()[0].isalpha() else ""
    return _Row(where, letter, re.sub(r"[\[\]]", " ", line.strip().removeprefix(letter)).split())


def _matrix(record: Record) -> re.Match[str]:
    if (matrix := _MATRIX.search(record.text)) is None:
        raise MotifError(f"{record.where} has no `letter-probability matrix:`; remove it, or mend the line")
    return matrix


def _check_bases(rows: list[_Row], record: Record) -> None:
    if len(rows) != _COUNTS:
        raise MotifError(
            f"{record.where} has {counted(len(rows), 'row')} of counts; JASPAR needs four, of A, C, G and T"
        )
    letters = [row.letter for row in rows]
    for row in rows:
        if any(letters) and (row.letter not in BASES or letters.count(row.letter) > 1):
            raise MotifError(f"{row.where}: a row of `{row.letter}` in `{record.head}`; name A, C, G and T once each")
        if len(row.cells) != len(rows[0].cells):
            raise MotifError(
                f"{row.where}: {counted(len(row.cells), 'count')} where the first row of `{record.head}` has "
                f"{len(rows[0].cells)}; mend or remove it"
            )


def _check_stated(rows: list[_Row], record: Record) -> None:
    matrix = _matrix(record)
    where = f"{record.path}:{record.line + record.text.count(chr(10), 0, matrix.start())}"
    stated = facts(record.text)
    for name, needed in (("alength", str(_COUNTS)), ("w", stated.get("w", ""))):
        if name in stated and (stated[name] != needed or not needed.isdecimal()):
            raise MotifError(f"{where}: `{name}= {stated[name]}` of `{record.head}`; DNA has 4 letters, w counts rows")
    if "nsites" in stated and not (_is_number(stated["nsites"]) and 0 <= float(stated["nsites"]) < math.inf):
        raise MotifError(f"{where}: `nsites= {stated['nsites']}` of `{record.head}`; give a number of sites, or none")
    whole = counted(sum(len(row.cells) == _COUNTS for row in rows), "row")
    if "w" in stated and whole != counted(int(stated["w"]), "row"):
        raise MotifError(
            f"{record.where} has {whole} of four numbers where w= says {stated['w']}; is the file cut off?"
        )
    after = record.text[matrix.end() :].lstrip()
    if "w" not in stated and after and not after.startswith(("URL", "-", "*")):
        number = record.line + record.text.count("\n", 0, len(record.text) - len(after))
        raise MotifError(
            f"{record.path}:{number}: `{after.splitlines()[0].strip()[:60]}` follows the rows of `{record.head}`, of "
            f"which w= does not say how many there are; mend the line, or state w="
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
