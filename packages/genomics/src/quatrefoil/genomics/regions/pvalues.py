"""Log-odds scores as whole numbers, and their exact distribution.

Scores are kept in thousandths of a bit. Whole numbers make a scan exact: a sum does not depend on the order of its
terms, on tiles or on the device, and a score at the threshold is a hit everywhere. The p-values are exact for these
whole-number matrices (dynamic programming; Staden 1989, Touzet & Varre 2007). Legend: W positions, bases A, C, G, T.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from quatrefoil.genomics.regions.hits import UNITS_PER_BIT
from quatrefoil.genomics.regions.motifs import Motif

_ROUNDING: Final = 1e-9  # p = 4^-k must include the words that have just this probability
_FIRST_DEPTH: Final = 4096

Weights: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Scoring:
    """How a base scores: log2(p / background) of its share p among the sites and `pseudocount` sites of background.

    Both strands are scanned, so the background must be the same on both: A = T and C = G.

    Raises:
        ValueError: a background that is no symmetric distribution, a pseudocount of 0 or less, a p-value not in (0, 1).
    """

    background: tuple[float, float, float, float]
    p_value: float = 1e-4  # over all words of the motif's width, of one strand (FIMO's default)
    pseudocount: float = 0.1  # in sites (FIMO's default)

    def __post_init__(self) -> None:
        a, c, g, t = self.background
        if min(self.background) <= 0 or abs(sum(self.background) - 1) > 1e-6 or (a, c) != (t, g):
            raise ValueError(
                f"background {self.background} must be positive, sum to 1 and be the same on both strands (A = T, "
                f"C = G); average it with its complement"
            )
        if self.pseudocount <= 0:
            raise ValueError(f"pseudocount {self.pseudocount}: give a number of sites above 0")
        if not 0 < self.p_value < 1:
            raise ValueError(f"p-value {self.p_value} (--p-value): give a number above 0 and below 1, such as 1e-4")


def weights(motif: Motif, scoring: Scoring) -> Weights:
    """Scores (W, 4) of the bases at each position, in thousandths of a bit."""
    background = np.array(scoring.background)
    share = motif.sites / (motif.sites + scoring.pseudocount)
    smoothed_W4 = share * motif.frequencies_W4 + (1 - share) * background
    rounded: Weights = np.rint(UNITS_PER_BIT * np.log2(smoothed_W4 / background)).astype(np.int32)
    return rounded


class Tail(NamedTuple):
    """The upper end of a score's distribution: `survival[d]` = P(score >= best - d)."""

    best: int
    threshold: int  # the smallest score whose p-value is at most the one asked for; best + 1 where there is none
    survival: npt.NDArray[np.float64]

    def p_values(self, scores: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """P-values of scores at or above the threshold."""
        values: npt.NDArray[np.float64] = self.survival[self.best - scores]
        return values


def tail(weights_W4: Weights, scoring: Scoring) -> Tail:
    """The distribution of a random word's score, as far down as `scoring.p_value`.

    Only the loss against the best word is followed, up to a depth that is doubled until it holds the p-value: the
    scores that matter are a small part of all.
    """
    best = int(weights_W4.max(1).sum())
    deepest = best - int(weights_W4.min(1).sum())
    depth = _FIRST_DEPTH
    while True:
        survival = np.cumsum(_losses(weights_W4, np.array(scoring.background), depth))
        if survival[-1] > scoring.p_value * (1 + _ROUNDING) or depth >= deepest:
            break
        depth *= 2
    reached = int(np.searchsorted(survival, scoring.p_value * (1 + _ROUNDING), side="right"))
    return Tail(best, best - reached + 1, survival[:reached])


def _losses(weights_W4: Weights, background: npt.NDArray[np.float64], depth: int) -> npt.NDArray[np.float64]:
    """P(best - score = d) for d in 0..depth."""
    mass = np.zeros(depth + 1)
    mass[0] = 1.0
    for row in weights_W4.max(1, keepdims=True) - weights_W4:
        longer = np.zeros_like(mass)
        for loss, share in zip(row.tolist(), background.tolist(), strict=True):
            if loss <= depth:
                longer[loss:] += share * mass[: len(mass) - loss]
        mass = longer
    return mass
