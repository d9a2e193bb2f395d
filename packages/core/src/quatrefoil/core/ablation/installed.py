"""The studies that packages bring, and parts of a study."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint

from quatrefoil.core import installed
from quatrefoil.core.ablation.study import Study, StudyError, Subject
from quatrefoil.core.config import nearest


def load_study(name: str) -> Study:
    """The study `name`, of all packages that bring a part of it: their subjects stand in one table.

    Raises:
        ConfigError: there is none (the nearest is named); StudyError: parts that do not fit together.
    """
    parts = [_loaded(name, entry) for entry in installed.find_all(name, installed.STUDIES)]
    first = parts[0]
    for part in parts[1:]:
        if replace(part, subjects=first.subjects) != first:
            raise StudyError(f"the parts of study `{name}` differ in more than their subjects; declare the rest alike")
    return replace(first, subjects=tuple(subject for part in parts for subject in part.subjects))


def _loaded(name: str, entry: EntryPoint) -> Study:
    try:
        found = entry.load()
    except Exception as error:  # of another package, which may fail in any way
        raise StudyError(
            f"study `{name}` ({entry.value}) cannot be loaded: {type(error).__name__}: {error}; "
            "correct it or its entry point"
        ) from error
    if not isinstance(found, Study):
        raise StudyError(f"study `{name}` ({entry.value}) is a {type(found).__name__}; name a Study there")
    return found


def narrowed(study: Study, models: Sequence[str], factors: Sequence[str]) -> Study:
    """Of a study only these models and factors; none given = all.

    Raises:
        StudyError: a name that the study does not have (the nearest is named), or nothing is left.
    """
    _check("model", models, [subject.model for subject in study.subjects])
    _check("factor", factors, [factor.name for subject in study.subjects for factor in subject.factors])
    kept = [_with_factors(s, factors) for s in study.subjects if not models or s.model in models]
    if not (subjects := tuple(subject for subject in kept if subject is not None)):
        raise StudyError(f"{', '.join(models)} has no factor {', '.join(factors)} in this study")
    return replace(study, subjects=subjects)


def _with_factors(subject: Subject, names: Sequence[str]) -> Subject | None:
    factors = tuple(factor for factor in subject.factors if not names or factor.name in names)
    return replace(subject, factors=factors) if factors else None


def _check(kind: str, asked: Iterable[str], known: Iterable[str]) -> None:
    known = list(dict.fromkeys(known))
    if unknown := [name for name in asked if name not in known]:
        raise StudyError(
            f"the study has no {kind} `{unknown[0]}`{nearest(unknown[0], known)}; there are {', '.join(known)}"
        )
