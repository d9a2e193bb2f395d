"""What other people's scanners find, given our whole-number matrices: every sum is exact in their arithmetic too."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from quatrefoil.genomics.regions.pvalues import weights
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.codes import LETTERS, UNKNOWN, Codes

Found = set[tuple[int, int, int, int]]  # start, motif, strand, score


def matrices(scanner: Scanner) -> list[tuple[int, int, np.ndarray, float]]:
    """(motif, strand, matrix (W, 4), threshold just below ours) of every motif that can have hits, on both strands."""
    return [
        (number, strand, weights(motif, scanner.scoring)[::strand, ::strand], found.threshold - 0.5)
        for number, (motif, found) in enumerate(zip(scanner.motifs, scanner.tails, strict=True))
        for strand in (1, -1)
        if found.threshold <= found.best
    ]


class Ready(NamedTuple):
    """A scanner that is set up for a sequence: what scans it, and what makes hits of its results."""

    scan: Callable[[], Any]
    read: Callable[[Any], Found]


def lightmotif(scanner: Scanner, codes: Codes) -> Ready:
    """lightmotif; it has no rule for N, so windows with N are taken out when its results are read."""
    import lightmotif as other

    unknown, given = np.cumsum(np.append(0, codes == UNKNOWN)), matrices(scanner)
    striped = other.stripe(LETTERS[codes].tobytes().decode())
    scores = [other.ScoringMatrix(dict(zip("ACGT", m.T.astype(float).tolist(), strict=True))) for _, _, m, _ in given]

    def scan() -> Any:
        pairs = zip(scores, given, strict=True)
        return [list(other.scan(matrix, striped, threshold=threshold)) for matrix, (*_, threshold) in pairs]

    def read(results: Any) -> Found:
        return {
            (hit.position, motif, strand, round(hit.score))
            for (motif, strand, matrix, _), hits in zip(given, results, strict=True)
            for hit in hits
            if (end := hit.position + len(matrix)) <= len(codes) and unknown[end] == unknown[hit.position]
        }

    return Ready(scan, read)


def moods(scanner: Scanner, codes: Codes) -> Ready:
    """MOODS."""
    import MOODS.scan

    given, letters = matrices(scanner), LETTERS[codes].tobytes().decode()
    other = MOODS.scan.Scanner(7)
    other.set_motifs([m.T.tolist() for _, _, m, _ in given], [0.25] * 4, [threshold for *_, threshold in given])

    def read(results: Any) -> Found:
        return {
            (hit.pos, motif, strand, round(hit.score))
            for (motif, strand, _, _), hits in zip(given, results, strict=True)
            for hit in hits
        }

    return Ready(lambda: other.scan(letters), read)
