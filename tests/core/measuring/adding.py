"""What a process does that adds to a store; it imports nothing else, so that it begins soon."""

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from quatrefoil.core.measuring.store import Results, Store


def add_each(folder: Path, made: Sequence[Results], all_here: Barrier) -> None:
    """Loses runs where two processes read the same store."""
    all_here.wait(60)
    for each in made:
        Store(folder).add(each)
