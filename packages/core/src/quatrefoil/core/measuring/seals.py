"""Seals: what one run left, and what was computed of its data, is as it was stored.

A slip of a hand or of a merge does not go unnoticed. Who wants to deceive can make other seals.
"""

import hashlib
import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from quatrefoil.core.measuring.agreement import Where
from quatrefoil.core.measuring.rows import MEND_RUN, MEND_STORE, Cost, Curve, Ground, Reference, Row, RowError, to_line


def seal_of(curve: Curve, rows: Iterable[Row], cost: Cost | None) -> str:
    """SHA-256 of what one run left: its curve, its rows, in whatever order these are, and its cost, if it told one."""
    ordered = sorted(rows, key=lambda row: (row.split, row.metric))
    shared = map(to_line, ordered[:1])  # what tells the others from the first, without its many other facts
    each = (json.dumps([row.split, row.data_hash, row.metric, row.value, row.interval]) for row in ordered)
    took = [to_line(cost)] if cost else []
    return _sha256("\n".join([to_line(replace(curve, seal="")), *took, *shared, *each]))


def seal_of_bounds(bounds: Reference) -> str:
    """SHA-256 of all but the seal."""
    return _sha256(to_line(replace(bounds, seal="")))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_seals(rows: Sequence[Row], curves: Iterable[Curve], costs: Iterable[Cost], where: Where) -> None:
    """The seal in a run's curve is of its rows, curve and cost: none of them was changed, added or taken out by itself.

    Args:
        where: as of `check_agreement`.

    Raises:
        RowError: a seal that is of something else: where the run's first row stands.
    """
    took = {cost.run: cost for cost in costs}
    runs: dict[Hashable, list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows):
        runs.setdefault((row.model, *row.run), []).append((number, row))
    for curve in curves:
        if not (left := runs.get(curve.key, [])):
            raise RowError(f"{curve.model}, {curve.config_hash}, seed {curve.seed} has a curve and no rows; {MEND_RUN}")
        if curve.seal != seal_of(curve, (row for _, row in left), took.get(curve.run)):
            number, first = left[0]
            of = f"{first.model}, {first.config_hash}, seed {first.seed}"
            said = "its rows, curve or cost are not as they were stored: one was changed, added or taken out"
            raise RowError(f"{where(number)}: {of}: {said}; {MEND_RUN}")


def check_bounds(references: Sequence[Reference], curves: Iterable[Curve], rows: Iterable[Row], where: Where) -> None:
    """What runs have computed of their data is there, and its seal is of itself: it was not changed or taken out.

    Of runs whose seals are right (`check_seals`), which have rows of all that they tell bounds of.

    Args:
        where: as of `check_agreement`, for references.

    Raises:
        RowError: a seal that is of something else: where it stands; or bounds that a run tells of and are not there.
    """
    for number, each in enumerate(references):
        if each.seal != seal_of_bounds(each):
            said = f"the bounds of {each.metric}, {each.protocol}, {each.split}, are not as they were stored"
            raise RowError(f"{where(number)}: {said}; {MEND_STORE}")
    there = {(each.ground, each.metric) for each in references}
    grounds: dict[Hashable, Ground] = {(row.model, *row.run, row.split): row.ground for row in rows}
    for curve in curves:
        for split, _, metric in (bounds.partition(" ") for bounds in curve.bounds):
            if (ground := grounds[(*curve.key, split)], metric) not in there:
                said = f"{metric}, {ground.protocol}, {split}, which {curve.model}, seed {curve.seed} has computed"
                raise RowError(f"references.jsonl has no bounds of {said}; {MEND_STORE}")
