"""Intervals and tests against scipy, plain numpy, and their own promise. Q queries, C groups, S seeds."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quatrefoil.core.evaluation import statistics as qs

DIFFERENCES = st.lists(st.integers(-6, 6).map(lambda n: n / 4), min_size=1, max_size=11)


@given(st.floats(0.001, 0.999), st.integers(1, 200))
def test_student_quantiles_are_scipys(probability: float, degrees: int) -> None:
    found = qs.student_quantile(probability, degrees)
    assert found == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-9, abs=1e-12)


def test_the_interval_over_seeds_is_students() -> None:
    values = [41.2, 44.0, 42.7, 43.1, 40.9]
    found = qs.interval_over_seeds(values, level=0.9)
    expected = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    np.testing.assert_allclose(found.interval, expected, rtol=1e-10)
    assert (found.mean, found.deviation, found.seeds) == pytest.approx((np.mean(values), np.std(values, ddof=1), 5))


@given(DIFFERENCES)
def test_the_permutation_test_counts_all_signs(differences: list[float]) -> None:
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    expected = np.mean(np.array(sums) >= abs(sum(differences)) - 1e-12)
    p_value, exact = qs.permutation_test(differences, np.arange(len(differences)))
    assert exact
    assert p_value == pytest.approx(expected)


def test_the_permutation_test_is_scipys() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, 12)
    expected = stats.permutation_test(
        (differences,), lambda x, axis: x.sum(axis), permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    p_value, exact = qs.permutation_test(differences, np.arange(12))
    assert exact
    assert p_value == pytest.approx(expected.pvalue)


def test_drawn_signs_come_near_the_exact_test_and_never_to_zero() -> None:
    differences = np.random.default_rng(1).normal(0.35, 1, 40)
    groups = np.arange(40)
    drawn, exact = qs.permutation_test(differences, groups, resamples=20_000)
    assert not exact
    assert drawn == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.3, abs=0.01)
    assert qs.permutation_test(np.ones(40), groups, resamples=99) == (0.01, False)


def test_a_group_changes_its_sign_as_a_whole() -> None:
    differences, groups = [1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"]
    assert qs.permutation_test(differences, groups)[0] == 0.5
    assert qs.permutation_test(differences, [0, 1, 2, 3])[0] == 0.125


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 99))
def test_weighted_means_are_those_of_repeated_values(values: list[int], seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, (5, len(values)))
    weights[:, 0] += 1
    array = np.array(values, float)
    repeated = [np.repeat(array, row) for row in weights]
    np.testing.assert_allclose(qs.mean_of(array, weights), [r.mean() for r in repeated])


def test_the_bootstrap_of_independent_queries_is_scipys() -> None:
    values = np.random.default_rng(2).exponential(10, 150)
    found = qs.bootstrap_interval(values, np.arange(150), resamples=8000)
    random = np.random.default_rng(3)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=8000, method="percentile", rng=random
    ).confidence_interval
    # Monte Carlo error of an end: about 2 % of the width at 8000 resamples.
    np.testing.assert_allclose(found, expected, atol=0.08 * (expected.high - expected.low))


def test_the_clustered_bootstrap_keeps_its_promise_and_the_plain_one_does_not() -> None:
    trials, clusters, size, level = 300, 120, 5, 0.9
    rng, groups = np.random.default_rng(4), np.repeat(np.arange(clusters), size)
    chance = rng.beta(0.5, 0.5, (trials, clusters))  # the queries of a group are all easy or all hard
    hits = (rng.random((trials, clusters, size)) < chance[..., None]).reshape(trials, -1).astype(float)

    def covered(groups_Q: np.ndarray) -> int:
        intervals = [qs.bootstrap_interval(h, groups_Q, level=level, resamples=300, seed=i) for i, h in enumerate(hits)]
        return sum(low <= 0.5 <= high for low, high in intervals)

    low, high = stats.binom.interval(0.999, trials, level)
    assert low <= covered(groups) <= high
    assert covered(np.arange(len(groups))) < low


def test_recall_intervals_are_percent_of_ranks_within_k() -> None:
    ranks, groups = np.random.default_rng(5).integers(1, 30, 400), np.repeat(np.arange(100), 4)
    low, high = qs.recall_interval(ranks, groups, 10)
    assert 0 < low < 100 * (ranks <= 10).mean() < high < 100
    assert (low, high) == pytest.approx(qs.bootstrap_interval(100.0 * (ranks <= 10), groups))


def test_draws_are_a_function_of_the_seed_and_not_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = np.arange(50.0), np.arange(50)
    first = qs.bootstrap_interval(values, groups, seed=7)
    p_value = qs.permutation_test(values - 20, groups, seed=7)
    assert first != qs.bootstrap_interval(values, groups, seed=8)
    monkeypatch.setattr(qs, "_CELLS_PER_BLOCK", 1000)
    assert qs.bootstrap_interval(values, groups, seed=7) == first
    assert qs.permutation_test(values - 20, groups, seed=7) == p_value


def test_paired_differences_see_what_unpaired_ones_cannot() -> None:
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(100), 3)
    easy = np.repeat(rng.normal(0, 10, 100), 3)
    found = qs.difference_over_queries(easy + 1 + rng.normal(0, 0.5, 300), easy, groups)
    assert found.interval.low > 0.8
    assert found.p_value < 0.001
    assert not found.exact
    a, b = [51.0, 48.0, 53.0, 50.0], [50.0, 47.5, 51.0, 49.8]
    seeds = qs.difference_over_seeds(a, b)
    expected = stats.ttest_rel(a, b).confidence_interval()
    np.testing.assert_allclose(seeds.interval, expected, rtol=1e-9)
    assert (seeds.p_value, seeds.exact) == (2 / 2**4, True)


def test_equal_models_do_not_differ() -> None:
    found = qs.difference_over_queries(np.ones(30), np.ones(30), np.arange(30))
    assert (found.mean, found.interval, found.p_value) == (0, (0, 0), 1)


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [[1.0, 2.0]]])
def test_values_that_are_no_row_of_finite_numbers_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="row of finite numbers"):
        qs.interval_over_seeds(bad)


def test_what_has_no_spread_or_no_partner_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        qs.interval_over_seeds([1.0])
    with pytest.raises(ValueError, match="at least two"):
        qs.bootstrap_interval([1.0, 2.0], [3, 3])
    with pytest.raises(ValueError, match="a group per value"):
        qs.bootstrap_interval([1.0, 2.0], [3])
    with pytest.raises(ValueError, match="cannot be paired"):
        qs.difference_over_seeds([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="confidence level"):
        qs.interval_over_seeds([1.0, 2.0], level=95)
    with pytest.raises(ValueError, match="degrees of freedom"):
        qs.student_quantile(0.9, 0)
