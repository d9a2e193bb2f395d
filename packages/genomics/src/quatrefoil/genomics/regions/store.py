"""The (motif x region) matrix on disk: a Zarr group, and its reader.

    root          attributes: motifs, chromosomes, training, held_out, made_of, complete, format, peaks_summed, p_value
    root/weights  (T, W, 4), width (T,) and threshold (T,): how hits are scored, where a scan found them (`MotifTables`)
    root/maximum  (T,) largest summed score on training chromosomes over all cell types that are not held out
    root/sum, sum_of_squares    (T,) of the scores there, over `peaks_summed` peaks
    root/cells/NAME/scores      (P, T) summed scores, int32, in chunks of consecutive peaks
    root/cells/NAME/chromosome  (P,) index into `chromosomes`
    root/cells/NAME/start, end  (P,);  signal  (P,), where the peaks have one

Scores are whole thousandths of a bit, so sums are exact whatever the order in which they were made.
Legend: P peaks of a cell type, R peaks of a window, T motifs (TF axis).
"""

import json
import os
from collections import OrderedDict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import zarr

from quatrefoil.core.config import nearest
from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.regions.peaks import Peaks
from quatrefoil.genomics.regions.same_genome import BASES_UNDER_PEAKS, bases_under
from quatrefoil.genomics.regions.scan import MotifTables
from quatrefoil.genomics.sequence.fasta import Genome

MATRIX_FORMAT: Final = 3
PEAKS_PER_CHUNK: Final = 256
MOST_CHUNKS: Final = 1024  # decoded, in memory: of scores of 300 motifs 0.3 MB each
ACCESSIBILITY: Final = "accessibility"
EMBEDDED: Final = "benchmark"
"""What the matrix of an embedded benchmark names among what it was made of."""
Matrix = npt.NDArray[np.float32]


class MatrixError(ValueError):
    """A stored matrix that cannot be used."""


class Usual(NamedTuple):
    """What the values of each row (T,) are on training chromosomes: their mean, and their standard deviation."""

    mean_T: npt.NDArray[np.float64]
    deviation_T: npt.NDArray[np.float64]


class RegionMatrix:
    """Reads windows of a stored matrix. It is opened in the process that reads, so it may be sent to workers."""

    def __init__(self, path: Path, accessibility: bool) -> None:
        self.path, self.accessibility = path, accessibility
        self._arrays: dict[str, Any] = {}
        self._chunks: OrderedDict[tuple[str, int], Integers] = OrderedDict()
        self._process = -1

    @classmethod
    def open(cls, path: str | Path, accessibility: bool = False) -> Self:
        """The matrix at `path`.

        Args:
            accessibility: append one row: log(1 + signal) of each peak over its maximum on the cell type's training
                chromosomes, at most 1 (GET's 283rd feature; our scale).

        Raises:
            MatrixError: no matrix there, one that is not finished or of an older format, or one without signals where
                these are asked for.
        """
        matrix = cls(Path(path), accessibility)
        if not (matrix.path / "zarr.json").is_file():
            raise MatrixError(f"{path}: no matrix here; make one with `quatrefoil matrix`")
        try:
            matrix._root  # noqa: B018 - what is damaged is an error here
        except (ValueError, LookupError, TypeError, OSError) as error:
            raise MatrixError(f"{path}/zarr.json: damaged ({error}); remove the folder and make it again") from error
        if "complete" not in matrix._root.attrs:
            raise MatrixError(f"{path}: its build was interrupted before it began; remove it and make it again")
        if (found := matrix._root.attrs.get("format", 1)) != MATRIX_FORMAT:
            raise MatrixError(f"{path}: of format {found}, read is {MATRIX_FORMAT}; remove it and make it again")
        if not matrix._root.attrs["complete"]:
            raise MatrixError(f"{path}: not finished; run the same `quatrefoil matrix` again, it goes on where it was")
        if accessibility:
            for name in matrix.cell_types:
                matrix._signal_scale(name)
        return matrix

    def _open(self, name: str) -> Any:
        """An array or group of this process; the metadata of each are read once."""
        if self._process != os.getpid():
            self._arrays, self._process = {"": zarr.open_group(str(self.path), mode="r")}, os.getpid()
        if name not in self._arrays:
            self._arrays[name] = self._arrays[""][name]
        return self._arrays[name]

    @property
    def _root(self) -> Any:
        return self._open("")

    @property
    def stored_facts(self) -> str:
        """What is stored of the matrix as a whole, as text, to take a fingerprint of.

        Of an embedded benchmark the digest of the bases under the peaks is left out: its version says what its bases
        are, and stored runs read it before there was a digest.
        """
        facts = json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))
        if EMBEDDED in (made_of := facts["attributes"]["made_of"]):
            made_of.pop(BASES_UNDER_PEAKS, None)
        return json.dumps(facts, indent=2)  # as zarr writes it

    @cached_property
    def motifs(self) -> tuple[str, ...]:
        """Names of the T rows, similar motifs beside one another."""
        return (*self._root.attrs["motifs"], *([ACCESSIBILITY] if self.accessibility else []))

    @cached_property
    def cell_types(self) -> tuple[str, ...]:
        return tuple(self._root.attrs["cell_types"])

    @cached_property
    def training_chromosomes(self) -> tuple[str, ...]:
        """Those over which values are scaled."""
        return tuple(self._root.attrs["training"])

    @cached_property
    def held_out(self) -> tuple[str, ...]:
        """Cell types by which values are not scaled."""
        return tuple(self._root.attrs["held_out"])

    def refuse_scaled_by(self, chromosomes: Iterable[str], cell_types: Iterable[str], why: str) -> None:
        """Raise `ValueError` where values are scaled by any of these: what is held out must have no part in them.

        Args:
            why: what they are held out for, for the error.
        """
        if leaked := sorted(set(chromosomes).intersection(self.training_chromosomes)):
            raise ValueError(
                f"{self.path} is scaled by {', '.join(leaked)}, {why}; build it with `quatrefoil matrix --training` "
                f"without {' '.join(leaked)}"
            )
        if leaked := sorted({*cell_types} - {*self.held_out}):
            raise ValueError(
                f"{self.path} is scaled by {', '.join(leaked)}, {why}; build it with `quatrefoil matrix --held-out "
                f"{' '.join(sorted({*leaked, *self.held_out}))}`"
            )

    def refuse_other_genome(self, genome: Genome) -> None:
        """Raise `ValueError` where the bases under the peaks are not those that the matrix was made of.

        One that was built from a plan of one's own, without a genome, or before bases were kept, has none to compare.
        """
        if (made_of := self._root.attrs["made_of"].get(BASES_UNDER_PEAKS)) is None:
            return
        try:
            same = bases_under(genome, {name: self.peaks(name) for name in self.cell_types}) == made_of
        except ValueError as error:
            raise ValueError(f"{genome.path} is not the genome of {self.path}: {error}; another assembly?") from error
        if not same:
            raise ValueError(
                f"{genome.path} has other bases under the peaks of {self.path} than the genome that it was made of; "
                f"name that genome, or make the matrix anew"
            )

    @cached_property
    def tables(self) -> MotifTables | None:
        """How the hits of each motif are scored; None where hits were made before."""
        if (p_value := self._root.attrs["p_value"]) is None:
            return None
        weights_TW4, width_T, threshold_T = (self._open(name)[:] for name in ("weights", "width", "threshold"))
        return MotifTables(weights_TW4, width_T, threshold_T, p_value)

    @cached_property
    def _maximum_T(self) -> Integers:
        # A motif without a hit on training chromosomes: whatever exceeds nothing is clipped to 1.
        largest_T: Integers = np.maximum(self._open("maximum")[:], 1)
        return largest_T

    @cached_property
    def usual(self) -> Usual:
        """Over all peaks on training chromosomes, of every cell type that is not held out (a row without a hit there
        deviates by 0)."""
        sum_T, squares_T = self._open("sum")[:] / self._maximum_T, self._open("sum_of_squares")[:] / self._maximum_T**2
        peaks = self._root.attrs["peaks_summed"]
        mean_T = sum_T / peaks
        deviation_T = np.sqrt(np.maximum(squares_T / peaks - mean_T**2, 0))
        if self.accessibility:
            levels = np.concatenate(
                [self._training_levels(name) for name in self.cell_types if name not in self.held_out]
            )
            mean_T, deviation_T = np.append(mean_T, levels.mean()), np.append(deviation_T, levels.std())
        return Usual(mean_T, deviation_T)

    def peaks(self, cell_type: str) -> Peaks:
        """The peaks of a cell type; window indices count in this order."""
        names = np.array(self._root.attrs["chromosomes"])
        has_signal = "signal" in self._open(self._cell(cell_type))
        place, start, end = (self._column(cell_type, name)[:] for name in ("chromosome", "start", "end"))
        return Peaks(names[place], start, end, self._column(cell_type, "signal")[:] if has_signal else None, 0, 0)

    def window(self, cell_type: str, first_peak: int, count: int) -> Matrix:
        """Values (T, R) in [0, 1] of R = `count` consecutive peaks.

        Raises:
            ValueError: an unknown cell type, or peaks that do not exist.
        """
        peaks = self._column(cell_type, "start").shape[0]
        if count < 1 or not 0 <= first_peak <= peaks - count:
            raise ValueError(f"peaks {first_peak}-{first_peak + count} of {cell_type}: it has {peaks}; choose a window")
        chosen = range(first_peak, first_peak + count)
        matrix_RT = (self._rows(cell_type, "scores", chosen) / self._maximum_T).astype(np.float32)
        if self.accessibility:
            level_R = np.log1p(self._rows(cell_type, "signal", chosen)) / self._signal_scale(cell_type)
            matrix_RT = np.concatenate([matrix_RT, level_R[:, None].astype(np.float32)], axis=1)
        return np.ascontiguousarray(np.clip(matrix_RT, 0, 1).T)

    def _signal_scale(self, cell_type: str) -> float:
        scale: float | None = self._open(self._cell(cell_type)).attrs["signal_scale"]
        if scale is None:
            raise MatrixError(
                f"{self.path}: `{cell_type}` has no row of accessibility: its peaks need signals of 0 or more, and one "
                f"above 0 on a training chromosome"
            )
        return scale

    def _training_levels(self, cell_type: str) -> npt.NDArray[np.float64]:
        """The row of accessibility of a cell type's peaks on training chromosomes."""
        peaks = self.peaks(cell_type)
        assert peaks.signal is not None  # or it could not have been opened
        signal_P = peaks.signal[np.isin(peaks.chromosome, list(self.training_chromosomes))]
        levels_P: npt.NDArray[np.float64] = np.log1p(signal_P) / self._signal_scale(cell_type)
        return levels_P

    def _cell(self, cell_type: str) -> str:
        if cell_type not in self.cell_types:
            raise ValueError(
                f"{self.path} has no cell type `{cell_type}`{nearest(cell_type, self.cell_types)}; it has "
                f"{', '.join(self.cell_types)}"
            )
        return f"cells/{cell_type}"

    def _column(self, cell_type: str, name: str) -> Any:
        return self._open(f"{self._cell(cell_type)}/{name}")

    def _rows(self, cell_type: str, name: str, peaks: range) -> Any:
        """Entries of a column, from chunks that stay decoded: a read of the store takes milliseconds and a thread."""
        first, last = peaks[0] // PEAKS_PER_CHUNK, peaks[-1] // PEAKS_PER_CHUNK
        rows = np.concatenate([self._chunk(f"{self._cell(cell_type)}/{name}", n) for n in range(first, last + 1)])
        return rows[peaks[0] - first * PEAKS_PER_CHUNK :][: len(peaks)]

    def _chunk(self, column: str, number: int) -> Integers:
        key = column, number
        if key not in self._chunks:
            self._chunks[key] = self._open(column)[number * PEAKS_PER_CHUNK : (number + 1) * PEAKS_PER_CHUNK]
            if len(self._chunks) > MOST_CHUNKS:
                self._chunks.popitem(last=False)
        self._chunks.move_to_end(key)
        return self._chunks[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": {}, "_chunks": OrderedDict(), "_process": -1}
