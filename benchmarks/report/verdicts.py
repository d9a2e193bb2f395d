"""The verdict on a claim: what runs of its two arms say of it.

A verdict is drawn from runs paired by their seed, in one metric named in advance. Its interval is widened for the
number of claims (Bonferroni), so that all verdicts together are wrong in at most one of twenty repetitions.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from benchmarks.claims import Claim
from benchmarks.report.groups import ALIKE, Group, Line, paired
from benchmarks.report.protocols import origin
from benchmarks.report.standing import Standing
from quatrefoil.core.evaluation.statistics import (
    Interval,
    OverSeeds,
    interval_over_seeds,
    student_quantile,
)
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import Node
from quatrefoil.core.measuring.rows import Ground, RowError
from quatrefoil.core.wording import counted

Word = Literal["supported", "contradicted", "open"]
SPLIT = "test"
"""What claims are of; some runs are scored on other splits too, such as those of other negatives."""
ENOUGH_SEEDS = 5
"""Fewer give no verdict, whatever they say."""
MOST_SEEDS = 1000
"""More than anyone runs: what would need more is said to be out of reach."""
BLIND: Mapping[str, str] = {"chance": "chance", "question_only": "what the question alone tells"}
"""What is computed of those that have seen nothing, the lower first, in words."""
POWER = 0.8
"""Share of repetitions in which the seeds that are told to decide would do so."""


@dataclass(frozen=True)
class Verdict:
    """What the runs say of a claim.

    Attributes:
        pairs: the first arm's score and the second's, of each seed that both arms have, the claim's own or not.
        over: mean, spread and 95 % interval of the differences; None from fewer than two seeds.
        corrected: the interval at the level that the number of claims asks for.
        not_above: what is reached blindly (`BLIND`) that neither arm is shown to be above, by the 95 % intervals over
            all stored seeds, `ENOUGH_SEEDS` or more; None where one of them is.
        seeds_to_decide: how many seeds would put zero outside the corrected interval in `POWER` of repetitions, if they
            draw with this mean and spread; None where it is decided, not measured, without spread, or out of reach.
        missing: the runs that are not stored for these seeds (for those of the claim, where too few were run to tell),
            with the minutes that each would take; none where it is decided or no number of seeds is known.
        unfinished: the same for the seeds of the claim itself, whatever is said of it.
        minutes: of training of one run of either arm, with what it starts from; None where that is not stored.
        anchors: the places in the page of the commands of either arm; None where it has no runs.
        commits: of the code that made the runs of both arms.
        outdated: models whose stored runs are of other settings than their recipe has today; they are not counted.
    """

    claim: Claim
    pairs: Mapping[int, tuple[float, float]]
    over: OverSeeds | None = None
    corrected: Interval | None = None
    word: Word = "open"
    minutes: tuple[float | None, float | None] = (None, None)
    not_above: str | None = None
    seeds_to_decide: int | None = None
    missing: Mapping[Node, float | None] = field(default_factory=dict)
    unfinished: Mapping[Node, float | None] = field(default_factory=dict)
    anchors: tuple[str | None, str | None] = (None, None)
    commits: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()

    @property
    def scores(self) -> dict[int, tuple[float, float]]:
        """The pairs of the claim's own seeds, in their order."""
        return {seed: self.pairs[seed] for seed in self.claim.seeds if seed in self.pairs}

    @property
    def lacking(self) -> int:
        """How many of the claim's seeds are still to be run."""
        return len(self.claim.seeds) - len(self.scores)

    @property
    def differences(self) -> tuple[float, ...]:
        """The first arm minus the second, in points, of each seed."""
        return tuple(ours - theirs for ours, theirs in self.scores.values())

    @property
    def fresh(self) -> tuple[float, ...]:
        """Those of the seeds that had not been seen when their number was fixed; none where none had been."""
        late = self.claim.seeds[self.claim.known :] if self.claim.known else ()
        return tuple(ours - theirs for ours, theirs in (self.scores[seed] for seed in late if seed in self.scores))

    @property
    def said(self) -> str:
        """The word, and of an open one whether that is for want of runs."""
        if self.word != "open" or not self.lacking:
            return self.word
        return f"open, {counted(self.lacking, 'seed')} short" if self.scores else "not run"

    @property
    def plain_side(self) -> int:
        """1 where the 95 % interval that is not corrected lies above zero, -1 where below, else 0."""
        if self.over is None or self.corrected is None:
            return 0
        return (self.over.interval.low > 0) - (self.over.interval.high < 0)

    @property
    def hours_to_decide(self) -> float | None:
        """Of training, by one run at a time, for what is missing; None where nothing is, or nothing like it was run."""
        minutes = [each for each in self.missing.values() if each is not None]
        return sum(minutes) / 60 if minutes and len(minutes) == len(self.missing) else None


def verdicts(claims: Sequence[Claim], groups: Sequence[Group], standing: Standing) -> list[Verdict]:
    """The verdict on every claim, from the ground, of those of split `test`, on which both of its arms were measured.

    Raises:
        RowError: there are two such grounds, so that their scores may not be put together.
    """
    level, tested = corrected_level(claims), [group for group in groups if group.ground.split == SPLIT]
    return [_verdict(claim, tested, level, standing) for claim in claims]


def corrected_level(claims: Sized) -> float:
    """Of each interval, so that those of all claims together hold with 95 % (Bonferroni)."""
    return 1 - 0.05 / len(claims)


class _Arms(NamedTuple):
    """Both arms of a claim as they are today, with the ground on which both were measured; None where there is none."""

    better: Line | None
    than: Line | None
    group: Group | None
    outdated: tuple[str, ...]


def _arms_today(claim: Claim, groups: Sequence[Group], standing: Standing) -> _Arms:
    today: list[dict[Ground, Line]] = []
    outdated: list[str] = []
    for entry in (claim.better, claim.than):
        config_hash, lines = standing.config_hash(entry), list(_lines(entry, claim.metric, groups))
        today.append({ground: line for ground, line in lines if line.config_hash == config_hash})
        if config_hash and lines and not today[-1]:
            outdated.append(entry.model)
    better, than = today
    both = [group for group in groups if group.ground in better and group.ground in than]
    if len(both) > 1:
        raise RowError(f"claim {claim.name} was measured on {' and on '.join(origin(each.ground) for each in both)}")
    if both:
        return _Arms(better[both[0].ground], than[both[0].ground], both[0], tuple(outdated))
    return _Arms(next(iter(better.values()), None), next(iter(than.values()), None), None, tuple(outdated))


def _lines(entry: Entry, metric: str, groups: Sequence[Group]) -> Iterator[tuple[Ground, Line]]:
    """Of all its configurations, with where they were measured."""
    for group in groups:
        for line in group.lines:
            if (line.model, line.recipe) == (entry.model, entry.recipe) and metric in line.values:
                yield group.ground, line


def _verdict(claim: Claim, groups: Sequence[Group], level: float, standing: Standing) -> Verdict:
    better, than, group, outdated = _arms_today(claim, groups, standing)
    pairs = paired(better, than, claim.metric) if better and than and group else {}
    found = Verdict(
        claim,
        pairs,
        minutes=(better.minutes_in_all if better else None, than.minutes_in_all if than else None),
        unfinished=standing.missing(claim, claim.seeds),
        anchors=(better.anchor if better else None, than.anchor if than else None),
        commits=tuple(sorted({commit for line in (better, than) if line for commit in line.commits})),
        outdated=outdated,
    )
    differences = found.differences
    if len(differences) < 2 or not (better and than and group):
        return replace(found, missing=found.unfinished)
    over = interval_over_seeds(differences)
    found = replace(found, over=over, not_above=_not_above((better, than), claim.metric, group))
    if over.deviation < ALIKE:
        return found
    corrected = interval_over_seeds(differences, level=level).interval
    found = replace(found, corrected=corrected)
    if len(differences) == len(claim.seeds) >= ENOUGH_SEEDS and not corrected.low <= 0 <= corrected.high:
        return replace(found, word="supported" if over.mean > 0 else "contradicted")
    seeds = seeds_to_decide(over, level)
    missing = standing.missing(claim, range(max(seeds, len(claim.seeds)))) if seeds else {}
    return replace(found, seeds_to_decide=seeds, missing=missing)


def _not_above(lines: Sequence[Line], metric: str, group: Group) -> str | None:
    """The first of `BLIND` that no line is shown to be above, by its interval over seeds; few seeds tell nothing."""
    known, scores = group.references.get(metric, {}), [list(line.values[metric].values()) for line in lines]
    if min(map(len, scores)) < ENOUGH_SEEDS:
        return None
    best = max(interval_over_seeds(each).interval.low for each in scores)
    return next((name for name in BLIND if name in known and best <= known[name]), None)


def seeds_to_decide(over: OverSeeds, level: float) -> int | None:
    """The fewest seeds from which Student's interval would leave out zero in `POWER` of repetitions; None: beyond
    `MOST_SEEDS`.

    For seeds that draw with this mean and spread; by Student's quantiles of both, as that of the noncentral t is near.
    """

    def decide(seeds: int) -> bool:
        beyond = student_quantile((1 + level) / 2, seeds - 1) + student_quantile(POWER, seeds - 1)
        return beyond * over.deviation < abs(over.mean) * math.sqrt(seeds)

    numbers = range(max(over.seeds, ENOUGH_SEEDS), MOST_SEEDS + 1)
    place = bisect_left(numbers, True, key=decide)  # what many decide, more do
    return numbers[place] if place < len(numbers) else None
