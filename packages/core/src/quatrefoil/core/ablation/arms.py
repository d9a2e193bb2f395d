"""The arms of a study: each combination of levels as a recipe with overrides, checked before anything runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, product
from types import MappingProxyType

from quatrefoil.core import recipes
from quatrefoil.core.ablation.study import Design, Factor, Level, Study, StudyError, Subject
from quatrefoil.core.config import nearest
from quatrefoil.core.evaluation.tasks import metric_names
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.recipes import Recipe

_OF_RUNS = "seed", "run.dir", "resume"
Levels = Mapping[str, Level]
"""Factor -> its level; what is not named is at its reference."""


@dataclass(frozen=True)
class Arm:
    """A subject at some levels, as it is trained."""

    subject: Subject
    levels: Levels
    entry: Entry
    recipe: Recipe

    def __str__(self) -> str:
        return name_of(self.subject, self.levels)

    @cached_property
    def trained(self) -> tuple[str, str]:
        """Hash of its configuration, and version of its data: what stored runs are known by."""
        return self.recipe.config_hash, self.subject.data_version

    @property
    def at(self) -> frozenset[tuple[str, str]]:
        """(factor, level) of all that differs from the reference."""
        return frozenset((factor, level.name) for factor, level in self.levels.items())


def name_of(subject: Subject, levels: Levels) -> str:
    """A subject at some levels, in words."""
    said = ", ".join(f"{factor}: {level.name}" for factor, level in levels.items())
    return f"{subject} ({said or 'reference'})"


def arms_of(study: Study, overrides: Sequence[str] = ()) -> list[Arm]:
    """All arms, subject by subject, the reference of each first.

    Args:
        overrides: set in all arms, such as a smaller budget.

    Raises:
        StudyError: combinations that cannot be, all of them by name and with the reason: a recipe or override is
            wrong, two levels set one key, a metric is not measured, or two arms are one configuration.
    """
    arms: list[Arm] = []
    wrong: dict[str, list[str]] = defaultdict(list)
    for subject in study.subjects:
        for levels in _combinations(subject.factors, study.design):
            try:
                arms.append(_arm(subject, levels, overrides, study.seeds))
            except (ValueError, ImportError) as error:
                wrong[str(error)].append(name_of(subject, levels))
    if problems := [*_said(wrong, len(arms)), *_same(arms)]:
        raise StudyError("arms cannot be run:\n  " + "\n  ".join(problems))
    return arms


def _said(wrong: Mapping[str, Sequence[str]], fine: int) -> Iterator[str]:
    """Each reason once, with the arms that it is of."""
    for reason, names in wrong.items():
        every = not fine and len(wrong) == 1 and len(names) > 1
        yield f"{'every arm' if every else '; '.join(names)}: {reason}"


def by_subject(arms: Sequence[Arm]) -> dict[Subject, list[Arm]]:
    """The arms of each subject, in their order."""
    return {subject: [arm for arm in arms if arm.subject == subject] for subject in (arm.subject for arm in arms)}


def _combinations(factors: Sequence[Factor], design: Design) -> Iterator[Levels]:
    if design == "one-at-a-time":
        yield {}
        yield from ({factor.name: level} for factor in factors for level in factor.levels)
        return
    for chosen in product(*([None, *factor.levels] for factor in factors)):
        yield {factor.name: level for factor, level in zip(factors, chosen, strict=True) if level is not None}


def _arm(subject: Subject, levels: Levels, overrides: Sequence[str], seeds: Sequence[int]) -> Arm:
    name = _recipe_of(subject, levels)
    _check_keys(overrides, levels)
    settings = *subject.overrides, *overrides, *(each for level in levels.values() for each in level.overrides)
    recipe = recipes.load(name, settings)
    measured = metric_names(recipe.evaluate)
    for measure in subject.measures:
        if measure.metric not in measured:
            raise StudyError(
                f"its recipe does not measure `{measure.metric}`{nearest(measure.metric, measured)}; "
                f"it measures {', '.join(measured) or 'nothing'}"
            )
    # The hash keeps rows of other budgets apart, which have the same name else.
    row_name = f"{name_of(subject, levels)} [{recipe.config_hash}]"
    entry = Entry(row_name, name, str(subject), tuple(seeds), tuple(settings), data_version=subject.data_version)
    return Arm(subject, MappingProxyType(dict(levels)), entry, recipe)


def _recipe_of(subject: Subject, levels: Levels) -> str:
    named = [level for level in levels.values() if level.recipe is not None]
    if len(named) > 1:
        raise StudyError(f"{' and '.join(f'`{level.name}`' for level in named)} are recipes, of which only one can be")
    return (named[0].recipe if named else None) or subject.recipe


def _check_keys(overrides: Sequence[str], levels: Levels) -> None:
    """What one level sets, neither another level nor an override of all arms may set; what runs set, none may."""
    setters = {"an override of all arms": overrides}
    setters |= {f"{factor}: {level.name}": level.overrides for factor, level in levels.items()}
    for each in chain.from_iterable(setters.values()):
        if _key(each) in _OF_RUNS:
            raise StudyError(f"{each}: seeds, folders and resuming are the study's; leave {_key(each)} out")
    for (one, those), (other, these) in combinations(setters.items(), 2):
        for a, b in product(map(_key, those), map(_key, these)):
            if a == b or a.startswith(f"{b}.") or b.startswith(f"{a}."):
                raise StudyError(f"{one} and {other} both set {max(a, b, key=len)}; let one of them do so")


def _key(override: str) -> str:
    return override.partition("=")[0]


def _same(arms: Sequence[Arm]) -> list[str]:
    return [
        f"{one} and {other} are one configuration ({one.recipe.config_hash}): a level changes nothing, or is undone"
        for one, other in combinations(arms, 2)
        if one.subject == other.subject and one.trained == other.trained
    ]
