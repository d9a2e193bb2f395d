"""What verdicts on claims say: their table, the scores that they are drawn from, and how both are to be read."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from benchmarks.claims import Claim
from benchmarks.report.tables import LINKED
from benchmarks.report.verdicts import BLIND, ENOUGH_SEEDS, MOST_SEEDS, POWER, Verdict, corrected_level
from quatrefoil.core.evaluation.statistics import difference_over_seeds, interval_over_seeds
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text
from quatrefoil.core.wording import counted

What = TypeVar("What")


def claim_table(found: Sequence[Verdict]) -> Table:
    """All verdicts, in the order of the claims."""
    columns = ["claim", "what is claimed", "seeds", "difference", "95 % interval", "corrected interval", "verdict"]
    columns += ["seeds to decide", "hours for them", "minutes, either arm"]
    rows = [TableRow(_cells(verdict)) for verdict in found]
    return Table("The papers' claims", columns, rows, _remarks(found))


def _cells(verdict: Verdict) -> list[Cell]:
    claim = verdict.claim
    measured = f"{claim.better.model} minus {claim.than.model}, {claim.metric}"
    needed = Cell(NOTHING)
    if verdict.over and verdict.word == "open":
        many = verdict.seeds_to_decide
        needed = Cell.of(many) if many else Cell(_undecided(verdict), MOST_SEEDS + 1)
    return [
        Cell(claim.name, link=verdict.anchors[0]),
        Cell(f"{claim.statement} ({measured})"),
        Cell.of(len(verdict.differences)),
        replace(Cell.of(verdict.over.mean if verdict.over else None, "+.1f"), link=verdict.anchors[1]),
        Cell(interval_text(verdict.over.interval if verdict.over and verdict.corrected else None, "+.1f")),
        Cell(interval_text(verdict.corrected, "+.1f")),
        Cell(verdict.said),
        needed,
        Cell(NOTHING) if verdict.hours_to_decide is None else _in_hours(verdict.hours_to_decide),
        _both(verdict.minutes),
    ]


def seed_table(found: Sequence[Verdict]) -> Table:
    """What all verdicts are drawn from: both arms' scores, seed by seed, of claims that have any."""
    seeds = sorted({seed for verdict in found for seed in verdict.claim.seeds})
    rows = [TableRow([Cell(each.claim.name), *(_pair(each, seed) for seed in seeds)]) for each in found if each.scores]
    remarks = [
        "the first arm's score and the second's in the metric of the claim; it sorts by their difference, and "
        f"`{NOTHING}` is no seed of the claim, or is not run"
    ]
    return Table("Scores of both arms, seed by seed", ["claim", *(f"seed {seed}" for seed in seeds)], rows, remarks)


def _pair(verdict: Verdict, seed: int) -> Cell:
    ours, theirs = verdict.scores.get(seed, (None, None))
    return Cell(NOTHING) if ours is None or theirs is None else Cell(f"{ours:.1f}, {theirs:.1f}", ours - theirs)


def decided(found: Sequence[Verdict]) -> list[str]:
    """Of each verdict that is none of the open ones what was found, by how much, and at what cost."""
    return [
        f"{verdict.word}: {verdict.claim.name}, {verdict.claim.statement}{_whose(verdict)}: "
        f"{_how_much(verdict)}{_at_what_cost(verdict)}"
        + (f"; {said}" if (said := unseen_alone(verdict, found)) else "")
        for verdict in found
        if verdict.word != "open"
    ]


def _whose(verdict: Verdict) -> str:
    return ", a task on which the paper does not compare" if verdict.claim.ours else ""


def _how_much(verdict: Verdict) -> str:
    assert verdict.over is not None, "asked only of what has a difference"
    return f"{verdict.over.mean:+.1f} {interval_text(verdict.corrected, '+.1f')}"


def _at_what_cost(verdict: Verdict) -> str:
    """Equal steps are not equal compute."""
    ours, theirs = verdict.minutes
    return "" if ours is None or theirs is None else f" ({ours:.1f} against {theirs:.1f} minutes of training)"


def _undecided(verdict: Verdict) -> str:
    """Why no number of seeds is known."""
    return f"over {MOST_SEEDS}" if verdict.corrected else "no spread"


def _exactly(found: Sequence[Verdict]) -> Iterator[str]:
    """What a test that supposes no normal tails says of what is decided."""
    by_seeds: dict[int, list[str]] = {}
    for verdict in found:
        if verdict.word != "open":
            exact = difference_over_seeds(verdict.differences, [0.0] * len(verdict.differences))
            by_seeds.setdefault(len(verdict.differences), []).append(f"{verdict.claim.name} {exact.p_value:.4f}")
    for seeds, told in by_seeds.items():
        yield (
            f"what {seeds} seeds decide, by the exact sign-flip test, which supposes nothing of tails and whose p is "
            f"{2 / 2**seeds:.4f} or more of so many: {', '.join(told)}"
        )
    if by_seeds:
        level = 1 - corrected_level(found)
        needed = 1 + math.ceil(-math.log2(level))
        yield (
            f"that test, corrected for {len(found)} comparisons, asks for {level:.4f}, which takes {needed} seeds: "
            f"{'nothing' if max(by_seeds) < needed else 'less'} is decided by it alone"
        )


def _beyond(found: Sequence[Verdict]) -> Iterator[str]:
    """Where both arms have more seeds than the claim: other tables, which show all, may seem to say another thing."""
    for verdict in found:
        if len(verdict.pairs) > len(verdict.scores) == len(verdict.claim.seeds):
            over = interval_over_seeds([ours - theirs for ours, theirs in verdict.pairs.values()])
            yield (
                f"{verdict.claim.name} counts its own {counted(len(verdict.differences), 'seed')}, as declared; over "
                f"all {over.seeds} that both arms have, which other tables show: {over.mean:+.1f} "
                f"{interval_text(over.interval, '+.1f')}, at 95 %"
            )


def claim_line(verdict: Verdict) -> str:
    """One verdict for a terminal."""
    over = f", {_how_much(verdict)}" if verdict.over else ""
    return f"{verdict.claim.name}: {verdict.said}{over}: {verdict.claim.statement}\n"


def _both(minutes: tuple[float | None, float | None]) -> Cell:
    """It sorts by how many times the first takes what the second does."""
    better, than = minutes
    text = ", ".join(NOTHING if each is None else f"{each:.1f}" for each in minutes)
    return Cell(text, better / than) if better is not None and than else Cell(text)


def _in_hours(hours: float) -> Cell:
    return Cell(f"{hours:.1f}" if hours < 100 else f"{hours:,.0f}", hours)


def _remarks(found: Sequence[Verdict]) -> list[str]:
    return [*_column_remarks(found), f"on the page, {LINKED}", *_arm_remarks(found)]


def _column_remarks(found: Sequence[Verdict]) -> list[str]:
    """How each column is to be read, and of which claims what stands there is not the whole."""
    claims = [verdict.claim for verdict in found]
    late = _named((claim.known, claim) for claim in claims if claim.known)
    later = "".join(f", but of {names} after {seeds}, which are among them" for seeds, names in late.items())
    outdated = _named((model, verdict.claim) for verdict in found for model in verdict.outdated)
    return [
        "`difference`: in points, paired by seed, with Student's intervals: at 95 %, and corrected, at "
        f"{100 * corrected_level(found):.2f} %, so that all {len(found)} together hold with 95 % (Bonferroni)",
        f"`verdict`: takes all seeds of its claim, {ENOUGH_SEEDS} or more, and a corrected interval without zero. "
        f"It takes differences to be about normal, which {ENOUGH_SEEDS} cannot show",
        *_exactly(found),
        f"`seeds to decide`: so many would give a verdict in {100 * POWER:.0f} % of repetitions, if mean and spread "
        "are as they were measured. Who adds seeds until an interval leaves zero will see it leave by chance: their "
        f"number was fixed before they ran{later}",
        "`no spread`: the difference is the same on every seed, which says nothing of other seeds, and decides nothing",
        *(
            f"neither arm of {names} is shown to be above {BLIND[blind]}, by the 95 % interval of its own scores over "
            f"{ENOUGH_SEEDS} seeds or more: longer training may tell more than further seeds"
            for blind, names in _named(((v.not_above, v.claim) for v in found if v.not_above), by_task=True).items()
        ),
        "`hours for them`: of training, one run at a time on the machine that made the others, of the runs that are "
        "not stored for these seeds (for those of the claim, where fewer than two were run), with what they start "
        "from: the median of what like runs took; an arm never run is taken to cost what the other one does. A run of "
        "several claims counts in each of them",
        _all_missing(found),
        "`minutes, either arm`: of training by the clock, of a run of the first and of the second arm, with what it "
        "starts from",
        *(f"{verdict.claim.name}: {said}" for verdict in found if (said := unseen_alone(verdict, found))),
        *_beyond(found),
        *(
            f"not counted, {names}: stored runs of {model} are of other settings than its recipe has today"
            for model, names in outdated.items()
        ),
    ]


def _arm_remarks(found: Sequence[Verdict]) -> list[str]:
    """What the arms share and what not, how claims came to be put as they are, and where they are made."""
    claims = [verdict.claim for verdict in found]
    unlike = _named((said, claim) for claim in claims for said in claim.unlike)
    return [
        "small models on made data, where the truth is known: nothing is said of the sizes that the papers print",
        "equal in both arms, unless it is what is claimed or is told below: data, steps, batch, rates and seeds. "
        "Settings were chosen on validation for the full model alone. Equal steps are not equal compute",
        *(f"not equal, {names}: {said}" for said, names in unlike.items()),
        *_on_other_tasks(claims),
        *(
            f"all seeds of one arm, {arm}, had been seen when the claim was declared: {names}"
            for arm, names in _named((claim.arm_known, claim) for claim in claims if claim.arm_known).items()
        ),
        *_put_otherwise(claims),
        *(
            f"the metric of {names} was chosen after {counted(seeds, 'seed')} had been seen, which "
            f"{'is' if seeds == 1 else 'are'} among them: {why}"
            for (seeds, why), names in _named(
                ((claim.metric_known, claim) for claim in claims if claim.metric_known), by_task=True
            ).items()
        ),
        *(
            f"of one configuration and one set of data, but run by several commits of the code: {names}"
            for names in _named(
                ("", verdict.claim) for verdict in found if verdict.differences and len(verdict.commits) > 1
            ).values()
        ),
        *(f"source of {names}: {source}" for source, names in _named((c.source, c) for c in claims).items()),
    ]


def _on_other_tasks(claims: Iterable[Claim]) -> Iterator[str]:
    for names in _named((("", claim) for claim in claims if claim.ours), by_task=True).values():
        yield f"on a task on which the paper does not compare: {names}"


def _put_otherwise(claims: Iterable[Claim]) -> Iterator[str]:
    was = _named((claim.was, claim) for claim in claims if claim.was)
    if told := "; ".join(f"{names} was `{before}`" for before, names in was.items()):
        yield f"put otherwise after their seeds had been seen, with the same arms, metrics and seeds: {told}"


def unseen_alone(verdict: Verdict, found: Sequence[Verdict]) -> str | None:
    """Of a decided claim what the seeds alone say that nobody had seen when their number was fixed; None: all were."""
    if verdict.word == "open" or len(verdict.fresh) < 2:
        return None
    fresh = interval_over_seeds(verdict.fresh, level=corrected_level(found))
    within = interval_text(fresh.interval, "+.1f")
    of = f", but of {verdict.claim.arm_known}," if verdict.claim.arm_known else ""
    return (
        f"the {fresh.seeds} seeds alone that had not been seen{of} when their number was fixed: "
        f"{fresh.mean:+.1f} {within}"
    )


def _named(found: Iterable[tuple[What, Claim]], by_task: bool = False) -> dict[What, str]:
    """Of what is said of claims the names of these: of all tasks in one, or `by_task` of each by itself."""
    names: dict[What, list[str]] = {}
    for what, claim in found:
        names.setdefault(what, []).append(claim.name if by_task else claim.family)
    return {what: ", ".join(dict.fromkeys(each)) for what, each in names.items()}


def _all_missing(found: Sequence[Verdict]) -> str:
    """Of the seeds that the claims name; what would decide them may be more."""
    missing = {node: minutes for verdict in found for node, minutes in verdict.unfinished.items()}
    if not missing:
        return "all runs that the claims' own seeds ask for are stored"
    hours = sum(minutes or 0 for minutes in missing.values()) / 60
    unknown = sum(minutes is None for minutes in missing.values())
    more = f", and {counted(unknown, 'run')} of which nothing like it was ever made" if unknown else ""
    return f"of all runs that the claims' own seeds ask for {len(missing)} are missing: {hours:.1f} hours{more}"
