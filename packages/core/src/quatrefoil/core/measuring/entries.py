"""What can be measured: an entry is a recipe under the name that the tables show."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

AS_FOUND = "as found"
"""The version of data that this project did not make."""
ONE_SEED, THREE_SEEDS, FIVE_SEEDS = (0,), (0, 1, 2), (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Entry:
    """A model to measure.

    Args:
        model: the name that the tables show.
        recipe, overrides: what is trained.
        seeds: one run each.
        data_version: of data that the project made itself; `AS_FOUND` for a real corpus.
        note: what the model is for, in a few words.
        start: what is trained before, with the same seed; this one goes on from there (`model.pretrained`).
    """

    model: str
    recipe: str
    note: str
    seeds: Sequence[int] = THREE_SEEDS
    overrides: tuple[str, ...] = ()
    start: "Entry | None" = None
    data_version: str = field(kw_only=True)

    @property
    def embedded(self) -> bool:
        """Trained on data that the project made itself."""
        return self.data_version != AS_FOUND

    def with_seeds(self, seeds: Sequence[int]) -> "Entry":
        """The same entry, and what it starts from, with other seeds."""
        return replace(self, seeds=seeds, start=self.start and self.start.with_seeds(seeds))

    def with_overrides(self, more: tuple[str, ...]) -> "Entry":
        """The same entry, and what it starts from, with more settings."""
        return replace(self, overrides=(*self.overrides, *more), start=self.start and self.start.with_overrides(more))
