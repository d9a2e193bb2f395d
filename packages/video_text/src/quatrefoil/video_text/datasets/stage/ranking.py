"""Recall at k in expectation over ties, exactly."""

from math import comb

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def expected_recall(scores_QN: Floats, relevant_QN: Bools, k: int) -> Floats:
    """For each query [Q] the probability that a relevant item is among the k best, equal scores in random order."""
    if (relevant_QN.sum(axis=1) == 1).all():
        return expected_hits_of_one(scores_QN, scores_QN[relevant_QN], k)
    return np.array([expected_hit(*row, k) for row in zip(scores_QN, relevant_QN, strict=True)])


def expected_hits_of_one(scores_QN: Floats, own_Q: Floats, k: int) -> Floats:
    """The same for queries with one relevant item each, of score `own_Q`: all rows at once."""
    better_Q = (scores_QN > own_Q[:, None]).sum(axis=1)
    tied_Q = (scores_QN == own_Q[:, None]).sum(axis=1)
    hits_Q: Floats = np.clip((k - better_Q) / tied_Q, 0.0, 1.0)
    return hits_Q


def expected_hit(scores_N: Floats, relevant_N: Bools, k: int) -> float:
    """One query. Items above the k-th score are in for sure; the places left are drawn from those at that score."""
    if k >= len(scores_N):
        return float(relevant_N.any())
    threshold = np.partition(scores_N, -k)[-k]
    above = scores_N > threshold
    if (above & relevant_N).any():
        return 1.0
    tied = scores_N == threshold
    places, candidates, wanted = k - int(above.sum()), int(tied.sum()), int((tied & relevant_N).sum())
    return 1 - comb(candidates - wanted, places) / comb(candidates, places)
