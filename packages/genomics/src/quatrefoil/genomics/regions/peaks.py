"""Peaks of cell types: BED, narrowPeak and broadPeak files (plain or gzip), read by bioframe.

Coordinates are 0-based and half-open. Legend: P peaks.
"""

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from quatrefoil.core.wording import counted
from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.tables import Line, TextError, lines_of

_HEADER: Final = re.compile(r"#|(track|browser)(\s|$)")
_SIGNAL: Final = {"narrowPeak": "fc", "broadPeak": "fc", "bed": "score"}  # bioframe's name of the signal column
_STRENGTH: Final = {
    "fc": "signal value; mend the line",
    "score": "score; mend the line (peaks, not hits, do without it and what follows: `cut -f 1-4`)",
}
_FURTHEST: Final = 2**53
_LEAST: Final = 3
_MOST: Final = {"narrowPeak": 10, "broadPeak": 9, "bed": 12}


class PeakError(TextError):
    """A file of intervals that cannot be used; says file and line."""


class Interval(NamedTuple):
    """Bases `start` to `end` of a chromosome."""

    chromosome: str
    start: int
    end: int


class Unit(NamedTuple):
    """Intervals of one chromosome that are worked on together."""

    chromosome: str
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of one cell type, sorted by chromosome (in the order of the genome), start and end.

    `signal` is the signal value of narrowPeak and broadPeak, the score of BED with at least five columns, else None.
    `duplicates` lines gave an interval a second time, with a lower signal (a caller writes one line a summit).
    `excluded` lines are on chromosomes that were asked to be left out, those of `left_out`.
    """

    chromosome: npt.NDArray[np.str_]
    start: Integers
    end: Integers
    signal: npt.NDArray[np.float32] | None
    duplicates: int
    excluded: int
    left_out: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.start)


def read_peaks(path: str | Path, lengths: Mapping[str, int], exclude: Iterable[str] = ()) -> Peaks:
    """The peaks of a file, on a genome with chromosomes of these lengths.

    The format is that of the suffix: `.narrowPeak`, `.broadPeak`, anything else BED, but for ten columns, which are
    narrowPeak's, as ENCODE's files (`.bed.gz`) have them; `.gz` may follow. Lines that start with `#`, or with the word
    `track` or `browser`, are headers.

    Raises:
        TextError: see `read_lines`; PeakError: too few or too many columns, a coordinate that is no number, an empty
            interval, an unknown chromosome, an interval that leaves its chromosome, or none left of those excluded.
    """
    path = Path(path)
    frame = read_intervals(path)
    left_out = frame["chrom"].isin(list(exclude)).to_numpy()
    if left_out.all():
        raise PeakError(f"{path}: every interval is on an excluded chromosome; exclude fewer, or leave the file out")
    excluded, frame = frame["chrom"][left_out], frame[~left_out]
    check_places(frame, lengths, "rename it, or leave it out with --exclude")
    order = {name: place for place, name in enumerate(lengths)}
    signal = "fc" if "fc" in frame else "score"
    frame = frame.assign(place=frame["chrom"].map(order), strength=frame.get(signal, 0.0))
    frame = frame.sort_values(["place", "start", "end", "strength"], ascending=[True, True, True, False], kind="stable")
    unique = frame.drop_duplicates(["chrom", "start", "end"])
    return Peaks(
        chromosome=unique["chrom"].to_numpy(dtype=str),
        start=unique["start"].to_numpy(np.int64),
        end=unique["end"].to_numpy(np.int64),
        signal=unique["strength"].to_numpy(np.float32) if signal in frame else None,
        duplicates=len(frame) - len(unique),
        excluded=int(left_out.sum()),
        left_out=frozenset(excluded),
    )


def read_intervals(path: Path) -> Any:
    """A frame with bioframe's columns and `where` each line stands (`file:number`).

    Raises:
        TextError, PeakError: as `read_peaks`, but for what needs the genome.
    """
    (frame,) = interval_blocks(path, sys.maxsize)
    return frame


def interval_blocks(path: Path, most: int, fields: int | None = None) -> Iterator[Any]:
    """As `read_intervals`, frames of at most so many lines, one after the other: the file need not fit in memory.

    Args:
        fields: how many columns are read, as those of BED, whatever follows them; None = all.
    """
    lines = (line for line in lines_of(path) if not _HEADER.match(line.text))
    kind = _kind(path)
    if fields is not None:
        lines, kind = (line._replace(text=_first(line.text, fields)) for line in lines), "bed"
    if (first := next(lines, None)) is None:
        raise PeakError(f"{path}: no interval; a line is `chromosome<TAB>start<TAB>end`")
    columns, left = _column_count(first), chain([first], lines)
    while block := list(islice(left, most)):
        _check_columns(block, columns, kind)
        yield _frame(block, columns, "narrowPeak" if columns == _MOST["narrowPeak"] else kind)


def _first(text: str, fields: int) -> str:
    return "\t".join(text.split("\t", fields)[:fields])


def _frame(lines: Sequence[Line], columns: int, kind: str) -> Any:
    bioframe = _bioframe()
    names = bioframe.SCHEMAS["bed12" if kind == "bed" else kind][:columns]
    text = io.StringIO("\n".join(line.text for line in lines))
    # Names are as they stand there: a quote is a letter, and `NA` is a name.
    frame = bioframe.read_table(text, names=names, dtype=str, quoting=csv.QUOTE_NONE, keep_default_na=False)
    frame["where"] = [line.where for line in lines]
    for column in ("start", "end", _SIGNAL[kind]):
        if column in frame:
            frame[column] = numbers(frame, column)
    refuse(frame, (frame["start"] < 0) | (frame["start"] >= frame["end"]), "is no interval; 0 <= start < end")
    return frame.astype({"start": np.int64, "end": np.int64})


def merged(peaks: Iterable[Peaks], lengths: Mapping[str, int]) -> list[Interval]:
    """The bases that any of the peaks covers, as few intervals, sorted in the order of `lengths`; those that touch are
    one."""
    columns = list(zip(*((p.chromosome, p.start, p.end) for p in peaks), strict=True))
    chromosome_P, start_P, end_P = (np.concatenate(parts) for parts in columns)
    present = [(name, chromosome_P == name) for name in lengths]
    return [piece for name, on_P in present if on_P.any() for piece in _merged(name, start_P[on_P], end_P[on_P])]


def _merged(chromosome: str, start_P: Integers, end_P: Integers) -> Iterator[Interval]:
    """Of one peak or more on a chromosome; in the order of their starts, the furthest end so far closes a piece."""
    order = np.argsort(start_P, kind="stable")
    start_P, reach_P = start_P[order], np.maximum.accumulate(end_P[order])
    first = np.flatnonzero(np.append(True, start_P[1:] > reach_P[:-1]))
    ends = reach_P[np.append(first[1:], len(start_P)) - 1]
    yield from (Interval(chromosome, *piece) for piece in zip(start_P[first].tolist(), ends.tolist(), strict=True))


def units_of(intervals: Iterable[Interval], bases: int) -> Iterator[Unit]:
    """Neighbouring intervals of one chromosome, together about as long as `bases`."""
    for chromosome, group in groupby(intervals, key=lambda piece: piece.chromosome):
        pieces = list(group)
        before = np.cumsum([0, *(end - start for _, start, end in pieces)])
        for _, unit in groupby(zip(pieces, before // bases, strict=False), key=lambda pair: pair[1]):
            yield Unit(chromosome, tuple(piece for piece, _ in unit))


def _bioframe() -> Any:
    """Imported when it is used: it brings matplotlib with it."""
    import bioframe

    return bioframe


def _kind(path: Path) -> str:
    suffix = Path(path.name.removesuffix(".gz")).suffix.removeprefix(".")
    return suffix if suffix in ("narrowPeak", "broadPeak") else "bed"


def _column_count(line: Line) -> int:
    return line.text.count("\t") + 1


def _check_columns(lines: Iterable[Line], count: int, kind: str) -> None:
    least = _MOST[kind] if kind != "bed" else _LEAST
    for line in lines:
        if (columns := _column_count(line)) != count or not least <= columns <= _MOST[kind]:
            wanted = str(least) if least == _MOST[kind] else f"{least}-{_MOST[kind]}"
            other = f", the first line has {count}" if columns != count else ""
            spaces = "; put tabs in the place of spaces" if len(line.text.split()) >= least > columns else ""
            raise PeakError(
                f"{line.where}: {counted(columns, 'column')} between tabs{other}; {kind} needs {wanted}, the same in "
                f"every line{spaces}"
            )


def numbers(frame: Any, column: str) -> Any:
    """A column of a frame of `read_intervals` as numbers. Raises PeakError where a cell is none."""
    values = pd.to_numeric(frame[column], errors="coerce")
    finite = np.isfinite(values.astype(float))
    if column in ("start", "end"):
        refuse(
            frame,
            ~finite | (values % 1 != 0),
            f"has no whole number as its {column}; mend the line, or take it out (a header)",
        )
        refuse(frame, values.abs() > _FURTHEST, f"has its {column} beyond all chromosomes; mend the line")
    else:
        refuse(frame, ~finite, f"has no number as its {_STRENGTH[column]}")
    return values


def refuse(frame: Any, bad: Any, why: str) -> None:
    """Raise `PeakError` for the first row of a frame of `read_intervals` that is bad."""
    if bad.any():
        row = frame[bad].iloc[0]
        raise PeakError(f"{row['where']}: {row['chrom']}:{row['start']}-{row['end']} {why}")


def check_places(frame: Any, lengths: Mapping[str, int], mend: str) -> None:
    """Raise `PeakError` for a row of a frame of `read_intervals` that is on no chromosome, or leaves its own.

    Args:
        mend: what to do about an unknown chromosome, for the error.
    """
    unknown = ~frame["chrom"].isin(list(lengths))
    some = ", ".join([*list(lengths)[:4], *(["..."] if len(lengths) > 4 else [])])
    if others := list(frame["chrom"][unknown].unique()[1:]):
        mend += f". As are intervals on {counted(len(others), 'more chromosome')}: {', '.join(map(str, others))}"
    refuse(frame, unknown, f"is on no chromosome of the genome ({some}); {mend}")
    beyond = frame["end"] > frame["chrom"].map(dict(lengths))
    refuse(frame, beyond, "leaves its chromosome; was it called on another assembly?")
