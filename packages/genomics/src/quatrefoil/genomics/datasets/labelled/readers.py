"""The formats of labelled sequences, told apart by their first line.

- A header with `sequence` (or `seq`) and `label`: a table by tabs or commas, with quotes or without, sequences as bases
  or as DNABERT's k-mers. With `Bound` for `label` (DeepBind) all labels may be 1: positives only.
- `>name`: FASTA, positives only, labelled 1; where every title ends in `|` and a whole number, two of them or more
  and fewer than half as many as sequences, these are the labels (the Nucleotide Transformer's sets).
- Bases alone: one sequence a line, positives only, labelled 1.
- Class, name and bases by commas, without a header: UCI's splice.data.

`POSITIVES+NEGATIVES` names two files of the formats without labels; those of the second are 0.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.labelled.records import Labelled, Record, bases
from quatrefoil.genomics.sequence.kmers import AMBIGUOUS, BASES
from quatrefoil.genomics.tables import Line, TextError, header_of, read_lines, refuse_header_alone, rows

POSITIVE, NEGATIVE = "1", "0"
SEQUENCE, _LABEL, _NAME = ("sequence", "seq"), ("label", "bound"), ("name", "id", "eventid")
_DNA: Final = re.compile(f"[{BASES}{AMBIGUOUS}]+", re.IGNORECASE)
_UCI_COLUMNS: Final = 3
_TITLE: Final = re.compile(r"(.*)\|(\d+)")
_TITLE_OF_SPLIT: Final = re.compile(r".*\|\w+\|(\w+)")
_SPLIT: Final = ("split", "set", "partition")
_SPLITS: Final = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}


def read_labelled(root: Path, names: str, labels: bool = True) -> Labelled:
    """The records of a file, or of two joined by `+`; see the table above.

    Args:
        labels: whether a table must have them; those without are then labelled with nothing.

    Raises:
        TextError: a file that is not there, of no known format, or broken; with the line.
    """
    if (root / names).is_file() or "+" not in names:
        return _read(root, names, labels)
    files = names.split("+")
    if len(files) != 2 or not all(files):
        raise TextError(f"{names}: {sum(map(bool, files))} files joined by `+`; give POSITIVES+NEGATIVES")
    if (root / files[0]).resolve() == (root / files[1]).resolve():
        raise TextError(f"{root / files[0]}: is said to hold the positives and the negatives; give POSITIVES+NEGATIVES")
    positives, negatives = (_read(root, name, labels) for name in files)
    for name, found in zip(files, (positives, negatives), strict=True):
        if not found.only_positives:
            raise TextError(f"{root / name}: has labels of its own; only files without labels are joined by `+`")
    return Labelled([*positives.records, *(record._replace(label=NEGATIVE) for record in negatives.records)])


def _read(root: Path, name: str, labels: bool) -> Labelled:
    if root.parts and not (root / name).exists():
        raise TextError(f"{root / name}: no such file; in a recipe, paths count from data.root")
    lines = read_lines(root / name)
    first = lines[0].text
    if first.startswith(">"):
        records = list(_fasta(lines))
        return _in_titles(records) if labels else Labelled(records, only_positives=True)
    if _DNA.fullmatch(first.strip()):
        return Labelled([Record(where, "", bases(text, where), POSITIVE) for where, text in lines], True)
    delimiter, names = header_of(lines[0])
    if set(names) & set(SEQUENCE):
        return _table(lines, delimiter, names, labels)
    fields = first.split(",")
    if len(fields) == _UCI_COLUMNS and _DNA.fullmatch(fields[-1].strip()):
        return Labelled(list(_uci(lines)))
    if first.startswith(";"):
        raise TextError(f"{lines[0].where}: {first[:60]!r}: a comment, which is read in no format; take the line out")
    if ";" in first:
        raise TextError(f"{lines[0].where}: {first[:60]!r}: columns stand apart by tabs or commas; replace each `;`")
    raise TextError(
        f"{lines[0].where}: {first[:60]!r} begins no known format; give a table whose header names `sequence` and "
        f"`label`, a FASTA file, one sequence a line, or UCI's class,name,bases"
    )


def _fasta(lines: Sequence[Line]) -> Iterator[Record]:
    starts = [row for row, line in enumerate(lines) if line.text.startswith(">")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        where, title = lines[start]
        if end == start + 1:
            raise TextError(f"{where}: {title[:60]!r} has no sequence; fill it in or take the title out")
        codes = np.concatenate([bases(line.text, line.where) for line in lines[start + 1 : end]])
        yield Record(where, title[1:].strip(), codes, POSITIVE)


def _in_titles(records: list[Record]) -> Labelled:
    """Positives, or what the ends of their titles say. Raises TextError where they deal the lines to splits."""
    ends = [_TITLE_OF_SPLIT.fullmatch(record.name) for record in records]
    said = {match[1].lower() if match else "" for match in ends}
    if said <= _SPLITS:
        raise TextError(
            f"{records[0].where}: titles end in a label and {', '.join(sorted(said))}; let them end in `|` and the "
            f"label, in a file of each split"
        )
    labelled = by_titles(records)
    if 2 <= len({record.label for record in labelled}) < len(records) / 2:
        return Labelled(labelled)
    return Labelled(records, only_positives=True)


def by_titles(records: Sequence[Record]) -> list[Record]:
    """Labelled by what stands behind the last `|` of their titles; none where one has no whole number there."""
    found = [_TITLE.fullmatch(record.name) for record in records]
    if not all(found):
        return []
    return [r._replace(name=match[1], label=match[2]) for r, match in zip(records, found, strict=True) if match]


def _table(lines: Sequence[Line], delimiter: str, names: Sequence[str], labels: bool) -> Labelled:
    header = {name: place for place, name in enumerate(names)}
    for role in (SEQUENCE, _LABEL) if labels else (SEQUENCE,):
        if len(found := [name for name in names if name in role]) > 1:
            both = f"two columns `{found[0]}`" if len(set(found)) == 1 else f"columns {_quoted(found)} for one thing"
            raise TextError(f"{lines[0].where}: {both}; rename or remove one")
    sequence = _column(header, SEQUENCE, lines[0])
    _refuse_splits(lines, delimiter, names)
    label = _column(header, _LABEL, lines[0]) if labels or header.keys() & {*_LABEL} else None
    name = next((header[key] for key in _NAME if key in header), None)
    records = []
    for where, row in rows(lines[1:], delimiter, len(names)):
        written = "" if label is None else row[label].strip()
        if not written and labels:
            raise TextError(f"{where}: no label; fill it in or take the line out")
        called = row[name].strip() if name is not None else ""
        records.append(Record(where, called, bases(row[sequence], where), written))
    refuse_header_alone(lines[0], records)
    return Labelled(records, "bound" in header and {record.label for record in records} == {POSITIVE})


def _refuse_splits(lines: Sequence[Line], delimiter: str, names: Sequence[str]) -> None:
    """Raise `TextError` for a column that deals the lines to training and test: all of them would be read as one."""
    for name in {*names} & {*_SPLIT}:
        said = {row[names.index(name)].strip().lower() for _, row in rows(lines[1:], delimiter, len(names))}
        if len(said) > 1 and said <= _SPLITS:
            raise TextError(
                f"{lines[0].where}: column `{name}` deals the lines to {', '.join(sorted(said))}; make a file of each"
            )


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _column(header: Mapping[str, int], names: Sequence[str], line: Line) -> int:
    for name in names:
        if name in header:
            return header[name]
    raise TextError(f"{line.where}: no column `{names[0]}` among {', '.join(header)}; name it so in the header")


def _uci(lines: Sequence[Line]) -> Iterator[Record]:
    for where, (label, name, sequence) in rows(lines, ",", _UCI_COLUMNS):
        if not label.strip():
            raise TextError(f"{where}: no class; fill it in or take the line out")
        yield Record(where, name.strip(), bases(sequence, where), label.strip())
