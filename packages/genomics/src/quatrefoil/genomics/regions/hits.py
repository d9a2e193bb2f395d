"""Motif hits as columns.

Legend: H hits. Coordinates are 0-based and half-open, on the forward strand whatever the hit's strand.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]
UNITS_PER_BIT: Final = 1000  # of scores


class Hits(NamedTuple):
    """Hits in one sequence or chromosome, sorted by (start, motif, strand); every column has H entries."""

    start: Integers
    end: Integers
    motif: Integers  # index into the motifs of the scan
    strand: npt.NDArray[np.int8]  # 1 or -1
    score: Integers  # thousandths of a bit

    @classmethod
    def sorted(
        cls, start: Integers, end: Integers, motif: Integers, strand: Integers | npt.NDArray[np.int8], score: Integers
    ) -> Self:
        """The columns, brought into order."""
        order = np.lexsort((strand, motif, start))
        return cls(start[order], end[order], motif[order], strand[order].astype(np.int8), score[order])

    @classmethod
    def join(cls, parts: Sequence["Hits"]) -> Self:
        """All hits of several parts, in their order."""
        if not parts:
            nothing = np.empty(0, np.int64)
            return cls(nothing, nothing, nothing, nothing.astype(np.int8), nothing)
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def take(self, chosen: npt.NDArray[np.bool_] | Integers) -> Self:
        """The hits at some places."""
        start, end, motif, strand, score = self
        return type(self)(start[chosen], end[chosen], motif[chosen], strand[chosen], score[chosen])

    def moved(self, offset: Integers) -> Self:
        """The same hits, each `offset` bases further on."""
        return self._replace(start=self.start + offset, end=self.end + offset)
