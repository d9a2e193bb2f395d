"""What levels do: differences from the reference, paired by seed.

A level's effect for one seed is the mean, over all settings of the other factors, of its score less that of the
factor's reference; in a study of one level at a time there is one such setting. It is given in the metric's own unit,
and in units of the spread of the reference over its seeds, in which effects on different metrics stand side by side.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from quatrefoil.core.ablation.arms import Arm, by_subject
from quatrefoil.core.ablation.records import records_of
from quatrefoil.core.ablation.study import Measure, StudyError
from quatrefoil.core.evaluation.statistics import Interval, OverSeeds, interval_over_seeds
from quatrefoil.core.measuring.rows import Cost, Row
from quatrefoil.core.measuring.store import Results

At = frozenset[tuple[str, str]]
"""(factor, level) of all that is not at its reference."""
REFERENCE: At = frozenset()
Scores = Mapping[At, Mapping[int, float]]
"""Levels -> seed -> score."""
ALIKE = 1e-9
"""Scores whose deviation is a smaller share of them, or of a point, differ by rounding alone."""


@dataclass(frozen=True)
class MeanCost:
    """Means over the runs of an arm, and what they were made on; None where no run told it.

    Parameters are those that its objectives reach.
    """

    seconds: float | None
    peak_memory_bytes: float | None
    trained_parameters: int | None
    hardware: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What scores alone say of a level, or of the reference.

    Attributes:
        seeds: those over which it is compared; of the reference, those of the study that are stored.
        score: the arm's mean over its seeds; None where nothing was measured.
        difference: the mean over `seeds`, in the metric's unit; None for the reference.
        interval: Student's 95 % interval of it; of the reference, that of its score. None from fewer than two seeds, or
            if all are alike.
        spread: the standard deviation of the reference over its seeds; None from fewer than two, or if all are alike.
    """

    seeds: tuple[int, ...]
    score: float | None
    difference: float | None
    interval: Interval | None
    spread: float | None

    @property
    def in_spreads(self) -> float | None:
        """The difference in units of the reference's spread; None where there is none."""
        return None if self.difference is None or self.spread is None else self.difference / self.spread


@dataclass(frozen=True, kw_only=True)
class Effect(Numbers):
    """A level of a factor against its reference, or the reference itself (no factor), in one metric.

    Attributes:
        arm: the level with all other factors at their references.
        pairs: configurations with the level and without it, of which `difference` is the mean; none of the reference.
    """

    arm: Arm
    factor: str | None
    level: str
    measure: Measure
    cost: MeanCost
    pairs: tuple[tuple[str, str], ...] = ()


def effects_of(arms: Sequence[Arm], results: Results) -> list[Effect]:
    """The effects of all subjects in all their measures, the reference first, over the study's own seeds.

    Raises:
        StudyError: rows of one subject on several grounds, or of a split that its data do not have.
    """
    found: list[Effect] = []
    for subject, part in by_subject(arms).items():
        rows = {arm.at: records_of(arm, results.rows) for arm in part}
        costs = {arm.at: cost_of(rows[arm.at], records_of(arm, results.costs)) for arm in part}
        for measure in subject.measures:
            scores = _scores(rows, measure, str(subject))
            found += [_reference(part[0], measure, scores, costs), *_levels(part, measure, scores, costs)]
    return found


def _scores(rows: Mapping[At, Sequence[Row]], measure: Measure, subject: str) -> Scores:
    """From rows of one ground."""
    every = [row for part in rows.values() for row in part]
    splits = sorted({row.split for row in every})
    if every and measure.split not in splits:
        raise StudyError(f"{subject}: its data have no split `{measure.split}`; there are {', '.join(splits)}")
    chosen = {
        at: [r for r in part if (r.metric, r.split) == (measure.metric, measure.split)] for at, part in rows.items()
    }
    check_one_ground((row for part in chosen.values() for row in part), subject)
    return {at: {row.seed: row.value for row in part} for at, part in chosen.items()}


def check_one_ground(compared: Iterable[Row], subject: str) -> None:
    """Raise `StudyError` where rows that are compared were measured on other data, or by another protocol."""
    grounds = {row.ground for row in compared}
    if len(grounds) > 1:
        hashes = " and ".join(sorted(f"{g.dataset}, {g.protocol}, data {g.data_hash[:12]}" for g in grounds))
        raise StudyError(f"{subject}: rows of {hashes} are never compared; keep those of one in the store")


def numbers(chosen: tuple[str, str] | None, scores: Scores) -> Numbers:
    """Of a level of a factor, or of the reference, where none is chosen."""
    reference = scores[REFERENCE]
    spread = _spread(reference)
    if chosen is None:
        return Numbers(
            seeds=tuple(sorted(reference)),
            score=_mean(reference),
            difference=None,
            interval=_interval(reference),
            spread=spread,
        )
    found = _differences(chosen, scores)
    return Numbers(
        seeds=tuple(found),
        score=_mean(scores[frozenset({chosen})]),
        difference=_mean(found),
        interval=_interval(found),
        spread=spread,
    )


def _reference(arm: Arm, measure: Measure, scores: Scores, costs: Mapping[At, MeanCost]) -> Effect:
    return Effect(
        arm=arm, factor=None, level="reference", measure=measure, cost=costs[REFERENCE], **vars(numbers(None, scores))
    )


def _levels(arms: Sequence[Arm], measure: Measure, scores: Scores, costs: Mapping[At, MeanCost]) -> Iterator[Effect]:
    by_at = {arm.at: arm for arm in arms}
    for factor in arms[0].subject.factors:
        for level in (each.name for each in factor.levels):
            chosen = factor.name, level
            at = frozenset({chosen})
            pairs = tuple(
                (by_at[each].recipe.config_hash, by_at[each - at].recipe.config_hash)
                for each in by_at
                if chosen in each
            )
            yield Effect(
                arm=by_at[at],
                factor=factor.name,
                level=level,
                measure=measure,
                cost=costs[at],
                pairs=pairs,
                **vars(numbers(chosen, scores)),
            )


def _mean(by_seed: Mapping[int, float]) -> float | None:
    return fmean(by_seed.values()) if by_seed else None


def _interval(by_seed: Mapping[int, float]) -> Interval | None:
    found = _over(by_seed)
    return found.interval if found else None


def _spread(by_seed: Mapping[int, float]) -> float | None:
    found = _over(by_seed)
    return found.deviation if found else None


def _over(by_seed: Mapping[int, float]) -> OverSeeds | None:
    """One seed has no spread, nor have values that are all alike: how others would spread is not known.

    Alike ones need not be so to the last bit.
    """
    if len(by_seed) < 2:
        return None
    found = interval_over_seeds(list(by_seed.values()))
    return found if found.deviation > ALIKE * max(1.0, abs(found.mean)) else None


def _differences(chosen: tuple[str, str], scores: Scores) -> dict[int, float]:
    """Seed -> mean difference of the level from its reference, for the seeds that all arms compared have."""
    pairs = [(scores[at], scores[at - {chosen}]) for at in scores if chosen in at]
    seeds = set.intersection(*({*there} & {*without} for there, without in pairs))
    return {seed: fmean(there[seed] - without[seed] for there, without in pairs) for seed in sorted(seeds)}


def cost_of(rows: Sequence[Row], costs: Sequence[Cost]) -> MeanCost:
    """By the rows and the costs of an arm's runs."""
    seconds = {row.seed: row.wall_seconds for row in rows}
    return MeanCost(
        fmean(seconds.values()) if seconds else None,
        fmean(cost.peak_memory_bytes for cost in costs) if costs else None,
        costs[0].trained_parameters if costs else None,
        tuple(sorted({row.hardware for row in rows})),
    )
