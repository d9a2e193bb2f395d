"""What Regulome is made of: its sizes, chromosomes, cell types and splits, and where every random number comes from."""

from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from quatrefoil.core.seeding import SeedKey, seed_of
from quatrefoil.genomics.sequence.kmers import Bytes, Ids

REGULOME_VERSION: Final = 1

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
SizeName = Literal["tiny", "default", "large"]
Split = Literal["train", "dev", "test"]


@dataclass(frozen=True)
class Size:
    """How much there is.

    Args:
        bases: mean length of a chromosome.
        gc_tolerance: how far the G+C share of a matched negative may lie from its positive's. A short genome has too
            few windows for a narrow one.
        bound_factors: factors with a set of bound and unbound windows.
        people: individuals of the cohort.
        variants: its variants.
    """

    bases: int
    gc_tolerance: float
    bound_factors: int
    people: int
    variants: int


SIZES: Final = {
    "tiny": Size(30_000, 0.25, 2, 120, 300),
    "default": Size(1_000_000, 0.02, 6, 1_000, 3_000),
    "large": Size(10_000_000, 0.02, 12, 2_000, 8_000),
}

CHROMOSOMES: Final = tuple(f"chr{number}" for number in range(1, 11))
CHROMOSOMES_OF: Final[dict[Split, tuple[str, ...]]] = {
    "train": CHROMOSOMES[:7],
    "dev": ("chr10",),
    "test": ("chr8", "chr9"),
}
SPLIT_OF: Final = {name: split for split, names in CHROMOSOMES_OF.items() for name in names}

LINEAGES: Final = ("amber", "birch", "cedar", "delta")
CELL_TYPES: Final = tuple(f"{lineage}{number}" for lineage, number in product(LINEAGES, (1, 2, 3)))
"""Types of one lineage share most of their active factors; every lineage has two types or more to train on."""
HELD_OUT_TYPES: Final = ("birch3", "delta3")
TRAINING_TYPES: Final = tuple(name for name in CELL_TYPES if name not in HELD_OUT_TYPES)
DISEASE_TYPE: Final = "amber2"

ACGT: Final = np.frombuffer(b"ACGT", np.uint8)  # in this order the complement of code c is 3 - c
UNKNOWN: Final = 4
_CODES: Final = np.full(256, UNKNOWN, np.uint8)
_CODES[ACGT] = _CODES[ACGT | 0x20] = np.arange(4)
_COMPLEMENTS: Final = bytes.maketrans(b"ACGTacgt", b"TGCAtgca")


def stream(seed: int, *key: SeedKey) -> np.random.Generator:
    """The random numbers for one purpose: a function of (name, version, seed, key) alone."""
    return np.random.default_rng(seed_of("regulome", REGULOME_VERSION, seed, *key))


def codes_of(letters: Bytes) -> Bytes:
    """A, C, G, T of either case as 0-3, anything else as `UNKNOWN`; the shape stays."""
    return _CODES[letters]


def letters_of(codes: Bytes | Ids) -> Bytes:
    """The letters of codes 0-3, in upper case."""
    return ACGT[codes]


def upper_case(letters: Bytes) -> Bytes:
    """The same letters without the mark of repeats."""
    return letters & np.uint8(0xDF)


def other_strand(letters_L: Bytes) -> Bytes:
    """The other strand of a sequence of A, C, G, T and N, read in its own direction."""
    return np.frombuffer(letters_L.tobytes().translate(_COMPLEMENTS), np.uint8)[::-1]
