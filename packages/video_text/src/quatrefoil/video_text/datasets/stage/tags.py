"""Expert tags: words derived from the facts through a noise model whose likelihood is known, so that bounds are exact.

Per true word of an expert, independently: it is missed with probability `MISSED`; and with probability `FALSE_ALARM` a
word that is not true is added. The score of a true tag is the square root of a uniform number, that of a wrong one is
one minus such a root, so `score / (1 - score)` is the likelihood ratio of "true" against "wrong".
"""

import math
import random

from quatrefoil.video_text.datasets.stage import lexicon
from quatrefoil.video_text.datasets.stage.world import (
    ACTIONS,
    BACKGROUNDS,
    CHARACTERS,
    COLOURS,
    OBJECTS,
    SIGNS,
    SOUNDS,
    Facts,
)

MISSED = 0.15
WRONG = 0.10
"""Share of the tags that are wrong, in expectation."""

FALSE_ALARM = (1 - MISSED) * WRONG / (1 - WRONG)
MODEL = "stage-noise-v1"
Tag = tuple[str, float]

VOCABULARY: dict[str, tuple[str, ...]] = {
    "object": OBJECTS + COLOURS,
    "person": CHARACTERS,
    "motion": tuple(lexicon.base_verb(action) for action in ACTIONS),
    "scene": tuple(lexicon.BACKGROUND_PHRASES[name][0].removeprefix("a ") for name in BACKGROUNDS),
    "audio": SOUNDS,
    "ocr": SIGNS,
    "speech": (),
}
"""The words of each expert. `object` names things and the colours seen; `speech` hears nothing, as no one speaks."""


def true_words(facts: Facts) -> dict[str, list[str]]:
    """What a perfect expert of each kind would say, sorted."""
    shapes = {actor.shape for actor in facts.actors}
    words = {
        "object": shapes.intersection(OBJECTS) | {actor.colour for actor in facts.actors},
        "person": shapes.intersection(CHARACTERS),
        "motion": {lexicon.base_verb(act.action) for actor in facts.actors for act in actor.acts},
        "scene": {VOCABULARY["scene"][BACKGROUNDS.index(facts.background)]},
        "audio": {sound.name for sound in facts.sounds},
        "ocr": {facts.sign} if facts.sign else set(),
        "speech": set[str](),
    }
    return {expert: sorted(words[expert]) for expert in VOCABULARY}


def draw_tags(facts: Facts, rng: random.Random) -> dict[str, list[Tag]]:
    """The tags of every expert, best score first."""
    return {expert: expert_tags(words, VOCABULARY[expert], rng) for expert, words in true_words(facts).items()}


def expert_tags(true: list[str], vocabulary: tuple[str, ...], rng: random.Random) -> list[Tag]:
    """The tags of one expert under the noise model."""
    hits = [(word, score(rng)) for word in true if rng.random() >= MISSED]
    alarms = sum(rng.random() < FALSE_ALARM for _ in true)
    others = [word for word in vocabulary if word not in true]
    wrong = [(word, 1 - score(rng)) for word in rng.sample(others, min(alarms, len(others)))]
    return sorted(((word, round(value, 3)) for word, value in hits + wrong), key=lambda tag: (-tag[1], tag[0]))


def score(rng: random.Random) -> float:
    """A score with density 2s, kept off 0 and 1, where the likelihood ratio is none."""
    return min(max(math.sqrt(rng.random()), 0.001), 0.999)


def log_likelihood(tags: list[Tag], true: frozenset[str], vocabulary: tuple[str, ...]) -> float:
    """log P(tags | the true words), up to a term that is the same for all sets of true words. Natural logarithm."""
    told = dict(tags)
    wrong = told.keys() - true
    alarms, free = len(wrong), len(vocabulary) - len(true)
    if alarms > len(true):
        return -math.inf
    hits = sum(math.log((1 - MISSED) * told[w] if w in told else MISSED) for w in true)
    choices = math.comb(len(true), alarms) / math.comb(free, alarms)
    rate = alarms * math.log(FALSE_ALARM) + (len(true) - alarms) * math.log(1 - FALSE_ALARM)
    return hits + math.log(choices) + rate + sum(math.log(1 - told[word]) for word in wrong)
