"""The study of objectives planted in models that were made without them; each package brings its own models."""

from quatrefoil.core.ablation.study import Factor, Level, Study, Subject

OWN = "its own objectives"


def transplanted(*levels: Level) -> tuple[Factor, ...]:
    """What a model is trained by in the place of, or beside, its own objectives."""
    return (Factor("transplant", OWN, levels),)


def transplants(*subjects: Subject) -> Study:
    """A package's part of the study."""
    return Study(
        question="What do objectives of one model give another, in its own domain or in another one?",
        subjects=subjects,
        equal="data, steps, batch, rates and seeds; nothing was tuned for a transplant, and what it adds it also costs",
    )
