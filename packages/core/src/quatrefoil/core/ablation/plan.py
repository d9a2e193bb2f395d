"""What a study has to run: its arms by seed, less what is stored, and what that will take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeVar

from quatrefoil.core.ablation.arms import Arm, by_subject
from quatrefoil.core.ablation.study import StudyError
from quatrefoil.core.config import to_plain
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.rows import Cost, Curve, Row
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.training.settings import TrainConfig

Record = TypeVar("Record", Row, Cost, Curve)


def of_arm(record: Row | Cost | Curve, arm: Arm) -> bool:
    """Whether a stored record is of a run of this arm: its configuration and data, under whatever name it was made."""
    return record.trained == arm.trained


def records_of(arm: Arm, records: Iterable[Record]) -> list[Record]:
    """Of the arm's own seeds; a store may hold more, with which one command would tell one thing here and another
    elsewhere."""
    return [record for record in records if of_arm(record, arm) and record.seed in arm.entry.seeds]


def of_arms(arms: Iterable[Arm], known: Results) -> Results:
    """What is stored of these arms, over their own seeds."""
    wanted = {(*arm.trained, seed) for arm in arms for seed in arm.entry.seeds}
    return known.only(lambda record: (*record.trained, record.seed) in wanted)


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


def equal_compute(arms: Sequence[Arm]) -> list[str]:
    """Steps and batch of each subject's arms, and which arms have another setting of training, these or any else."""
    return [_compute(part) for part in by_subject(arms).values()]


def _compute(arms: Sequence[Arm]) -> str:
    reference, *others = arms
    train = reference.recipe.train
    pairs = [(arm, unlike(arm.recipe.train, train)) for arm in others]
    odd = [f"{arm}: {', '.join(f'{key}={ours}' for key, (ours, _) in found.items())}" for arm, found in pairs if found]
    unequal = f"; NOT equal: {'; '.join(odd)}" if odd else " in every arm"
    return f"{reference.subject}: {train.steps:,} steps of {train.batch_size}{unequal}"


def unlike(one: TrainConfig, other: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """The settings of training that decide what is learned and differ: dotted key -> the one's, the other's."""
    ours, theirs = (_settings(to_plain(each, what_only=True), "train") for each in (one, other))
    return {key: (ours.get(key), theirs.get(key)) for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)}


def _settings(value: Any, key: str) -> dict[str, Any]:
    """Values by their dotted keys."""
    if not isinstance(value, dict):
        return {key: value}
    return {name: leaf for part, under in value.items() for name, leaf in _settings(under, f"{key}.{part}").items()}


def merged(stores: Sequence[Results]) -> Results:
    """What several stores hold together; a run that is in several of them is taken from the first."""
    parts, known = list[Results](), set[tuple[str, str, int]]()
    for results in stores:
        new = {(*row.trained, row.seed) for row in results.rows} - known
        parts.append(results.only(lambda record: (*record.trained, record.seed) in new))  # noqa: B023 - used at once
        known |= new
    return Results.of(parts)
