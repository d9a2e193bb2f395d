"""The verdict on a claim: what runs of its two arms say of it.

A verdict is drawn from runs paired by their seed, in one metric named in advance. Its interval is widened for the
number of claims (Bonferroni), so that all verdicts together are wrong in at most one of twenty repetitions.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, TypeAlias

from benchmarks.claims import Claim
from benchmarks.report.groups import Group, Line, paired
from benchmarks.report.protocols import origin
from quatrefoil.core.evaluation.statistics import Interval, OverSeeds, interval_over_seeds, student_quantile
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text

Arms: TypeAlias = tuple[Line | None, Line | None]
"""What was measured of both on one ground."""
Word = Literal["supported", "contradicted", "open"]
SPLIT = "test"
"""What claims are of; some runs are scored on other splits too, such as those of other negatives."""
ENOUGH_SEEDS = 5
"""Fewer give no verdict, whatever they say."""
MOST_SEEDS = 1000
"""More than anyone runs: what would need more is said to be out of reach."""


@dataclass(frozen=True)
class Verdict:
    """What the runs say of a claim.

    Attributes:
        differences: better minus than, in points, of each of the claim's seeds that both arms have.
        over: mean, spread and 95 % interval of the differences; None from fewer than two seeds.
        corrected: the interval at the level that the number of claims asks for.
        seeds_to_decide: how many seeds would put zero outside the corrected interval, if mean and spread stayed as they
            are; None where it is decided, not measured, or out of reach.
        hours_to_decide: of training, by one run at a time, for the seeds that these lack (for `ENOUGH_SEEDS`, where too
            few were run to tell); None where it is decided or out of reach, or where neither arm was ever run.
        minutes: of training of one run of either arm, with what it starts from; None where that is not stored.
    """

    claim: Claim
    differences: tuple[float, ...]
    over: OverSeeds | None
    corrected: Interval | None
    word: Word
    seeds_to_decide: int | None
    hours_to_decide: float | None
    minutes: tuple[float | None, float | None]


def verdicts(claims: Sequence[Claim], groups: Sequence[Group]) -> list[Verdict]:
    """The verdict on every claim, from the ground, of those of split `test`, on which both of its arms were measured.

    Raises:
        RowError: there are two such grounds, so that their scores may not be put together.
    """
    level, tested = 1 - 0.05 / len(claims), [group for group in groups if group.ground.split == SPLIT]
    return [_verdict(claim, tested, level) for claim in claims]


def _differences(claim: Claim, arms: Sequence[Arms], groups: Sequence[Group]) -> tuple[float, ...]:
    """Better minus than, on the one ground on which both were measured."""
    both = [(better, than, g) for (better, than), g in zip(arms, groups, strict=True) if better and than]
    if len(both) > 1:
        raise RowError(f"claim {claim.name} was measured on {' and on '.join(origin(g.ground) for _, _, g in both)}")
    pairs = {seed: pair for better, than, _ in both for seed, pair in paired(better, than, claim.metric).items()}
    return tuple(pairs[seed][0] - pairs[seed][1] for seed in claim.seeds if seed in pairs)


def _minutes(arms: Sequence[Arms]) -> tuple[float | None, float | None]:
    """Of one run of each, with what it starts from."""
    lines = [next((pair[which] for pair in arms if pair[which]), None) for which in (0, 1)]
    better, than = (line.minutes_in_all if line else None for line in lines)
    return better, than


def _arm(entry: Entry, metric: str, group: Group) -> Line | None:
    found = [
        line
        for line in group.lines
        if (line.model, line.recipe) == (entry.model, entry.recipe) and metric in line.values
    ]
    if len(found) > 1:
        raise RowError(f"{entry.model} stands in {len(found)} configurations on {origin(group.ground)}")
    return found[0] if found else None


def _verdict(claim: Claim, groups: Sequence[Group], level: float) -> Verdict:
    arms = [(_arm(claim.better, claim.metric, each), _arm(claim.than, claim.metric, each)) for each in groups]
    differences, minutes = _differences(claim, arms, groups), _minutes(arms)
    told = [each for each in minutes if each is not None]
    hours = 2 * fmean(told) / 60 if told else None  # of one more seed of both
    if len(differences) < 2:
        missing = hours and hours * (len(claim.seeds) - len(differences))
        return Verdict(claim, differences, None, None, "open", None, missing, minutes)
    over = interval_over_seeds(differences)
    corrected = interval_over_seeds(differences, level=level).interval
    if len(differences) == len(claim.seeds) >= ENOUGH_SEEDS and not corrected.low <= 0 <= corrected.high:
        word: Word = "supported" if over.mean > 0 else "contradicted"
        return Verdict(claim, differences, over, corrected, word, None, None, minutes)
    seeds = seeds_to_decide(over, level)
    missing = hours and hours * (seeds - len(differences)) if seeds else None
    return Verdict(claim, differences, over, corrected, "open", seeds, missing, minutes)


def seeds_to_decide(over: OverSeeds, level: float) -> int | None:
    """The fewest seeds at which Student's interval of this mean and spread leaves out zero; None: over `MOST_SEEDS`."""

    def decide(seeds: int) -> bool:
        return student_quantile((1 + level) / 2, seeds - 1) * over.deviation < abs(over.mean) * math.sqrt(seeds)

    numbers = range(max(over.seeds, ENOUGH_SEEDS), MOST_SEEDS + 1)
    place = bisect_left(numbers, True, key=decide)  # what many decide, more do
    return numbers[place] if place < len(numbers) else None


def claim_table(found: Sequence[Verdict]) -> Table:
    """All verdicts, in the order of the claims."""
    columns = ["claim", "what is claimed", "seeds", "difference", "corrected interval", "verdict"]
    columns += ["seeds to decide", "hours for them", "minutes, either arm"]
    rows = [TableRow("measured", _cells(verdict)) for verdict in found]
    return Table("The papers' claims", columns, rows, _remarks(found))


def _cells(verdict: Verdict) -> list[Cell]:
    claim = verdict.claim
    measured = f"{claim.better.model} minus {claim.than.model}, {claim.metric}"
    needed = Cell(NOTHING)
    if verdict.over and verdict.word == "open":
        many = verdict.seeds_to_decide
        needed = Cell.of(many) if many else Cell(f"over {MOST_SEEDS}", MOST_SEEDS + 1)
    return [
        Cell(claim.name),
        Cell(f"{claim.statement} ({measured})"),
        Cell.of(len(verdict.differences)),
        Cell.of(verdict.over.mean if verdict.over else None, "+.1f"),
        Cell(interval_text(verdict.corrected, "+.1f")),
        Cell(verdict.word),
        needed,
        Cell(NOTHING) if verdict.hours_to_decide is None else _in_hours(verdict.hours_to_decide),
        _both(verdict.minutes),
    ]


def _both(minutes: tuple[float | None, float | None]) -> Cell:
    """It sorts by how many times the first takes what the second does."""
    better, than = minutes
    text = ", ".join(NOTHING if each is None else f"{each:.1f}" for each in minutes)
    return Cell(text, better / than) if better is not None and than else Cell(text)


def _in_hours(hours: float) -> Cell:
    return Cell(f"{hours:.1f}" if hours < 100 else f"{hours:,.0f}", hours)


def _remarks(found: Sequence[Verdict]) -> list[str]:
    sources = dict.fromkeys(verdict.claim.source for verdict in found)
    unlike: dict[str, list[str]] = {}
    for claim in (verdict.claim for verdict in found):
        for said in claim.unlike:
            unlike.setdefault(said, []).append(claim.name)
    more = [verdict.claim.name for verdict in found if len(verdict.claim.seeds) > ENOUGH_SEEDS]
    later = f", but of {', '.join(more)} after three, which are among them" if more else ""
    return [
        f"differences in points, paired by seed; intervals are Student's at {100 * (1 - 0.05 / len(found)):.2f} %, so "
        f"that all {len(found)} together hold with 95 % (Bonferroni)",
        f"a verdict takes all seeds of its claim, {ENOUGH_SEEDS} or more, and an interval without zero; `seeds to "
        "decide` supposes that mean and spread stay as they are. Who adds seeds until an interval leaves zero will see "
        "it "
        f"leave by chance: their number was fixed before they ran{later}",
        "hours of training, one run at a time on the machine that made the others, for the seeds that are missing (up "
        "to those of the claim where fewer than two were run), with what the runs start from; an arm never run is "
        "taken to cost what the other one does",
        "small models on made data, where the truth is known: nothing is said of the sizes that the papers print",
        *(f"source: {source}" for source in sources),
        "equal in both arms, unless it is what is claimed or is told below: data, steps, batch, rates and seeds. "
        "Settings were chosen on validation for the full model alone. Equal steps are not equal compute: `minutes` are "
        "of training by the clock, of a run of the first and of the second arm, with what it starts from",
        *(f"not equal, {', '.join(names)}: {said}" for said, names in unlike.items()),
    ]
