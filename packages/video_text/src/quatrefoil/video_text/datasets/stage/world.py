"""What can be true of a clip: the vocabulary of Stage, the facts of one clip, and how facts are drawn.

Nothing here knows how a fact looks or sounds (`shapes`, `motion`, `sound`) or how it is said (`lexicon`, `captions`).
"""

import random
from dataclasses import dataclass, replace

from quatrefoil.core.seeding import seed_of

STAGE_VERSION = 1
"""Changes whenever any sample of any seed changes."""

BACKGROUNDS = ("bricks", "stripes", "checks", "dots", "waves", "plain")
OBJECTS = ("circle", "square", "triangle", "star", "ring", "cross", "moon")
CHARACTERS = ("person", "robot", "ghost", "snowman")
SHAPES = OBJECTS + CHARACTERS
COLOURS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "black")
SIZES = ("small", "large")
REPEATABLE = ("bounce", "orbit", "spin", "blink", "swing")
ACTIONS = ("slide left", "slide right", "rise", "fall", "grow", "shrink", *REPEATABLE)
SOUNDS = ("bell", "drum", "whistle up", "whistle down", "buzz", "clap", "chirp", "hum")
SIGNS = ("stop", "open", "exit", "sale", "taxi", "cafe", "bank", "park", "gate", "farm")
OFF_STAGE = "off stage"

MAX_TURNS = 5
"""Turns of all acts of one actor: with more, one turn of a 32-frame clip is under 6 frames and cannot be counted."""
SOUND_COUNT_WEIGHTS = {0: 0.3, 1: 0.4, 2: 0.2, 3: 0.1}
TURN_WEIGHTS = {1: 0.4, 2: 0.2, 3: 0.2, 4: 0.1, 5: 0.1}
ACT_COUNT_WEIGHTS = {1: 0.35, 2: 0.4, 3: 0.25}
SECOND_ACTOR_RATE = 0.5
SIGN_RATE = 0.2
SYNCHRONOUS_RATE = 0.5


@dataclass(frozen=True)
class Act:
    """One action, done `times` times; only `REPEATABLE` actions have `times` above one."""

    action: str
    times: int


@dataclass(frozen=True)
class Actor:
    """Who acts: `acts` happen one after the other, no action twice."""

    shape: str
    colour: str
    size: str
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class Sound:
    """A sound event. `on` is the action of the first actor at each turn of which it is heard, or `OFF_STAGE`."""

    name: str
    on: str


@dataclass(frozen=True)
class Facts:
    """All that captions, tags and questions may speak of. `actors` differ in shape, `sounds` in name."""

    background: str
    actors: tuple[Actor, ...]
    sounds: tuple[Sound, ...]
    sign: str | None


def stream(seed: int, split: str, index: int, purpose: str) -> random.Random:
    """The random numbers for one purpose of one clip: a function of (name, version, seed, split, index) alone."""
    return random.Random(seed_of("stage", STAGE_VERSION, seed, split, index, purpose))


def held_out_look(shape: str, colour: str, action: str) -> bool:
    """Whether the combination is kept for val and test (one in eleven, every single value staying common in train)."""
    return (3 * SHAPES.index(shape) + 5 * COLOURS.index(colour) + 7 * ACTIONS.index(action)) % 11 == 0


def held_out_sound(sound: str, action: str) -> bool:
    """Whether a sound heard in the same clip as an action is kept for val and test (one in eight)."""
    return (SOUNDS.index(sound) + 3 * ACTIONS.index(action)) % 8 == 0


def is_held_out(facts: Facts) -> bool:
    """Whether a clip holds any combination that train may not hold."""
    looks = any(held_out_look(a.shape, a.colour, act.action) for a in facts.actors for act in a.acts)
    actions = {act.action for actor in facts.actors for act in actor.acts}
    return looks or any(held_out_sound(s.name, action) for s in facts.sounds for action in actions)


def draw_train_facts(seed: int, index: int) -> Facts:
    """The facts of a training clip: drawn until they hold no held-out combination."""
    rng = stream(seed, "train", index, "facts")
    while is_held_out(facts := draw_facts(rng)):
        pass
    return facts


def draw_facts(rng: random.Random) -> Facts:
    """Facts of one clip, combinations unrestricted."""
    shapes = rng.sample(SHAPES, 2 if rng.random() < SECOND_ACTOR_RATE else 1)
    actors = tuple(
        Actor(shape, rng.choice(COLOURS), rng.choice(SIZES), draw_acts(rng, pick(rng, ACT_COUNT_WEIGHTS)))
        for shape in shapes
    )
    sign = rng.choice(SIGNS) if rng.random() < SIGN_RATE else None
    return Facts(rng.choice(BACKGROUNDS), actors, draw_sounds(rng, actors[0].acts), sign)


def draw_acts(rng: random.Random, count: int) -> tuple[Act, ...]:
    """`count` different actions in random order, at most `MAX_TURNS` turns in all."""
    acts, left = [], MAX_TURNS - count
    for action in rng.sample(ACTIONS, count):
        extra = min(left, pick(rng, TURN_WEIGHTS) - 1) if action in REPEATABLE else 0
        acts.append(Act(action, 1 + extra))
        left -= extra
    return tuple(acts)


def draw_sounds(rng: random.Random, acts: tuple[Act, ...]) -> tuple[Sound, ...]:
    """None to three different sounds; at most one is synchronous, so that what sounds with an action is never mixed."""
    names = rng.sample(SOUNDS, pick(rng, SOUND_COUNT_WEIGHTS))
    sounds = tuple(Sound(name, OFF_STAGE) for name in names)
    if sounds and rng.random() < SYNCHRONOUS_RATE:
        sounds = (replace(sounds[0], on=rng.choice(acts).action), *sounds[1:])
    return sounds


def pick(rng: random.Random, weights: dict[int, float]) -> int:
    """One key, with probability proportional to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
