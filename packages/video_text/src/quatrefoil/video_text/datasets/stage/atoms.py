"""Facts cut into atoms, and statements as sets of atoms: what a caption says, and when that is true.

An atom is a string `kind=value`. Atoms of one actor belong together (a statement says that *one* actor is red and
spins), so a statement keeps them by actor, without saying which actor of the clip is meant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

from quatrefoil.video_text.datasets.stage.world import REPEATABLE, Act, Actor, Facts, Sound


@dataclass(frozen=True)
class Statement:
    """What a sentence claims: `scene` atoms of the clip, and for each actor that it names a set of actor atoms."""

    scene: frozenset[str]
    actors: tuple[frozenset[str], ...]

    def atoms(self) -> Iterator[str]:
        """Every atom claimed; one claimed of two actors comes twice."""
        yield from self.scene
        for actor in self.actors:
            yield from actor

    def only(self, kinds: Iterable[str]) -> "Statement":
        """The part of the claim that is about these kinds of facts; actors of whom nothing is left are not named."""
        kept = set(kinds)
        actors = (keep(actor, kept) for actor in self.actors)
        return Statement(keep(self.scene, kept), tuple(actor for actor in actors if actor))

    def holds(self, truth: "Statement") -> bool:
        """Whether the claim is true in a clip of which `truth` holds all atoms: some assignment of actors fits."""
        if not self.scene <= truth.scene or len(self.actors) > len(truth.actors):
            return False
        return any(
            all(said <= true for said, true in zip(self.actors, chosen, strict=True))
            for chosen in permutations(truth.actors, len(self.actors))
        )

    def to_json(self) -> dict[str, Any]:
        """Plain lists, in one order, so that the same statement gives the same bytes."""
        return {"scene": sorted(self.scene), "actors": [sorted(actor) for actor in self.actors]}


def kind_of(atom: str) -> str:
    """The kind of fact an atom is about."""
    return atom.partition("=")[0]


def keep(atoms: frozenset[str], kinds: set[str]) -> frozenset[str]:
    """The atoms of these kinds."""
    return frozenset(atom for atom in atoms if kind_of(atom) in kinds)


def all_atoms(facts: Facts) -> Statement:
    """Everything that is true of a clip."""
    scene = {f"background={facts.background}", *(atom for sound in facts.sounds for atom in sound_atoms(sound))}
    if facts.sign is not None:
        scene.add(f"sign={facts.sign}")
    return Statement(frozenset(scene), tuple(actor_atoms(actor) for actor in facts.actors))


def sound_atoms(sound: Sound) -> tuple[str, str]:
    """That a sound is heard, and what it goes with."""
    return f"sound={sound.name}", f"sound_on={sound.name}@{sound.on}"


def actor_atoms(actor: Actor) -> frozenset[str]:
    """Everything that is true of an actor; the order of its acts as all ordered pairs."""
    looks = {f"shape={actor.shape}", f"colour={actor.colour}", f"size={actor.size}"}
    order = {order_atom(first, second) for first, second in combinations(actor.acts, 2)}
    return frozenset(looks | order | {atom for act in actor.acts for atom in act_atoms(act)})


def act_atoms(act: Act) -> tuple[str, ...]:
    """That an act happens and, where it can be repeated, how many times."""
    times = (f"times={act.action}*{act.times}",) if act.action in REPEATABLE else ()
    return (f"action={act.action}", *times)


def order_atom(first: Act, second: Act) -> str:
    """That one act comes before another."""
    return f"order={first.action}<{second.action}"
