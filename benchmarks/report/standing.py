"""What is stored of the runs that claims compare, as their recipes are today, and what the missing ones would take."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import zip_longest
from statistics import median

from benchmarks.claims import Claim
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.jobs import Node, lineage, planned
from quatrefoil.core.measuring.store import Results


class Standing:
    """Runs of today's recipes, those that they start from included.

    Args:
        stored: all that was measured; runs of settings that a recipe no longer has are in it, and stand for nothing.
    """

    def __init__(self, stored: Results) -> None:
        self._stored, self._runs = stored, stored.runs
        self._hashes: dict[Entry, str | None] = {}

    def config_hash(self, entry: Entry) -> str | None:
        """That of its runs, by today's recipe; None where what it starts from is not stored, so that nobody knows."""
        key = entry.with_seeds(())
        if key not in self._hashes:
            seeds = [0] if key.start is None else [seed for seed in self._seeds if self._is_stored(key.start, seed)]
            job = planned(key, seeds[0], self._stored) if seeds else None
            self._hashes[key] = job.config_hash if job else None
        return self._hashes[key]

    def missing(self, claim: Claim, seeds: Iterable[int]) -> dict[Node, float | None]:
        """The runs of both arms, and of what they start from, that are not stored for these seeds, and their minutes.

        The median of what stored runs of the same entry took; of an entry that was never run, what its counterpart in
        the other arm took; None where neither was.
        """
        found: dict[Node, float | None] = {}
        seeds, arms = list(seeds), [lineage(each.with_seeds(())) for each in (claim.better, claim.than)]
        for pair in zip_longest(*(reversed(each) for each in arms)):
            told = [None if each is None else self._minutes_of(each) for each in pair]
            usual = next((minutes for minutes in told if minutes is not None), None)
            for entry, minutes in zip(pair, told, strict=True):
                if entry is not None:
                    lacking = [seed for seed in seeds if not self._is_stored(entry, seed)]
                    found |= {(entry, seed): usual if minutes is None else minutes for seed in lacking}
        return found

    @cached_property
    def _seeds(self) -> list[int]:
        return sorted({row.seed for row in self._stored.rows})

    @cached_property
    def _minutes(self) -> Mapping[tuple[str, str], float]:
        """Of a run of this recipe and configuration, the median."""
        seconds: dict[tuple[str, str], dict[int, float]] = {}
        for row in self._stored.rows:
            seconds.setdefault((row.recipe, row.config_hash), {})[row.seed] = row.wall_seconds
        return {run: median(by_seed.values()) / 60 for run, by_seed in seconds.items()}

    def _minutes_of(self, entry: Entry) -> float | None:
        found = self.config_hash(entry)
        return None if found is None else self._minutes.get((entry.recipe, found))

    def _is_stored(self, entry: Entry, seed: int) -> bool:
        found = self.config_hash(entry)
        return found is not None and (entry.recipe, found, entry.data_version, seed) in self._runs
