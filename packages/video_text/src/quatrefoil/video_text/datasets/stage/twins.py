"""Families of clips that differ in exactly one fact; the test split is made of nothing else."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations

from quatrefoil.video_text.datasets.stage.world import (
    ACTIONS,
    COLOURS,
    MAX_TURNS,
    OFF_STAGE,
    REPEATABLE,
    SIGNS,
    SOUNDS,
    Act,
    Facts,
    draw_acts,
    draw_facts,
    stream,
)

FAMILY_SIZES = (2, 5, 4, 5, 4)
"""Sizes in turn; their sum divides the number of test clips of every size of the benchmark, so no family is cut."""

Variants = Callable[[Facts, random.Random], list[Facts]]


def families(seed: int) -> Iterator[tuple[str, list[Facts]]]:
    """Endless (kind, members): kinds and sizes take turns, and as 5 and 6 are coprime every pairing occurs."""
    kinds = list(TWINS)
    family = 0
    while True:
        kind, size = kinds[family % len(kinds)], FAMILY_SIZES[family % len(FAMILY_SIZES)]
        yield kind, draw_family(kind, size, stream(seed, "test", family, "family"))
        family += 1


def draw_family(kind: str, size: int, rng: random.Random) -> list[Facts]:
    """`size` members: variants of drawn facts, which are drawn again until they allow that many."""
    while len(members := TWINS[kind](draw_facts(rng), rng)) < size:
        pass
    return rng.sample(members, size)


def with_acts(facts: Facts, acts: tuple[Act, ...]) -> Facts:
    """The same clip with other acts of the first actor."""
    return replace(facts, actors=(replace(facts.actors[0], acts=acts), *facts.actors[1:]))


def colour_twins(facts: Facts, _: random.Random) -> list[Facts]:
    """The first actor in every colour."""
    first, *others = facts.actors
    return [replace(facts, actors=(replace(first, colour=colour), *others)) for colour in COLOURS]


def action_twins(facts: Facts, _: random.Random) -> list[Facts]:
    """The first act, done once, replaced by each action that the actor does not do anyway.

    A sound that goes with the act would change with it, so such clips have no variants.
    """
    first, *others = facts.actors[0].acts
    if first.times > 1 or any(sound.on == first.action for sound in facts.sounds):
        return []
    free = [action for action in ACTIONS if action not in {act.action for act in others}]
    return [with_acts(facts, (Act(action, 1), *others)) for action in free]


def repeats_twins(facts: Facts, rng: random.Random) -> list[Facts]:
    """A single repeatable act, done from one to `MAX_TURNS` times."""
    action = rng.choice(REPEATABLE)
    alone = with_acts(off_stage(facts), (Act(action, 1),))
    return [with_acts(alone, (Act(action, times),)) for times in range(1, MAX_TURNS + 1)]


def order_twins(facts: Facts, rng: random.Random) -> list[Facts]:
    """Three acts of the first actor in every order."""
    return [with_acts(off_stage(facts), acts) for acts in permutations(draw_acts(rng, 3))]


def sound_twins(facts: Facts, _: random.Random) -> list[Facts]:
    """The first sound replaced by each that is not heard anyway."""
    if not facts.sounds:
        return []
    first, *others = facts.sounds
    free = [name for name in SOUNDS if name not in {sound.name for sound in others}]
    return [replace(facts, sounds=(replace(first, name=name), *others)) for name in free]


def sign_twins(facts: Facts, _: random.Random) -> list[Facts]:
    """Every word on the sign."""
    return [replace(facts, sign=word) for word in SIGNS]


def off_stage(facts: Facts) -> Facts:
    """The same sounds, none of them tied to an act that is about to be replaced."""
    return replace(facts, sounds=tuple(replace(sound, on=OFF_STAGE) for sound in facts.sounds))


TWINS: dict[str, Variants] = {
    "colour": colour_twins,
    "action": action_twins,
    "repeats": repeats_twins,
    "order": order_twins,
    "sound": sound_twins,
    "sign": sign_twins,
}

TWIN_KINDS: dict[str, tuple[str, ...]] = {
    "colour": ("colour",),
    "action": ("action",),
    "repeats": ("times",),
    "order": ("order",),
    "sound": ("sound",),
    "sign": ("sign",),
}
"""For each kind of twin, the kind of atom that a caption must state to tell the members apart."""
