"""Words that go with numbers, for messages that people read."""

from collections.abc import Iterable
from itertools import islice

FEW = 5


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,000 rows`.

    Args:
        one: what follows a single one; more of them have an `s` behind it, unless `many` says what they have.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def first_few(things: Iterable[object]) -> str:
    """`a, b`, and of more than `FEW` things `a, b, c, d, e, ...`; no more are asked for than are needed to tell."""
    found = [str(thing) for thing in islice(things, FEW + 1)]
    return ", ".join(found[:FEW]) + (", ..." if len(found) > FEW else "")
