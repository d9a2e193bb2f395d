"""Which motifs are alike, and an order in which like ones are neighbours.

The order of the motif axis matters to windowed attention over the matrix, so it is made once and saved. Our choice: the
paper's order is not known. Legend: M motifs, W positions, bases A, C, G, T.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from quatrefoil.genomics.regions.motifs import Motif


def similarity(motifs: Sequence[Motif]) -> npt.NDArray[np.float64]:
    """Cosine (M, M) of frequency matrices (less 1/4) in their best alignment, on either strand; 1 on the diagonal.

    What hangs over in an alignment counts as background, so a short motif is not the same as a long one that holds it.
    """
    width = max(motif.width for motif in motifs)
    centred_MW4 = np.zeros((len(motifs), width, 4))
    for row, motif in zip(centred_MW4, motifs, strict=True):
        row[: motif.width] = motif.frequencies_W4 - 0.25
    norm_M = np.maximum(np.linalg.norm(centred_MW4, axis=(1, 2)), np.finfo(float).tiny)
    unit_MW4 = centred_MW4 / norm_M[:, None, None]
    best_MM = np.full((len(motifs), len(motifs)), -1.0)
    for other_MW4 in (unit_MW4, unit_MW4[:, ::-1, ::-1]):
        for shift in range(1 - width, width):
            left, right = unit_MW4[:, max(0, shift) : width + shift], other_MW4[:, max(0, -shift) : width - shift]
            overlap = left.reshape(len(motifs), -1) @ right.reshape(len(motifs), -1).T
            np.maximum(best_MM, overlap, out=best_MM)
    symmetric_MM: npt.NDArray[np.float64] = np.clip((best_MM + best_MM.T) / 2, -1, 1)
    np.fill_diagonal(symmetric_MM, 1)
    return symmetric_MM


def similar_first(motifs: Sequence[Motif]) -> list[int]:
    """Indices of the motifs in the leaf order of an average-linkage tree of their similarity, optimally turned."""
    if len(motifs) < 3:
        return list(range(len(motifs)))
    distance = squareform(1 - similarity(motifs), checks=False)
    order: list[int] = leaves_list(linkage(distance, "average", optimal_ordering=True)).tolist()
    return order
