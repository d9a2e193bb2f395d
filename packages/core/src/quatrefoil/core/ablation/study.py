"""What a study is: factors and their levels, about subjects, over seeds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from quatrefoil.core.measuring.entries import THREE_SEEDS

Design = Literal["one-at-a-time", "full-grid"]
"""Each level alone against the reference, or all levels of all factors together."""


class StudyError(ValueError):
    """A study that cannot be run or told: which part of it, and why."""


@dataclass(frozen=True)
class Level:
    """One setting of a factor.

    Args:
        overrides: dotted settings on top of the subject's recipe.
        recipe: another recipe in place of the subject's.
    """

    name: str
    overrides: tuple[str, ...] = ()
    recipe: str | None = None

    def __post_init__(self) -> None:
        if not self.overrides and self.recipe is None:
            raise StudyError(f"level `{self.name}` changes nothing; give it overrides, or another recipe")


def levels(values: Iterable[object], *settings: str, named: str = "{}", recipe: str | None = None) -> tuple[Level, ...]:
    """A level for each value, which all of these dotted settings take; it is `named` so, the value for {}."""
    return tuple(
        Level(named.format(value), tuple(f"{setting}={value}" for setting in settings), recipe) for value in values
    )


@dataclass(frozen=True)
class Factor:
    """Something that is varied.

    Args:
        reference: what it is in the subject's own recipe, in a word or two.
        levels: what else it can be.
    """

    name: str
    reference: str
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        _different(f"levels of factor `{self.name}`", [self.reference, *(level.name for level in self.levels)])
        if not self.levels:
            raise StudyError(f"factor `{self.name}` has no level beside `{self.reference}`")


@dataclass(frozen=True)
class Measure:
    """A metric on a split."""

    metric: str
    split: str = "test"

    def __str__(self) -> str:
        return f"{self.metric}, {self.split}"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model on data.

    Args:
        model, domain: as tables call them.
        recipe, overrides: the reference of all its levels.
        data_version: see `Entry.data_version`.
        measures: what is compared; the first is what the study is about.
        factors: what is varied of it.
    """

    model: str
    domain: str
    recipe: str
    data_version: str
    measures: tuple[Measure, ...]
    factors: tuple[Factor, ...]
    overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _different(f"factors of {self}", [factor.name for factor in self.factors])
        if not self.measures or not self.factors:
            raise StudyError(f"{self} needs a measure and a factor")
        if unlike := [each for each in self.measures if not isinstance(each, Measure)]:
            raise StudyError(f'{self}: {unlike[0]!r} is no measure; say Measure("METRIC", "SPLIT")')

    def __str__(self) -> str:
        return f"{self.model} on {self.domain}"


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study. An entry point in `quatrefoil.studies` names it; what packages bring under one name is one study.

    Args:
        question: what it asks, in a line.
        equal: what all arms of a subject share, and what they do not; steps and batches are compared besides.
        seeds: one run of every arm for each; levels are compared with the reference seed by seed.
    """

    question: str
    subjects: tuple[Subject, ...]
    equal: str
    design: Design = "one-at-a-time"
    seeds: tuple[int, ...] = THREE_SEEDS

    def __post_init__(self) -> None:
        _different(f"subjects of `{self.question}`", map(str, self.subjects))
        _different(f"seeds of `{self.question}`", map(str, self.seeds))
        if self.design not in (known := get_args(Design)):
            raise StudyError(f"`{self.question}`: no design `{self.design}`; there are {', '.join(known)}")
        if not self.subjects or not self.seeds:
            raise StudyError(f"the study `{self.question}` needs a subject and a seed")


def _different(what: str, names: Iterable[str]) -> None:
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise StudyError(f"{what}: `{'`, `'.join(twice)}` named more than once; call each by a name of its own")
