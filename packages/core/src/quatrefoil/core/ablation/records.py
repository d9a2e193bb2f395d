"""What stores hold of the arms of a study."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from quatrefoil.core.ablation.arms import Arm
from quatrefoil.core.measuring.rows import OfARun
from quatrefoil.core.measuring.store import Results, merge

Stored = TypeVar("Stored", bound=OfARun)


def of_arm(record: OfARun, arm: Arm) -> bool:
    """Whether a stored record is of a run of this arm: its configuration and data, under whatever name it was made."""
    return record.trained == arm.trained


def records_of(arm: Arm, records: Iterable[Stored]) -> list[Stored]:
    """Of the arm's own seeds; a store may hold more, with which one command would tell one thing here and another
    elsewhere."""
    return [record for record in records if of_arm(record, arm) and record.seed in arm.entry.seeds]


def of_arms(arms: Iterable[Arm], known: Results) -> Results:
    """What is stored of these arms, over their own seeds."""
    wanted = {(*arm.trained, seed) for arm in arms for seed in arm.entry.seeds}
    return known.only(lambda record: (*record.trained, record.seed) in wanted)


def merged(stores: Sequence[Results]) -> Results:
    """What several stores hold together; a run that is in several of them is taken from the first."""
    parts, known = list[Results](), set[tuple[str, str, int]]()
    for results in stores:
        new = {(*row.trained, row.seed) for row in results.rows} - known
        parts.append(results.only(lambda record: (*record.trained, record.seed) in new))  # noqa: B023 - used at once
        known |= new
    found = Results.of(parts)
    return replace(found, references=merge([], found.references))
