"""What a run's CPU time goes into, told apart: who pays for a machine wants to see which share of it was learning."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

import psutil

from quatrefoil.core.training.tracking import Item, each_within


class Spending:
    """CPU seconds of this process and of those that it started.

    Args:
        before: what was spent by runs that this one goes on from.
    """

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        self._before = dict(before or {})
        self._spent: dict[str, float] = {"steps": 0.0, "scores": 0.0, "data": 0.0}

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """What this process spends within it."""
        began = time.process_time()
        try:
            yield
        finally:
            self._spent[part] += time.process_time() - began

    def over(self, part: str, items: Iterable[Item]) -> Iterator[Item]:
        """The items; what this process spends until each comes."""
        return each_within(items, partial(self.on, part))

    def told(self) -> dict[str, float]:
        """CPU seconds so far: training `steps`, `scores`, `data`, and the `rest` (imports, set-up, checkpoints).

        What other processes spent that this one started is `data`: they are loaders.
        """
        own = time.process_time()
        found = {**self._spent, "rest": own - sum(self._spent.values())}
        found["data"] += _of_others()
        return {part: round(seconds + self._before.get(part, 0.0), 3) for part, seconds in found.items()}


def _of_others() -> float:
    """CPU seconds of all processes below this one, those that have ended among them (not on macOS and Windows)."""
    this = psutil.Process()
    total = _of_ended(this)
    for process in this.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile, and its parent counts it
            times = process.cpu_times()
            total += times.user + times.system + _of_ended(process)
    return total


def _of_ended(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.children_user + times.children_system)
