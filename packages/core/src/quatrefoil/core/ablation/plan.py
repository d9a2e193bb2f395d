"""What a study has to run: its arms by seed, less what is stored, and what that will take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from quatrefoil.core.ablation.arms import Arm
from quatrefoil.core.ablation.compute import equal_compute
from quatrefoil.core.ablation.records import of_arm, records_of
from quatrefoil.core.ablation.study import StudyError
from quatrefoil.core.config import to_plain
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.rows import Curve, Row
from quatrefoil.core.measuring.store import Results


@dataclass(frozen=True)
class Planned:
    """An arm, the seeds that are stored and those that are missing.

    Attributes:
        seconds: that training is expected to take for each missing seed; None where nothing like it is stored.
        same_as: another arm, of another subject, whose runs are also this one's; nothing is missing here then.
    """

    arm: Arm
    stored: tuple[int, ...]
    missing: tuple[int, ...]
    seconds: float | None
    same_as: Arm | None

    @property
    def entry(self) -> Entry:
        """What is left to be measured."""
        return self.arm.entry.with_seeds(self.missing)


def plan_of(arms: Sequence[Arm], known: Results) -> list[Planned]:
    """What has to be run, beyond what is known.

    Raises:
        StudyError: rows are stored of other data than are read now, so that they could not be compared with new ones,
            or without a metric of the study.
    """
    check_data(arms, known.curves)
    check_measured(arms, known.rows)
    planned: list[Planned] = []
    for arm in arms:
        done = {row.seed for row in known.rows if of_arm(row, arm)}
        before = next((each.arm for each in planned if each.arm.trained == arm.trained), None)
        stored = tuple(seed for seed in arm.entry.seeds if seed in done)
        missing = () if before else tuple(seed for seed in arm.entry.seeds if seed not in done)
        planned.append(Planned(arm, stored, missing, _expected_seconds(arm, arms, known.rows), before))
    return planned


def check_data(arms: Iterable[Arm], curves: Sequence[Curve]) -> None:
    """Compare the fingerprint of each arm's stored runs with that of its data; data of arms without any stay closed.

    Data that are not there yet are made for it, so it is said first.

    Raises:
        StudyError: they differ.
    """
    now: dict[str, str] = {}
    for arm in arms:
        for stored in sorted({curve.data for curve in curves if of_arm(curve, arm)}):
            key = str(to_plain(arm.recipe.data))
            if not now:
                print("reading the data of stored rows, or making them: it may take minutes", flush=True)
            if key not in now:
                now[key] = str(arm.recipe.data.build(arm.recipe.seed).describe()["fingerprint"])
            if stored != now[key]:
                raise StudyError(
                    f"{arm}: its stored rows are of data {stored[:12]}, the data are {now[key][:12]} now, and the two "
                    f"are never compared; name another --store, or remove the rows of {arm.recipe.config_hash}"
                )


def check_measured(arms: Iterable[Arm], rows: Sequence[Row]) -> None:
    """Raise `StudyError` for a stored run of an arm that lacks a metric of the study: it is not scored again."""
    for arm in arms:
        runs: dict[int, set[tuple[str, str]]] = {}
        for row in records_of(arm, rows):
            runs.setdefault(row.seed, set()).add((row.metric, row.split))
        for measure in arm.subject.measures:
            if lacking := sorted(seed for seed, has in runs.items() if (measure.metric, measure.split) not in has):
                raise StudyError(
                    f"{arm}: its stored run of seed {lacking[0]} has no {measure}, and would not be scored again; take "
                    f"the rows of {arm.recipe.config_hash} out, or name another --store and no --known"
                )


def check_splits(arms: Iterable[Arm]) -> None:
    """Raise `StudyError` for a measure on a split that the data do not have, before anything is trained.

    Data that are not there yet are made for it.
    """
    splits: dict[str, Sequence[str]] = {}
    for arm in arms:
        key = str(to_plain(arm.recipe.data))
        if key not in splits:
            splits[key] = arm.recipe.data.build(arm.recipe.seed).splits
        for measure in arm.subject.measures:
            if measure.split not in splits[key]:
                there = ", ".join(splits[key])
                raise StudyError(f"{arm.subject}: its data have no split `{measure.split}`; there are {there}")


def _expected_seconds(arm: Arm, arms: Sequence[Arm], rows: Sequence[Row]) -> float | None:
    """By the arm's own stored runs, else by the steps of those of the same subject.

    Rows tell it, and not costs: runs that were stored before memory was measured have none of these.
    """
    same = [row for row in rows if of_arm(row, arm)]
    alike = same or [r for r in rows for other in arms if other.subject == arm.subject and of_arm(r, other)]
    step_of = {row.run: row.wall_seconds / row.steps for row in alike}
    return fmean(step_of.values()) * arm.recipe.train.steps if step_of else None


def plan_text(planned: Sequence[Planned], known: Sequence[Row]) -> str:
    """The plan as lines: each arm with its configuration, what is stored and what is to be run; then the cost.

    Args:
        known: all that is stored, of these arms or of others.
    """
    width = max(len(str(each.arm)) for each in planned)
    lines = [f"{each.arm!s:{width}}  {each.arm.recipe.config_hash}  {_seeds(each)}" for each in planned]
    return "\n".join([*lines, "", *_costs(planned, known), *equal_compute([each.arm for each in planned])])


def _seeds(planned: Planned) -> str:
    if planned.same_as:
        return f"the runs of {planned.same_as}"
    parts = {"stored": planned.stored, "to run": planned.missing}
    return "; ".join(f"{word}: seeds {', '.join(map(str, seeds))}" for word, seeds in parts.items() if seeds)


def _costs(planned: Sequence[Planned], known_rows: Sequence[Row]) -> list[str]:
    missing = sum(len(each.missing) for each in planned)
    known = [(len(each.missing), each.seconds) for each in planned if each.missing and each.seconds is not None]
    steps = sum(len(each.missing) * each.arm.recipe.train.steps for each in planned)
    unknown = missing - sum(runs for runs, _ in known)
    lines = [f"{missing} runs, {steps:,} steps; {sum(len(p.stored) for p in planned if not p.same_as)} are stored"]
    if known:
        minutes = sum(runs * seconds for runs, seconds in known) / 60
        lines.append(f"about {minutes:.1f} minutes of training for {missing - unknown} of them, by what like runs took")
    if unknown:
        why = _nothing_alike([each.arm for each in planned if each.missing and each.seconds is None], known_rows)
        lines.append(f"what {unknown} of them take is not known: {why}, or run one seed to learn it")
    return lines


def _nothing_alike(arms: Sequence[Arm], rows: Sequence[Row]) -> str:
    """Why stored runs do not tell what these arms take, and what to do: theirs are other settings, or other recipes."""
    theirs = [row.overrides for row in rows if row.recipe in {arm.entry.recipe for arm in arms}]
    if not theirs:
        return "nothing like them is stored; name a store that has some by --known"
    common = " ".join(each for each in theirs[0] if all(each in other for other in theirs))
    return f"what is stored of these recipes has other settings{f' ({common})' if common else ''}; set the same"
