"""Builds the (motif x region) matrix: summed scores of the hits that share a base with a peak.

GET's recipe (`bedtools intersect`, then the sum of scores; GeneBERT's own is not known, papers/genebert.md section 4):
a hit counts for every peak with which it shares at least one base, with its whole score, on either strand. Values are
scaled by each motif's maximum over the training chromosomes of all cell types but those held out, when they are read.

The genome is cut into units of peaks that do not touch other units. Each unit is scanned once for all cell types, and
what a unit gives does not depend on the others: an interrupted build goes on with the units that are missing.
"""

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import zarr
from tqdm import tqdm

from quatrefoil.core.config import nearest
from quatrefoil.genomics.regions.hits import UNITS_PER_BIT, Hits, Integers
from quatrefoil.genomics.regions.peaks import Interval, Peaks, Unit, merged, units_of
from quatrefoil.genomics.regions.sources import HitSource
from quatrefoil.genomics.regions.store import MATRIX_FORMAT, PEAKS_PER_CHUNK, MatrixError, RegionMatrix

_UNIT_BASES: Final = 500_000  # some thousand peaks: few chunks are written in parts, and a lost unit costs seconds
_AHEAD: Final = 4  # units that a worker may be ahead of the writer
_JOURNAL: Final = "units.done"
_MOST: Final = np.iinfo(np.int32).max  # of the sums that are stored


@dataclass(frozen=True, eq=False)
class MatrixPlan:
    """What a matrix is made of.

    `order` lists indices into `source.names`: the rows of the matrix. `made_of` says what else fixes the values
    (genome, motifs, scoring); a build goes on only where all of it is as before. Cell types of `held_out` have columns
    as the others, but neither scale the values nor have a part in what is usual.

    Raises:
        ValueError: no cell type, none that is not held out, one held out that has no peaks, or training chromosomes
            that the genome lacks or on which no peak lies, or a name that is given twice.
    """

    source: HitSource
    peaks: Mapping[str, Peaks]
    lengths: Mapping[str, int]
    training: Sequence[str]
    order: Sequence[int]
    made_of: Mapping[str, str]
    held_out: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.peaks:
            raise ValueError("no cell type; give a file of peaks for each")
        for what, names in (("training chromosome", self.training), ("held-out cell type", self.held_out)):
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"{what} `{twice[0]}` is named twice; name it once")
        if unknown := [name for name in self.training if name not in self.lengths]:
            raise ValueError(f"training chromosome `{unknown[0]}` is not in the genome ({', '.join(self.lengths)})")
        if unknown := [name for name in self.held_out if name not in self.peaks]:
            raise ValueError(f"held-out cell type `{unknown[0]}`{nearest(unknown[0], self.peaks)} has no peaks")
        if not self.scaled_by:
            raise ValueError("every cell type is held out; hold out fewer")
        if not any(np.isin(peaks.chromosome, list(self.training)).any() for peaks in self.scaled_by.values()):
            raise ValueError(f"no peak lies on the training chromosomes {', '.join(self.training)}; name others")

    @property
    def scaled_by(self) -> Mapping[str, Peaks]:
        """The cell types that are not held out."""
        return {name: peaks for name, peaks in self.peaks.items() if name not in self.held_out}

    @property
    def attributes(self) -> dict[str, Any]:
        """What is stored with the matrix."""
        return {
            "motifs": [self.source.names[place] for place in self.order],
            "cell_types": list(self.peaks),
            "chromosomes": list(self.lengths),
            "training": list(self.training),
            "held_out": sorted(self.held_out),
            "p_value": None if self.source.tables is None else self.source.tables.p_value,
            "made_of": {**self.made_of, **{f"peaks of {name}": _digest(p) for name, p in self.peaks.items()}},
        }


def build(plan: MatrixPlan, folder: str | Path, workers: int = 0, progress: bool = False) -> RegionMatrix:
    """Make the matrix in `folder`, or go on with one that was interrupted.

    Args:
        workers: processes that find hits; 0 finds them in this one.

    Raises:
        MatrixError: `folder` is finished, or was begun with other peaks, motifs or settings (they are named), or the
            scores of a peak sum to more than can be stored.
        ValueError: fewer workers than none.
    """
    if workers < 0:
        raise ValueError(f"{workers} workers; give 0 (this process alone) or more")
    folder = Path(folder)
    root = _begin(plan, folder)
    units, done = list(units_of(merged(plan.peaks.values(), plan.lengths), _UNIT_BASES)), _done(folder)
    missing = [number for number in range(len(units)) if number not in done]
    with (folder / _JOURNAL).open("a") as journal, tqdm(total=len(units), disable=not progress, unit="unit") as bar:
        bar.update(len(done))
        for number, hits in _found(plan.source, [units[i] for i in missing], missing, workers):
            _write(plan, root, units[number], hits)
            journal.write(f"{number}\n")
            journal.flush()
            bar.update()
    _finish(plan, root)
    (folder / _JOURNAL).unlink()
    return RegionMatrix.open(folder)


def summed_scores(hits: Hits, peaks: Sequence[Interval] | Integers, motifs: int) -> Integers:
    """Sums (P, motifs) of the scores of the hits that share a base with each peak.

    Args:
        peaks: starts and ends (P, 2) on the hits' chromosome, in any order; they may overlap.
    """
    starts, ends = np.asarray(peaks, np.int64).reshape(-1, 2).T
    widest = int((hits.end - hits.start).max(initial=0))
    first = np.searchsorted(hits.start, starts - widest, side="right")
    counts = np.maximum(np.searchsorted(hits.start, ends, side="left") - first, 0)
    peak = np.repeat(np.arange(len(starts)), counts)
    hit = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    shared = hits.end[hit] > starts[peak]
    cell = peak[shared] * motifs + hits.motif[hit[shared]]
    # Sums of whole numbers below 2^53 are exact in the fp64 of bincount.
    sums = np.bincount(cell, hits.score[hit[shared]], minlength=len(starts) * motifs)
    return sums.astype(np.int64).reshape(len(starts), motifs)


def _digest(peaks: Peaks) -> str:
    parts = (peaks.chromosome.astype("S"), peaks.start, peaks.end, peaks.signal)
    return hashlib.sha256(b"|".join(part.tobytes() for part in parts if part is not None)).hexdigest()[:16]


def _begin(plan: MatrixPlan, folder: Path) -> Any:
    """The group, new or as an earlier build left it."""
    if (folder / "zarr.json").is_file():
        root = zarr.open_group(str(folder), mode="r+")
        _compare(plan.attributes, dict(root.attrs), folder)
        return root
    if folder.exists() and any(folder.iterdir()):
        raise MatrixError(f"{folder} holds other files; choose another folder")
    # Attributes come last: a folder that has them has all of its arrays.
    root = zarr.open_group(str(folder), mode="w")
    for name, peaks in plan.peaks.items():
        _begin_cell(root, name, peaks, plan)
    for name in ("maximum", "sum", "sum_of_squares"):
        root.create_array(name, shape=(len(plan.order),), dtype="int64")
    if (tables := plan.source.tables) is not None:
        columns: dict[str, npt.NDArray[Any]] = {"weights": tables.weights_TW4, "width": tables.width_T}
        columns |= {"threshold": tables.threshold_T}
        for name, values in columns.items():
            root.create_array(name, data=values[list(plan.order)])
    root.attrs.update({**plan.attributes, "format": MATRIX_FORMAT, "complete": False})
    return root


def _compare(wanted: Mapping[str, Any], found: Mapping[str, Any], folder: Path) -> None:
    if "complete" not in found:
        raise MatrixError(f"{folder} was interrupted before it began; remove it")
    if found.get("format") != MATRIX_FORMAT:
        raise MatrixError(f"{folder} was begun in an older format; remove it")
    if found["complete"]:
        raise MatrixError(f"{folder} holds a finished matrix; choose another folder, or remove it")
    made_of = {**wanted, **wanted["made_of"]}.items()
    before = {**found, **found["made_of"]}
    if other := [key for key, value in made_of if key != "made_of" and before.get(key) != value]:
        raise MatrixError(f"{folder} was begun with other {', '.join(other)}; use the same, or another folder")


def _begin_cell(root: Any, name: str, peaks: Peaks, plan: MatrixPlan) -> None:
    cell = root.create_group(f"cells/{name}")
    places = {chromosome: place for place, chromosome in enumerate(plan.lengths)}
    columns = {"chromosome": np.array([places[c] for c in peaks.chromosome], np.int32), "start": peaks.start}
    columns |= {"end": peaks.end} | ({} if peaks.signal is None else {"signal": peaks.signal})
    for column, values in columns.items():
        cell.create_array(column, data=values)
    shape = (len(peaks), len(plan.order))
    chunks = (min(PEAKS_PER_CHUNK, shape[0]), shape[1])
    cell.create_array("scores", shape=shape, chunks=chunks, dtype="int32", fill_value=0)
    cell.attrs["signal_scale"] = _signal_scale(peaks, plan.training)


def _signal_scale(peaks: Peaks, training: Sequence[str]) -> float | None:
    """The largest log(1 + signal) on training chromosomes; None where signals cannot be a row."""
    if peaks.signal is None or (peaks.signal < 0).any():
        return None
    return float(np.log1p(peaks.signal[np.isin(peaks.chromosome, list(training))]).max(initial=0)) or None


def _done(folder: Path) -> set[int]:
    """Units whose line is whole: the last one may have been cut off."""
    journal = folder / _JOURNAL
    text = journal.read_text() if journal.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        journal.write_text(whole)
    return {int(line) for line in whole.split()}


_source: HitSource  # of this worker process


def _start_worker(source: HitSource) -> None:
    global _source
    _source = source


def _hits_in_worker(unit: Unit) -> Hits:
    return _source.hits(*unit)


def _found(
    source: HitSource, units: Sequence[Unit], numbers: Sequence[int], workers: int
) -> Iterator[tuple[int, Hits]]:
    """(number, hits) of each unit, in order."""
    if not workers:
        yield from ((number, source.hits(*unit)) for number, unit in zip(numbers, units, strict=True))
        return
    context = get_context("forkserver")
    with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(source,)) as pool:
        pending: deque[tuple[int, Future[Hits]]] = deque()
        for number, unit in zip(numbers, units, strict=True):
            pending.append((number, pool.submit(_hits_in_worker, unit)))
            if len(pending) > workers * _AHEAD:
                ready, future = pending.popleft()
                yield ready, future.result()
        yield from ((number, future.result()) for number, future in pending)


def _write(plan: MatrixPlan, root: Any, unit: Unit, hits: Hits) -> None:
    """The rows of one unit, in every cell type."""
    column = np.empty(len(plan.order), np.int64)
    column[list(plan.order)] = np.arange(len(plan.order))
    ordered = hits._replace(motif=column[hits.motif])
    for name, peaks in plan.peaks.items():
        chosen = _rows(peaks, unit)
        if chosen.start < chosen.stop:
            places = np.stack([peaks.start[chosen], peaks.end[chosen]], axis=1)
            sums_PT = summed_scores(ordered, places, len(plan.order))
            if sums_PT.max(initial=0) > _MOST:
                raise MatrixError(
                    f"{unit.chromosome}, {name}: the hits of a peak sum to {sums_PT.max() // UNITS_PER_BIT:,} bits, "
                    f"stored are {_MOST // UNITS_PER_BIT:,} at most; scale all scores down"
                )
            root[f"cells/{name}/scores"][chosen] = sums_PT


def _rows(peaks: Peaks, unit: Unit) -> slice:
    """The peaks that lie in a unit; they are consecutive."""
    on = np.flatnonzero(peaks.chromosome == unit.chromosome)
    if not len(on):
        return slice(0, 0)
    starts = peaks.start[on[0] : on[-1] + 1]
    first, last = np.searchsorted(starts, [unit.intervals[0].start, unit.intervals[-1].end], side="left").tolist()
    return slice(int(on[0]) + first, int(on[0]) + last)


def _finish(plan: MatrixPlan, root: Any) -> None:
    """Store maxima and sums over the peaks on training chromosomes of the cell types that are not held out."""
    maximum_T, sum_T, squares_T = np.zeros((3, len(plan.order)), np.int64)
    peaks_summed = 0
    for name, peaks in plan.scaled_by.items():
        scores, training_P = root[f"cells/{name}/scores"], np.isin(peaks.chromosome, list(plan.training))
        for start in range(0, len(peaks), PEAKS_PER_CHUNK):
            chunk = scores[start : start + PEAKS_PER_CHUNK][training_P[start : start + PEAKS_PER_CHUNK]].astype(
                np.int64
            )
            maximum_T = np.maximum(maximum_T, chunk.max(0, initial=0))
            sum_T, squares_T, peaks_summed = (
                sum_T + chunk.sum(0),
                squares_T + (chunk**2).sum(0),
                peaks_summed + len(chunk),
            )
    for name, values_T in (("maximum", maximum_T), ("sum", sum_T), ("sum_of_squares", squares_T)):
        root[name][:] = values_T
    root.attrs.update({"peaks_summed": peaks_summed, "complete": True})
