"""What other people's scanners find, given our whole-number matrices: every sum is exact in their arithmetic too."""

import numpy as np

from quatrefoil.genomics.regions.pvalues import weights
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes
from quatrefoil.genomics.sequence.fasta import LETTERS

Found = set[tuple[int, int, int, int]]  # start, motif, strand, score


def matrices(scanner: Scanner) -> list[tuple[int, int, np.ndarray, float]]:
    """(motif, strand, matrix (W, 4), threshold just below ours) of every motif that can have hits, on both strands."""
    return [
        (number, strand, weights(motif, scanner.scoring)[::strand, ::strand], found.threshold - 0.5)
        for number, (motif, found) in enumerate(zip(scanner.motifs, scanner.tails, strict=True))
        for strand in (1, -1)
        if found.threshold <= found.best
    ]


def lightmotif(scanner: Scanner, codes: Codes) -> Found:
    """Hits of lightmotif; it has no rule for N, so windows with N are taken out here."""
    import lightmotif as other

    letters, unknown = LETTERS[codes].tobytes().decode(), np.cumsum(np.append(0, codes == UNKNOWN))
    found = set()
    for motif, strand, matrix, threshold in matrices(scanner):
        striped = other.stripe(letters)
        scores = other.ScoringMatrix(dict(zip("ACGT", matrix.T.astype(float).tolist(), strict=True)))
        for hit in other.scan(scores, striped, threshold=threshold):
            end = hit.position + len(matrix)
            if end <= len(codes) and unknown[end] == unknown[hit.position]:
                found.add((hit.position, motif, strand, round(hit.score)))
    return found


def moods(scanner: Scanner, codes: Codes) -> Found:
    """Hits of MOODS."""
    import MOODS.scan

    given = matrices(scanner)
    other = MOODS.scan.Scanner(7)
    other.set_motifs([m.T.tolist() for _, _, m, _ in given], [0.25] * 4, [threshold for *_, threshold in given])
    results = other.scan(LETTERS[codes].tobytes().decode())
    return {
        (hit.pos, motif, strand, round(hit.score))
        for (motif, strand, _, _), hits in zip(given, results, strict=True)
        for hit in hits
    }
