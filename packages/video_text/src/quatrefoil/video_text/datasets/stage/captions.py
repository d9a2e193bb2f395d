"""Captions: first what to say (a `Plan`), then how (voice, order, synonyms). The plan is also the stored statement."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from quatrefoil.video_text.datasets.stage import lexicon
from quatrefoil.video_text.datasets.stage.atoms import Statement, all_atoms, order_atom
from quatrefoil.video_text.datasets.stage.phrases import actor_clause, sentence, sound_clause
from quatrefoil.video_text.datasets.stage.world import REPEATABLE, Act, Actor, Facts, Sound

CAPTIONS_PER_CLIP = 10
MAX_WORDS = 30
"""Words and commas of a caption: what is said beyond the 32 tokens that text encoders read would be said to no one."""

FULL_DETAIL = 0.8
"""Chance that the first caption of a clip states a given fact; the others range from 0.3 to this."""


@dataclass(frozen=True)
class Caption:
    """A sentence and what it states."""

    text: str
    states: Statement


@dataclass(frozen=True)
class ActorPlan:
    """What to say of an actor besides its shape. `counted` are the acts of which the number of turns is said."""

    actor: Actor
    looks: frozenset[str]
    acts: tuple[Act, ...]
    counted: frozenset[Act]
    ordered: bool

    def atoms(self) -> frozenset[str]:
        """What is said, as atoms."""
        looks = {f"{kind}={getattr(self.actor, kind)}" for kind in self.looks | {"shape"}}
        counts = {f"times={act.action}*{act.times}" for act in self.counted}
        order = {order_atom(*pair) for pair in combinations(self.acts, 2)} if self.ordered else set()
        return frozenset(looks | counts | order | {f"action={act.action}" for act in self.acts})


@dataclass(frozen=True)
class Plan:
    """What to say of a clip. `placed` are the sounds of which it is said what they go with."""

    actors: tuple[ActorPlan, ...]
    background: str | None
    sounds: tuple[Sound, ...]
    placed: frozenset[Sound]
    sign: str | None

    def statement(self) -> Statement:
        """What is said, as atoms."""
        scene = {f"sound={sound.name}" for sound in self.sounds}
        scene |= {f"sound_on={sound.name}@{sound.on}" for sound in self.placed}
        scene |= {f"background={self.background}"} if self.background else set()
        scene |= {f"sign={self.sign}"} if self.sign else set()
        return Statement(frozenset(scene), tuple(plan.atoms() for plan in self.actors))


class Chooser:
    """Decides which facts to say: those of the `forced` kinds, and any other with probability `detail`."""

    def __init__(self, rng: random.Random, detail: float, forced: Iterable[str]) -> None:
        self.rng = rng
        self.detail = detail
        self.forced = frozenset(forced)

    def says(self, *kinds: str) -> bool:
        """Whether to say a fact of these kinds."""
        return not self.forced.isdisjoint(kinds) or self.rng.random() < self.detail

    def plan(self, facts: Facts) -> Plan:
        """What to say of a clip: at least one actor, the first one where a fact is forced."""
        actors = [self.actor(actor) for actor in self.actors(facts.actors)]
        sounds = tuple(sound for sound in facts.sounds if self.says("sound"))
        told = {act.action for plan in actors if plan.actor == facts.actors[0] for act in plan.acts}
        placed = frozenset(s for s in sounds if self.says("sound_on") and (s.on in told or s.on not in lexicon.VERBS))
        background = facts.background if self.says("background") else None
        sign = facts.sign if facts.sign and self.says("sign") else None
        self.rng.shuffle(actors)
        return Plan(tuple(actors), background, sounds, placed, sign)

    def actors(self, actors: tuple[Actor, ...]) -> tuple[Actor, ...]:
        """Whom to speak of."""
        if len(actors) == 1 or self.rng.random() < self.detail:
            return actors
        return (actors[0] if self.forced else self.rng.choice(actors),)

    def actor(self, actor: Actor) -> ActorPlan:
        """What to say of an actor. Acts are what captions are mostly about, so each has an even chance at least."""
        looks = frozenset(kind for kind in ("colour", "size") if self.says(kind))
        acts = tuple(a for a in actor.acts if self.says("action", "times", "order") or self.rng.random() < 0.5)
        counted = frozenset(act for act in acts if act.action in REPEATABLE and self.says("times"))
        return ActorPlan(actor, looks, acts, counted, len(acts) > 1 and self.says("order"))


def draw_captions(facts: Facts, forced: Iterable[str], rng: random.Random) -> list[Caption]:
    """The captions of a clip; the first is detailed and states the facts of the `forced` kinds."""
    details = [rng.uniform(0.3, FULL_DETAIL) for _ in range(CAPTIONS_PER_CLIP - 1)]
    first = draw_caption(facts, Chooser(rng, FULL_DETAIL, forced))
    return [first, *(draw_caption(facts, Chooser(rng, detail, ())) for detail in details)]


def draw_caption(facts: Facts, chooser: Chooser) -> Caption:
    """One caption of at most `MAX_WORDS`, drawn again, in fewer and fewer details, while it is longer."""
    while True:
        plan = chooser.plan(facts)
        text = say(plan, chooser.rng)
        if len(text.replace(",", " ,").split()) <= MAX_WORDS:
            break
        chooser.detail *= 0.95
    assert plan.statement().holds(all_atoms(facts)), f"caption {text!r} states what is not true of {facts}"
    return Caption(text, plan.statement())


def say(plan: Plan, rng: random.Random) -> str:
    """A plan in words."""
    actors = [actor_clause(p.actor, p.looks, p.acts, p.counted, p.ordered, rng) for p in plan.actors]
    sounds = [sound_clause(sound, sound in plan.placed, rng) for sound in plan.sounds]
    sign = [rng.choice(lexicon.SIGN_PHRASES).format(plan.sign)] if plan.sign else []
    return sentence(actors, plan.background, [*sounds, *sign], rng)
