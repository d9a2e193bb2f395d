"""Disease risk of people: what their variants change, added up, beside covariates, each person scored unseen.

The specification's section 9 (our choice): with some hundred people, ancestry and batch alone separate patients from
others. So what covariates reach is scored beside it, and what the same genotypes reach with the effects dealt out to
the variants at random: a burden that is no better tells of structure, not of what variants do.

Legend: V variants, P people, E effects, F features, R resamples, C repeats of the cross-validation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from quatrefoil.core.evaluation.classification import (
    average_precision,
    resamples_of_two_kinds,
    roc_auc,
    weighted_roc_auc,
)
from quatrefoil.core.evaluation.statistics import Floats, Interval, Ints
from quatrefoil.genomics.logistic import predict_in_turn
from quatrefoil.genomics.variants.phenotypes import People
from quatrefoil.genomics.variants.vcf import MISSING, Dosages

BURDEN, COVARIATES, BOTH, DEALT = "burden", "covariates", "burden and covariates", "burden of dealt effects"
AREA: Final = "ROC-AUC"
_LEAST: Final = 2
_RESAMPLES: Final = 1000
_DEALS: Final = 20
_SURE: Final = 1e-15
"""A fit that separates its people says 0, whose logarithm is neither a number nor JSON."""


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Repeated, stratified: every person is scored once a repeat, by a fit on the other folds.

    Raises:
        ValueError: fewer than two folds, or no repeat.
    """

    folds: int = 5
    repeats: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < _LEAST or self.repeats < 1:
            raise ValueError(f"{self.folds} folds and {self.repeats} repeats; give 2 folds and 1 repeat at least")

    def log_odds(self, features_PF: Floats, outcome_P: Ints) -> Floats:
        """Log odds (P, repeats) of a logistic regression, standardised by what it is fitted to.

        Raises:
            ValueError: fewer people of an outcome than folds.
        """
        if (fewest := int(np.bincount(outcome_P, minlength=2).min())) < self.folds:
            raise ValueError(f"{fewest} people of one outcome cannot be dealt to {self.folds} folds; set fewer folds")
        found = np.empty((len(outcome_P), self.repeats))
        for repeat in range(self.repeats):
            odds_P2 = predict_in_turn(features_PF, outcome_P, folds=self.folds, seed=self.seed + repeat).clip(_SURE)
            found[:, repeat] = np.log(odds_P2[:, 1]) - np.log(odds_P2[:, 0])
        return found


@dataclass(frozen=True, eq=False)
class Risk:
    """Of each set of features the log odds of every person, their mean over the repeats, and scores in percent.

    Scores are means over the repeats; intervals, of 95 %, are of those, over people. Dealt effects are dealt anew in
    each repeat, of which they have `deals`; in `reaching` of them they score as the burden does, or more.
    """

    people: People
    log_odds: Mapping[str, Floats]
    metrics: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, Interval]
    compared: tuple[str, str]
    gain: float
    gain_interval: Interval
    deals: int
    reaching: int

    def plain(self) -> dict[str, Any]:
        """JSON-ready; `gain` is in ROC-AUC, of the first that is compared over the second."""
        named = {who: dict(zip(self.people.names, found.tolist(), strict=True)) for who, found in self.log_odds.items()}
        dealt = {"of": self.deals, "reaching": self.reaching}
        gain = {"of": self.compared[0], "over": self.compared[1], "value": self.gain, "interval": self.gain_interval}
        return {
            "metrics": self.metrics,
            f"{AREA} intervals": self.intervals,
            "gain": gain,
            "deals": dealt,
            "log_odds": named,
        }


def burden(dosages_VP: Dosages, effects_VE: Floats) -> Floats:
    """Features (P, 2E): of each effect, what a person's alleles add up to upwards and downwards.

    A missing call, of which half a call is one, counts as the mean of those who are called; a variant that no one is
    called for counts nothing.
    """
    called_VP = dosages_VP != MISSING
    total_V = np.where(called_VP, dosages_VP, 0).sum(1)
    mean_V = total_V / np.maximum(called_VP.sum(1), 1)
    copies_VP = np.where(called_VP, dosages_VP, mean_V[:, None])
    up_and_down_VF = np.concatenate([np.maximum(effects_VE, 0), np.maximum(-effects_VE, 0)], axis=1)
    return np.asarray(copies_VP.T @ up_and_down_VF, np.float64)


def risk(people: People, dosages_VP: Dosages, effects_VE: Floats, how: CrossValidation) -> Risk:
    """The risk of each person of `people`, whose genotypes `dosages_VP` are, from several sets of features.

    What the burden gains is counted over covariates, or where there are none, over the burden of dealt effects.

    Raises:
        ValueError: effects that are not finite, or too few people, see `CrossValidation.log_odds`.
    """
    if not np.isfinite(effects_VE).all():
        raise ValueError("an effect is not finite; score the variants anew")
    own_PF = burden(dosages_VP, effects_VE)
    features = {BURDEN: own_PF}
    if people.covariates:
        both_PF = np.concatenate([own_PF, people.covariates_PC], axis=1)
        features |= {COVARIATES: people.covariates_PC, BOTH: both_PF}
    repeated = {who: how.log_odds(features_PF, people.outcome_P) for who, features_PF in features.items()}
    repeated[DEALT] = _of_dealt_effects(people, dosages_VP, effects_VE, how)
    metrics = {who: _metrics(people.outcome_P, odds) for who, odds in repeated.items()}
    drawn = _resampled(people.outcome_P, repeated, how.seed)
    compared = better, worse = (BOTH, COVARIATES) if people.covariates else (BURDEN, DEALT)
    return Risk(
        people,
        {who: odds.mean(1) for who, odds in repeated.items()},
        metrics,
        {who: _interval(areas_R) for who, areas_R in drawn.items()},
        compared,
        metrics[better][AREA] - metrics[worse][AREA],
        _interval(drawn[better] - drawn[worse]),
        _DEALS,
        sum(100 * roc_auc(odds_P, people.outcome_P == 1) >= metrics[BURDEN][AREA] for odds_P in repeated[DEALT].T),
    )


def _of_dealt_effects(people: People, dosages_VP: Dosages, effects_VE: Floats, how: CrossValidation) -> Floats:
    """Log odds (P, deals): one repeat of each deal."""
    rng, found = np.random.default_rng(how.seed), []
    for deal in range(_DEALS):
        dealt_PF = burden(dosages_VP, rng.permutation(effects_VE, axis=0))
        found.append(replace(how, repeats=1, seed=how.seed + deal).log_odds(dealt_PF, people.outcome_P))
    return np.concatenate(found, axis=1)


def _metrics(outcome_P: Ints, log_odds: Floats) -> dict[str, float]:
    """Means over the repeats, in percent."""
    ill_P = outcome_P == 1
    rows = [(roc_auc(odds, ill_P), average_precision(odds, ill_P), ((odds > 0) == ill_P).mean()) for odds in log_odds.T]
    return {name: 100 * float(value) for name, value in zip((AREA, "AUPR", "accuracy"), np.mean(rows, 0), strict=True)}


def _resampled(outcome_P: Ints, repeated: Mapping[str, Floats], seed: int) -> dict[str, Floats]:
    """ROC-AUC in percent (R,), the mean over the repeats as in `_metrics`, of resamples of people.

    Resamples are the same for all scores; as many of each outcome are in each.
    """
    ill_P = outcome_P == 1
    weights_RP = resamples_of_two_kinds(ill_P, _RESAMPLES, np.random.default_rng(seed))
    return {
        who: 100 * np.mean([weighted_roc_auc(odds_P, ill_P, weights_RP) for odds_P in odds_PC.T], axis=0)
        for who, odds_PC in repeated.items()
    }


def _interval(values_R: Floats) -> Interval:
    return Interval(float(np.quantile(values_R, 0.025)), float(np.quantile(values_R, 0.975)))
