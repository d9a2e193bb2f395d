"""The grammar of openness: which factors are active where, and which arrangements of their sites open a region.

A region is open in a cell type when no repressor active there has a site in it, and
- it holds a *pair*: two active factors at their distance (give or take one base) and in their orientation, or
- it holds sites of at least `PILE` different active factors.

Legend: F factors, C cell types.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from quatrefoil.genomics.datasets.regulome.motifs import FACTORS
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, LINEAGES, Bools, Floats, stream
from quatrefoil.genomics.sequence.kmers import Ids

PILE: Final = 3
REPRESSORS: Final = 4
COMMON: Final = 6
_OF_LINEAGE = 8
_PAIRS = 30
_GAPS = (1, 9)
_KEPT, _FREE, _REPRESSING = 0.85, 0.3, 0.4  # odds that a type has a factor of its lineage, a free one, a repressor


class Site(NamedTuple):
    """A planted site: factor (index), half-open interval on the chromosome, strand +1 or -1."""

    factor: int
    start: int
    end: int
    strand: int


class Pair(NamedTuple):
    """Two factors that open a region together: `gap` bases between them, second after first in reading direction of
    the first, on the same strand or not."""

    first: int
    second: int
    gap: int
    same_strand: bool


@dataclass(frozen=True)
class Grammar:
    """What is active where, and which pairs count.

    Args:
        active_CF: which factors each cell type has.
        repressor_F: which factors close instead of open.
        common_F: the factors that every type has.
        usage_F: how often a factor is chosen where several would do; some have many sites in the genome, some few.
    """

    active_CF: Bools
    repressor_F: Bools
    common_F: Bools
    usage_F: Floats
    pairs: tuple[Pair, ...]

    def open_in(self, sites: Sequence[Site]) -> Bools:
        """In which cell types (C,) a region with these sites is open."""
        present_F = np.isin(np.arange(len(FACTORS)), [site.factor for site in sites])
        helping_CF = self.active_CF & present_F & ~self.repressor_F
        pairs = [self.active_CF[:, [pair.first, pair.second]].all(1) for pair in self.pairs_in(sites)]
        opened_C = np.any(np.array([helping_CF.sum(1) >= PILE, *pairs]), axis=0)
        closed_C = np.any(self.active_CF & present_F & self.repressor_F, axis=1)
        open_C: Bools = opened_C & ~closed_C
        return open_C

    def pairs_in(self, sites: Iterable[Site]) -> Iterator[Pair]:
        """The pairs that stand at their distance and in their orientation."""
        placed = list(sites)
        for pair in self.pairs:
            firsts = [site for site in placed if site.factor == pair.first]
            seconds = [site for site in placed if site.factor == pair.second]
            if any(_fits(pair, a, b) for a in firsts for b in seconds):
                yield pair


def _fits(pair: Pair, first: Site, second: Site) -> bool:
    gap = second.start - first.end if first.strand > 0 else first.start - second.end
    return abs(gap - pair.gap) <= 1 and (first.strand == second.strand) == pair.same_strand


def draw_grammar(seed: int) -> Grammar:
    """The grammar of a benchmark. Factors are dealt to groups without regard to family, so that factors with similar
    matrices are active in different types."""
    rng = stream(seed, "grammar")
    dealt = rng.permutation(len(FACTORS))
    ends = np.cumsum([REPRESSORS, COMMON, *[_OF_LINEAGE] * len(LINEAGES)])
    repressors, common, *of_lineages, free = np.split(dealt, ends)
    chance_CF = np.zeros((len(CELL_TYPES), len(FACTORS)))
    chance_CF[:, common], chance_CF[:, repressors], chance_CF[:, free] = 1.0, _REPRESSING, _FREE
    for row, name in zip(chance_CF, CELL_TYPES, strict=True):
        row[of_lineages[LINEAGES.index(name.rstrip("123"))]] = _KEPT
    usage_F = rng.permutation(1 / np.sqrt(np.arange(1, len(FACTORS) + 1)))
    groups = [np.concatenate([group, common]) for group in of_lineages] + [np.concatenate([free, common])]
    pairs = tuple(_draw_pair(rng, groups[number % len(groups)]) for number in range(_PAIRS))
    return Grammar(rng.random(chance_CF.shape) < chance_CF, _among(repressors), _among(common), usage_F, pairs)


def _draw_pair(rng: np.random.Generator, group: Ids) -> Pair:
    first, second = rng.choice(group, 2, replace=False).tolist()
    return Pair(first, second, int(rng.integers(*_GAPS)), bool(rng.random() < 0.5))


def _among(factors: Ids) -> Bools:
    return np.isin(np.arange(len(FACTORS)), factors)
