"""The ideal matcher: it reads a caption as its atoms, sees of a clip what some modalities carry, and knows the odds.

Score of (caption, clip) = log of P(what it sees | the caption is true of the clip) / P(what it sees): minus infinity
where something stated is seen to be false, and otherwise the surprise of what is stated and seen, so that of captions
that fit a clip the more specific one comes first. Noisy tags add their exact posterior. It reads literally: what a
caption leaves unsaid is no evidence. Twins differ in the value of a fact, never in its presence, so silence could not
help there.

Legend: N clips, S actor slots (two), Q captions.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations, permutations

import numpy as np

from quatrefoil.video_text.datasets.stage.atoms import Statement, kind_of
from quatrefoil.video_text.datasets.stage.ranking import Bools, Floats
from quatrefoil.video_text.datasets.stage.tags import Tag, log_likelihood
from quatrefoil.video_text.datasets.stage.world import SOUND_COUNT_WEIGHTS, SOUNDS

STILL = ("background", "shape", "colour", "size", "sign")
FRAMES = (*STILL, "action", "times", "order")
CARRIED: dict[str, tuple[str, ...]] = {
    "chance": (),
    "sound": ("sound",),
    "still": STILL,
    "frames": FRAMES,
    "frames+tags": FRAMES,
    "frames+sound": (*FRAMES, "sound", "sound_on"),
    "all": (*FRAMES, "sound", "sound_on"),
}
"""The kinds of facts that each set of modalities carries without error.

What a sound goes with needs both eyes and ears. Tags add hearsay about sounds to the frames (`TAGGED`); to frames and
sound they add nothing, as everything in them is a noisy copy of what is carried already.
"""

TAGGED = "frames+tags"
ORDERS = {0: 1, 1: 2, 3: 6}
"""Number of ordered pairs stated of an actor -> number of orders that its acts could have."""


class Odds:
    """How surprising atoms are, estimated from what is true of training clips."""

    def __init__(self, truths: Iterable[Statement]) -> None:
        self.counts: Counter[str] = Counter()
        self.clips = self.actors = 0
        for truth in truths:
            self.clips += 1
            self.actors += len(truth.actors)
            self.counts.update(truth.atoms())

    def surprise(self, statement: Statement) -> float:
        """-log P(statement), atoms independent given the atom that they specify; the order of acts uniform."""
        scene = sum(self.atom_surprise(atom, self.clips) for atom in sorted(statement.scene))
        return scene + sum(self.actor_surprise(sorted(atoms)) for atoms in statement.actors)

    def actor_surprise(self, atoms: list[str]) -> float:
        """-log P of what is stated of one actor."""
        pairs = sum(kind_of(atom) == "order" for atom in atoms)
        others = (atom for atom in atoms if kind_of(atom) != "order")
        return math.log(ORDERS[pairs]) + sum(self.atom_surprise(atom, self.actors) for atom in others)

    def atom_surprise(self, atom: str, population: int) -> float:
        """-log P(atom), given its parent where it has one (a count its action, a companion its sound)."""
        parent = parent_of(atom)
        among = self.counts[parent] if parent else population
        return math.log((among + 2) / (self.counts[atom] + 1))


def parent_of(atom: str) -> str | None:
    """The atom that must be true for this one to be true."""
    kind, _, value = atom.partition("=")
    match kind:
        case "times":
            return f"action={value.partition('*')[0]}"
        case "sound_on":
            return f"sound={value.partition('@')[0]}"
    return None


class Gallery:
    """The clips to match against, each atom a column that is computed once."""

    def __init__(self, truths: Sequence[Statement]) -> None:
        self.truths = truths
        self.scene_N = cache(self._scene_N)
        self.actor_NS = cache(self._actor_NS)

    def fits_N(self, statement: Statement) -> Bools:
        """For each clip whether the statement is true of it: `Statement.holds`, for all clips at once."""
        fits_N = np.ones(len(self.truths), np.bool_)
        for atom in statement.scene:
            fits_N &= self.scene_N(atom)
        said_NS = [self.all_of_NS(atoms) for atoms in statement.actors]
        slots = permutations(range(2), len(said_NS))
        chosen = [[a_NS[:, slot] for a_NS, slot in zip(said_NS, order, strict=True)] for order in slots]
        return fits_N & np.logical_or.reduce([np.all(columns, axis=0) for columns in chosen]) if said_NS else fits_N

    def all_of_NS(self, atoms: Iterable[str]) -> Bools:
        """For each actor of each clip whether all atoms are true of it; a slot without actor never fits."""
        fits_NS: Bools = np.logical_and.reduce([self.actor_NS(None), *map(self.actor_NS, atoms)])
        return fits_NS

    def _scene_N(self, atom: str) -> Bools:
        return np.array([atom in truth.scene for truth in self.truths])

    def _actor_NS(self, atom: str | None) -> Bools:
        empty: tuple[frozenset[str], ...] = (frozenset(), frozenset())
        slots = [(truth.actors + empty)[:2] for truth in self.truths]
        return np.array([[bool(actor) if atom is None else atom in actor for actor in clip] for clip in slots])


def ideal_scores_QN(statements: Sequence[Statement], gallery: Gallery, odds: Odds, modalities: str) -> Floats:
    """Scores [Q, N] of the ideal matcher that has these modalities; `TAGGED` needs `add_hearsay` besides."""
    scores_QN = np.full((len(statements), len(gallery.truths)), -np.inf)
    for row_N, statement in zip(scores_QN, statements, strict=True):
        seen = statement.only(CARRIED[modalities])
        row_N[gallery.fits_N(seen)] = round(odds.surprise(seen), 9)
    return scores_QN


def add_hearsay(scores_QN: Floats, statements: Sequence[Statement], tags: Sequence[list[Tag]]) -> Floats:
    """Scores [Q, N] with what the audio tags [N] say about the sounds that a caption states."""
    hearsay = cache(lambda sounds: np.array([sound_odds(sounds, tuple(told)) for told in tags]).round(9))
    rows = [hearsay(frozenset(statement.only(["sound"]).scene)) for statement in statements]
    told_QN: Floats = scores_QN + np.stack(rows)
    return told_QN


def sound_odds(stated: frozenset[str], tags: tuple[Tag, ...]) -> float:
    """log P(all stated sounds are heard | audio tags) / P(all stated sounds are heard)."""
    names = frozenset(atom.partition("=")[2] for atom in stated)
    prior, posterior = sound_sets(), sound_posterior(tags)
    among = [heard for heard in prior if names <= heard]
    belief = sum(posterior[heard] for heard in among) / sum(prior[heard] for heard in among)
    return math.log(belief) if belief > 0 else -math.inf


@cache
def sound_posterior(tags: tuple[Tag, ...]) -> dict[frozenset[str], float]:
    """P(the sounds of a clip are exactly this set | its audio tags)."""
    joint = {heard: p * math.exp(log_likelihood(list(tags), heard, SOUNDS)) for heard, p in sound_sets().items()}
    total = sum(joint.values())
    return {heard: p / total for heard, p in joint.items()}


@cache
def sound_sets() -> dict[frozenset[str], float]:
    """P(the sounds of a clip are exactly this set), as the generator draws them."""
    return {
        frozenset(names): weight / math.comb(len(SOUNDS), count)
        for count, weight in SOUND_COUNT_WEIGHTS.items()
        for names in combinations(SOUNDS, count)
    }
