"""How sure a score is: intervals over queries and over seeds, and tests of a difference. All draws come from a seed.

Legend: Q queries, C groups (clusters) of queries, R resamples, S seeds.

Queries of one group are not independent, so groups are what is resampled and what changes sign.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Statistic: TypeAlias = Callable[[Floats, Ints], Floats]

_CELLS_PER_BLOCK = 4_000_000  # entries of one block of resampled weights, 32 MB
_MOST_EXACT = 20  # independent differences whose 2^n signs are all tried


class Interval(NamedTuple):
    """Ends of a two-sided interval."""

    low: float
    high: float


@dataclass(frozen=True)
class OverSeeds:
    """Mean, standard deviation (n - 1) and Student's interval of the mean of a score, over runs by seed."""

    mean: float
    deviation: float
    interval: Interval
    seeds: int


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference a - b of paired scores, its interval, and the p-value of a sign-flipping permutation test."""

    mean: float
    interval: Interval
    p_value: float
    exact: bool


def mean_of(values_Q: Floats, weights_RQ: Ints) -> Floats:
    """Mean (R,) of values that stand weights-many times in each resample."""
    means_R: Floats = (weights_RQ @ values_Q) / weights_RQ.sum(1)
    return means_R


def bootstrap_interval(
    values_Q: npt.ArrayLike,
    groups_Q: npt.ArrayLike,
    statistic: Statistic = mean_of,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic of queries; whole groups are drawn (Efron and Tibshirani, 1993).

    Args:
        values_Q: a number per query.
        groups_Q: group of each query; queries of one group are drawn together.
        statistic: `mean_of`, or another function of values and integer weights.

    Raises:
        ValueError: values that are not finite, sizes that differ, fewer than two groups, a level outside 0-1.
    """
    values_Q = _values(values_Q)
    cluster_Q = _clusters(groups_Q, values_Q)
    if cluster_Q.max() < 1:
        raise ValueError("all queries are of one group; a bootstrap over groups needs at least two")
    draws = _weights(cluster_Q, resamples, np.random.default_rng(seed))
    found_R = np.concatenate([statistic(values_Q, weights_RQ) for weights_RQ in draws])
    return Interval(*np.quantile(found_R, _tails(level)).tolist())


def recall_interval(
    ranks_Q: npt.ArrayLike,
    groups_Q: npt.ArrayLike,
    k: int,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """`bootstrap_interval` of the recall at k, in percent, from 1-based ranks."""
    hits_Q = 100.0 * (np.asarray(ranks_Q) <= k)
    return bootstrap_interval(hits_Q, groups_Q, level=level, resamples=resamples, seed=seed)


def interval_over_seeds(values_S: npt.ArrayLike, *, level: float = 0.95) -> OverSeeds:
    """Summary of one score per seed; the t-interval holds where scores are about normal.

    Raises:
        ValueError: fewer than two values, values that are not finite, a level outside 0-1.
    """
    values_S = _values(values_S)
    seeds = len(values_S)
    if seeds < 2:
        raise ValueError("one seed has no spread; run at least two")
    mean, deviation = float(values_S.mean()), float(values_S.std(ddof=1))
    half = student_quantile(_tails(level)[1], seeds - 1) * deviation / math.sqrt(seeds)
    return OverSeeds(mean, deviation, Interval(mean - half, mean + half), seeds)


def difference_over_seeds(a_S: npt.ArrayLike, b_S: npt.ArrayLike, *, level: float = 0.95) -> PairedDifference:
    """a - b of runs paired by their seed: t-interval and permutation test.

    With S seeds the smallest p-value that the test can give is 2 / 2^S.
    """
    difference_S = _paired(a_S, b_S)
    summary = interval_over_seeds(difference_S, level=level)
    p_value, exact = permutation_test(difference_S, np.arange(len(difference_S)))
    return PairedDifference(summary.mean, summary.interval, p_value, exact)


def difference_over_queries(
    a_Q: npt.ArrayLike,
    b_Q: npt.ArrayLike,
    groups_Q: npt.ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """a - b of two models' scores of the same queries (hits, say): paired bootstrap and permutation test by group."""
    difference_Q = _paired(a_Q, b_Q)
    interval = bootstrap_interval(difference_Q, groups_Q, level=level, resamples=resamples, seed=seed)
    p_value, exact = permutation_test(difference_Q, groups_Q, resamples=resamples, seed=seed)
    return PairedDifference(float(difference_Q.mean()), interval, p_value, exact)


def permutation_test(
    differences_Q: npt.ArrayLike, groups_Q: npt.ArrayLike, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, bool]:
    """Two-sided p-value of a zero sum, and whether it is exact: under the null a group's differences may change sign.

    All signs are tried for up to 20 groups whose differences do not cancel; above, `resamples` of them are drawn and
    the observed one is counted in (Phipson and Smyth, 2010), so that p is never 0.
    """
    differences_Q = _values(differences_Q)
    sums_C = np.bincount(_clusters(groups_Q, differences_Q), weights=differences_Q)
    sums_C = sums_C[sums_C != 0]  # a zero is the same under either sign
    exact = len(sums_C) <= _MOST_EXACT
    blocks = _all_signs(len(sums_C)) if exact else _drawn_signs(len(sums_C), resamples, np.random.default_rng(seed))
    # Sums that are equal but for rounding are as extreme as the observed one.
    limit = abs(sums_C.sum()) - 1e-12 * np.abs(sums_C).sum()
    extreme = [np.abs(signs_RC @ sums_C) >= limit for signs_RC in blocks]
    count, tried = sum(int(block.sum()) for block in extreme), sum(len(block) for block in extreme)
    return (count / tried if exact else (count + 1) / (tried + 1)), exact


@cache
def student_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t for whole degrees of freedom, by bisection of its closed form."""
    if not 0 < probability < 1 or degrees < 1:
        raise ValueError(
            f"probability {probability} must lie within 0-1 and degrees of freedom {degrees} be at least 1"
        )
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _student_centre(middle, degrees) < abs(2 * probability - 1) else (low, middle)
    return math.copysign(math.sqrt(degrees) * math.tan(low), probability - 0.5)


def _student_centre(angle: float, degrees: int) -> float:
    """P(|t| < sqrt(degrees) tan(angle)): Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = degrees % 2
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    for i in range(1 + odd, degrees, 2):
        total += term
        term *= math.cos(angle) ** 2 * i / (i + 1)
    centre = math.sin(angle) * total
    return (angle + centre) * 2 / math.pi if odd else centre


def _weights(cluster_Q: Ints, resamples: int, rng: np.random.Generator) -> Iterator[Ints]:
    """How often each query stands in each resample, in blocks (R, Q)."""
    clusters = int(cluster_Q.max()) + 1
    step = max(1, _CELLS_PER_BLOCK // len(cluster_Q))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn_RC = rng.integers(0, clusters, (rows, clusters)) + clusters * np.arange(rows)[:, None]
        counts_RC = np.bincount(drawn_RC.ravel(), minlength=rows * clusters).reshape(rows, clusters)
        yield counts_RC[:, cluster_Q]


def _all_signs(n: int) -> Iterator[Floats]:
    """All 2^n rows of signs, in blocks."""
    inner = min(n, 12)
    inner_signs = np.array(list(product((-1.0, 1.0), repeat=inner))).reshape(2**inner, inner)
    for outer in product((-1.0, 1.0), repeat=n - inner):
        yield np.hstack([np.tile(outer, (len(inner_signs), 1)), inner_signs])


def _drawn_signs(n: int, rows: int, rng: np.random.Generator) -> Iterator[Floats]:
    step = max(1, _CELLS_PER_BLOCK // n)
    for start in range(0, rows, step):
        yield rng.choice((-1.0, 1.0), (min(step, rows - start), n))


def _values(values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        wrong = np.flatnonzero(~np.isfinite(array))[:8].tolist()
        raise ValueError(f"values of shape {array.shape} must be a row of finite numbers; these are not: {wrong}")
    return array


def _clusters(groups: npt.ArrayLike, values_Q: Floats) -> Ints:
    """Groups renumbered 0..C-1."""
    groups_Q = np.asarray(groups)
    if groups_Q.shape != values_Q.shape:
        raise ValueError(f"groups {groups_Q.shape} and values {values_Q.shape} differ in shape; give a group per value")
    return np.unique(groups_Q, return_inverse=True)[1].astype(np.int64)


def _paired(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    left, right = _values(a), _values(b)
    if left.shape != right.shape:
        raise ValueError(
            f"{len(left)} and {len(right)} values cannot be paired; give both of the same seeds or queries"
        )
    return left - right


def _tails(level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; a confidence level lies within 0-1, such as 0.95")
    return (1 - level) / 2, (1 + level) / 2
