"""Regulatory elements: arrangements of sites that the grammar opens, nearly opens, or does not open at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.grammar import Grammar, Pair, Site
from quatrefoil.genomics.datasets.regulome.motifs import Motif
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, Bools, letters_of, other_strand
from quatrefoil.genomics.sequence.kmers import Bytes

KINDS: Final = {"pair": 0.30, "pile": 0.25, "broken_pair": 0.15, "silenced": 0.10, "sparse": 0.20}
PROMOTER_KINDS: Final = {"common": 0.6, "pair": 0.2, "pile": 0.2}
_MARGINS: Final = (50, 120)
_BETWEEN: Final = (3, 20)

Unit = list[Site]
"""Sites at fixed distances, counted from the start of the unit."""


@dataclass(frozen=True)
class Element:
    """A region that may be open: half-open interval, and the sites planted in it.

    Args:
        kind: how it was built, a key of `KINDS` or of `PROMOTER_KINDS`; the grammar alone says where it is open.
        promoter: whether it is that of a gene.
    """

    start: int
    end: int
    kind: str
    promoter: bool
    sites: tuple[Site, ...]


@dataclass(frozen=True)
class Builder:
    """Builds arrangements of sites: all a function of the grammar, the widths of the motifs and a generator."""

    grammar: Grammar
    motifs: Sequence[Motif]

    def draw_element(self, start: int, rng: np.random.Generator) -> Element:
        """An element that begins at `start`."""
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
        sites = self.draw_sites(kind, rng)
        before, after = rng.integers(*_MARGINS, 2).tolist()
        placed = shift(sites, start + before)
        return Element(start, placed[-1].end + after, kind, False, tuple(placed))

    def draw_sites(self, kind: str, rng: np.random.Generator) -> list[Site]:
        """Sites of an element of a kind, the first one at 0, in the order of the strand."""
        match kind:
            case "common":
                units = self._singles(self.grammar.common_F, 3, rng)
            case "pile":
                units = self._pile(rng)
            case "pair":
                units = [self._pair(rng), *self._helpers(2, rng)]
            case "broken_pair":
                units = [self._broken_pair(rng), *self._helpers(1, rng)]
            case "silenced":
                opening = self._pile(rng) if rng.random() < 0.5 else [self._pair(rng)]
                units = [*opening, *self._singles(self.grammar.repressor_F, 1, rng)]
            case _:
                units = self._singles(~self.grammar.repressor_F, int(rng.integers(1, 3)), rng)
        return _pack(units, rng)

    def _singles(self, among_F: Bools, count: int, rng: np.random.Generator) -> list[Unit]:
        odds_F = self.grammar.usage_F * among_F
        chosen = rng.choice(len(odds_F), count, replace=False, p=odds_F / odds_F.sum())
        return [self._unit(factor, 0, _strand(rng)) for factor in chosen.tolist()]

    def _helpers(self, most: int, rng: np.random.Generator) -> list[Unit]:
        return self._singles(~self.grammar.repressor_F, int(rng.integers(0, most + 1)), rng)

    def _pile(self, rng: np.random.Generator) -> list[Unit]:
        active_F = self.grammar.active_CF[int(rng.integers(len(CELL_TYPES)))]
        return self._singles(active_F & ~self.grammar.repressor_F, int(rng.integers(3, 5)), rng)

    def _pair(self, rng: np.random.Generator) -> Unit:
        return self._stand(self._any_pair(rng), rng)

    def _broken_pair(self, rng: np.random.Generator) -> Unit:
        """Right but for the orientation, or for the distance."""
        pair = self._any_pair(rng)
        if rng.random() < 0.5:
            return self._stand(pair._replace(same_strand=not pair.same_strand), rng)
        return self._stand(pair._replace(gap=pair.gap + int(rng.integers(4, 12))), rng)

    def _any_pair(self, rng: np.random.Generator) -> Pair:
        return self.grammar.pairs[int(rng.integers(len(self.grammar.pairs)))]

    def _stand(self, pair: Pair, rng: np.random.Generator) -> Unit:
        """The two sites of a pair, read on either strand."""
        first = self._unit(pair.first, 0, 1)
        second = self._unit(pair.second, first[0].end + pair.gap, 1 if pair.same_strand else -1)
        unit = first + second
        return unit if rng.random() < 0.5 else flip(unit, second[0].end)

    def _unit(self, factor: int, start: int, strand: int) -> Unit:
        return [Site(factor, start, start + self.motifs[factor].width, strand)]


def _strand(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


def _pack(units: list[Unit], rng: np.random.Generator) -> list[Site]:
    """Units one after the other in random order."""
    packed: list[Site] = []
    for number in rng.permutation(len(units)).tolist():
        at = packed[-1].end + int(rng.integers(*_BETWEEN)) if packed else 0
        packed += shift(units[number], at)
    return packed


def shift(sites: Sequence[Site], by: int) -> list[Site]:
    """The same sites further along the strand."""
    return [site._replace(start=site.start + by, end=site.end + by) for site in sites]


def flip(sites: Sequence[Site], length: int) -> list[Site]:
    """The same sites as the other strand of a sequence of `length` counts them, in its order."""
    return [Site(s.factor, length - s.end, length - s.start, -s.strand) for s in reversed(sites)]


def plant(letters_L: Bytes, sites: Sequence[Site], motifs: Sequence[Motif], rng: np.random.Generator) -> None:
    """Write one drawn instance of every site over the sequence."""
    for site in sites:
        word = letters_of(motifs[site.factor].sample(rng))
        letters_L[site.start : site.end] = word if site.strand > 0 else other_strand(word)
