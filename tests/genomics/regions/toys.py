"""Small motifs and genomes, and the scan as its definition says it."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from quatrefoil.genomics.regions.motifs import Motif
from quatrefoil.genomics.regions.pvalues import Scoring, tail, weights
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes

UNIFORM = (0.25, 0.25, 0.25, 0.25)
BACKGROUNDS = st.sampled_from([UNIFORM, (0.3, 0.2, 0.2, 0.3), (0.17, 0.33, 0.33, 0.17)])


def motif(width: int, seed: int, sharpness: float = 0.3, sites: float = 50) -> Motif:
    frequencies_W4 = np.random.default_rng(seed).dirichlet([sharpness] * 4, width)
    return Motif(f"M{seed}_{width}", f"F{seed}", frequencies_W4, sites)


def sequence(length: int, seed: int, unknown: float = 0.01) -> Codes:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, length).astype(np.uint8)
    codes[rng.random(length) < unknown] = UNKNOWN
    return codes


def by_definition(codes: Codes, motifs: list[Motif], scoring: Scoring) -> list[tuple[int, int, int, int, int]]:
    """(start, end, motif, strand, score) of every window that scores enough, window by window."""
    found = []
    for number, one in enumerate(motifs):
        matrix = weights(one, scoring)
        threshold = tail(matrix, scoring).threshold
        for start in range(len(codes) - one.width + 1):
            window = codes[start : start + one.width]
            if (window == UNKNOWN).any():
                continue
            for strand, read in ((1, window), (-1, 3 - window[::-1])):
                score = int(matrix[np.arange(one.width), read].sum())
                if score >= threshold:
                    found.append((start, start + one.width, number, strand, score))
    return sorted(found, key=lambda hit: (hit[0], hit[2], hit[3]))


def write_fasta(path: Path, sequences: dict[str, str], width: int = 50) -> Path:
    def lines(letters: str) -> str:
        return "\n".join(letters[start : start + width] for start in range(0, len(letters), width))

    path.write_text("".join(f">{name} a remark\n{lines(letters)}\n" for name, letters in sequences.items()))
    return path
