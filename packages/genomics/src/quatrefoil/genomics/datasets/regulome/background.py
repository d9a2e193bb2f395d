"""The genome before anything is planted: a second-order Markov chain with isochores, then repeats in lower case.

Legend: L bases, R chains, S steps.
"""

from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.world import Floats, letters_of, other_strand, stream
from quatrefoil.genomics.sequence.kmers import Bytes, Ids

GC_LEVELS: Final = (0.36, 0.40, 0.44, 0.49, 0.54)
_CHAINS_OF = 1_000  # bases: chains run side by side; one context in a thousand is drawn, not read
_CPG_LEFT = 0.25  # methylated genomes have lost most of their CpG
_RUNS = 1.25  # and have more runs of A and T than chance would give
_REPEAT_LENGTHS = (300, 300, 120, 900)
_REPEAT_SHARE = 0.08
_REPEAT_DECAY = (0.02, 0.2)
_MICROSATELLITE = 0.2  # share of the copies that are short tandem repeats


def draw_background(seed: int, chromosome: str, length: int) -> Bytes:
    """Letters (L,) of a chromosome without N; repeats are in lower case, as a masker leaves them."""
    rng = stream(seed, chromosome, "background")
    letters_L = letters_of(_draw_chain(_draw_isochores(rng, length), rng))
    _lay_repeats(letters_L, _draw_consensus(seed), rng)
    return letters_L


def _draw_isochores(rng: np.random.Generator, length: int) -> Ids:
    """The G+C level of every base; levels last for an eighth of the chromosome in the mean."""
    ends = np.cumsum(rng.exponential(length / 8, 64) + length / 40)
    levels = rng.permuted(np.tile(np.arange(len(GC_LEVELS)), 13))[: len(ends)]
    levels_L: Ids = levels[np.searchsorted(ends, np.arange(length), side="right").clip(max=len(ends) - 1)]
    return levels_L


def _draw_chain(levels_L: Ids, rng: np.random.Generator) -> Bytes:
    rows = -(-len(levels_L) // _CHAINS_OF)
    levels_SR = np.pad(levels_L, (0, rows * _CHAINS_OF - len(levels_L)), mode="edge").reshape(rows, -1).T
    table = np.cumsum(_transitions(), axis=-1)
    draws_SR = rng.random(levels_SR.shape)
    codes_SR = np.empty(levels_SR.shape, np.uint8)
    before, last = rng.integers(0, 4, (2, rows))
    for step, (levels_R, draws_R) in enumerate(zip(levels_SR, draws_SR, strict=True)):
        base_R = (draws_R[:, None] >= table[levels_R, before, last][:, :-1]).sum(1)
        codes_SR[step], before, last = base_R, last, base_R
    return codes_SR.T.reshape(-1)[: len(levels_L)]


def _transitions() -> Floats:
    """Probabilities [level, base before last, last base, base]. The chain is the same for all seeds."""
    gc = np.array(GC_LEVELS)[:, None]
    weights = np.concatenate([(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2], axis=1)[:, None, None, :]
    habits = np.exp(stream(0, "chain").normal(0, 0.15, (4, 4, 4)))
    habits[:, 1, 2] *= _CPG_LEFT
    for base in (0, 3):
        habits[base, base, base] *= _RUNS
    table: Floats = weights * habits
    table /= table.sum(-1, keepdims=True)
    return table


def _draw_consensus(seed: int) -> list[Bytes]:
    """The repeat families; all chromosomes share them."""
    rng = stream(seed, "repeats")
    return [letters_of(rng.integers(0, 4, length)) for length in _REPEAT_LENGTHS]


def _lay_repeats(letters_L: Bytes, families: list[Bytes], rng: np.random.Generator) -> None:
    """Decayed copies of part or all of a family, on either strand, over `_REPEAT_SHARE` of the sequence."""
    left = int(_REPEAT_SHARE * len(letters_L))
    while left > 0:
        copy = _draw_microsatellite(rng) if rng.random() < _MICROSATELLITE else _draw_copy(families, rng)
        start = int(rng.integers(0, len(letters_L) - len(copy)))
        letters_L[start : start + len(copy)] = copy | 0x20
        left -= len(copy)


def _draw_copy(families: list[Bytes], rng: np.random.Generator) -> Bytes:
    whole = families[int(rng.integers(len(families)))]
    begin = int(rng.integers(0, len(whole) // 2)) if rng.random() < 0.5 else 0
    copy = whole[begin:].copy()
    decayed = rng.random(len(copy)) < rng.uniform(*_REPEAT_DECAY)
    copy[decayed] = letters_of(rng.integers(0, 4, int(decayed.sum())))
    return copy if rng.random() < 0.5 else other_strand(copy)


def _draw_microsatellite(rng: np.random.Generator) -> Bytes:
    unit = letters_of(rng.integers(0, 4, int(rng.integers(1, 5))))
    return np.tile(unit, int(rng.integers(8, 25)))
