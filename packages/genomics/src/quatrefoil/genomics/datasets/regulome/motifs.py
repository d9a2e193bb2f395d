"""Matrices of about sixty invented factors in families of similar ones, and the files in which motifs are kept.

Legend: W positions of a motif, 4 bases in the order A, C, G, T.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.world import Bools, Floats, stream
from quatrefoil.genomics.meme import minimal_meme
from quatrefoil.genomics.sequence.kmers import Bytes, Ids

FAMILIES: Final = (
    *("BAX", "CEM", "DOV", "FUL", "GAR", "HIN", "JOL", "KEM"),
    *("LUX", "MIR", "NOD", "PAZ", "RUK", "SOT", "VEB"),
)
MEMBERS: Final = 4
FACTORS: Final = tuple(f"{family}{number}" for family in FAMILIES for number in range(1, MEMBERS + 1))
SITES_COUNTED: Final = 1_000  # what the columns of a matrix of counts add up to
_SHORTEST, _LONGEST = 9, 13
_CHANGED = 3  # positions in which a member differs from the founder of its family
_STRENGTHS = ((0.94, 0.75), (0.62, 0.25))  # share of the first base in a position, and how common such positions are


@dataclass(frozen=True)
class Motif:
    """A matrix of counts (W, 4) with JASPAR's kind of id."""

    id: str
    name: str
    counts_W4: Ids

    @property
    def width(self) -> int:
        return len(self.counts_W4)

    @property
    def probabilities_W4(self) -> Floats:
        return self.counts_W4 / SITES_COUNTED

    @property
    def log_odds_W4(self) -> Floats:
        """Bits against a background of equal bases."""
        odds_W4: Floats = np.log2(4 * self.probabilities_W4)
        return odds_W4

    @property
    def log_odds_of_strands(self) -> tuple[Floats, Floats]:
        """Those of the strand of a sequence, and of the other one: rows and columns reversed."""
        return self.log_odds_W4, self.log_odds_W4[::-1, ::-1]

    def sample(self, rng: np.random.Generator) -> Bytes:
        """One site as codes (W,), every position on its own."""
        drawn_W1 = rng.random((self.width, 1))
        codes_W: Bytes = (drawn_W1 >= np.cumsum(self.probabilities_W4, axis=1)[:, :-1]).sum(1).astype(np.uint8)
        return codes_W


def draw_motifs(seed: int) -> list[Motif]:
    """All factors in the order of `FACTORS`."""
    rng = stream(seed, "motifs")
    matrices = [member for _ in FAMILIES for member in _draw_family(rng)]
    return [Motif(f"RG{i:04}.1", name, m) for i, (name, m) in enumerate(zip(FACTORS, matrices, strict=True), start=1)]


def _draw_family(rng: np.random.Generator) -> list[Ids]:
    founder = np.stack([_draw_position(rng) for _ in range(rng.integers(_SHORTEST, _LONGEST + 1))])
    members = []
    for _ in range(MEMBERS):
        member = founder.copy()
        for position in rng.choice(len(founder), _CHANGED, replace=False):
            member[position] = _draw_position(rng)
        members.append(member)
    return members


def _draw_position(rng: np.random.Generator) -> Ids:
    """Counts of the four bases: one or two are common, none is impossible."""
    shares, odds = zip(*_STRENGTHS, strict=True)
    first = float(rng.choice(shares, p=odds)) + rng.uniform(-0.03, 0.03)
    rest = rng.dirichlet((0.6, 0.4, 0.4)) * (1 - first)
    counts = np.maximum(np.round(SITES_COUNTED * np.array([first, *rest])).astype(np.int64), 5)
    counts[0] += SITES_COUNTED - counts.sum()
    return rng.permutation(counts)


def consensus_motif(name: str, consensus: str, strength: float = 0.9) -> Motif:
    """A matrix from an IUPAC consensus: each position has `strength` evenly on its letters, the rest on the others."""
    letters = {"W": "AT", "R": "AG", "Y": "CT", "M": "AC", "K": "GT", "V": "ACG", "N": "ACGT"}
    rows = []
    for letter in consensus:
        wanted: Bools = np.isin(list("ACGT"), list(letters.get(letter, letter)))
        shares = np.where(wanted, strength / wanted.sum(), (1 - strength) / max(1, (~wanted).sum()))
        counts = np.round(SITES_COUNTED * shares / shares.sum()).astype(np.int64)
        counts[wanted.argmax()] += SITES_COUNTED - counts.sum()
        rows.append(counts)
    return Motif(name, name, np.stack(rows))


def jaspar_lines(motifs: Iterable[Motif]) -> Iterable[str]:
    """JASPAR's format: a head, and a line of counts for each base."""
    for motif in motifs:
        yield f">{motif.id}\t{motif.name}"
        for base, counts_W in zip("ACGT", motif.counts_W4.T, strict=True):
            yield f"{base}  [ {' '.join(f'{count:>5}' for count in counts_W)} ]"


def meme_lines(motifs: Sequence[Motif]) -> Iterable[str]:
    """Minimal MEME format, version 4."""
    return minimal_meme((f"{motif.id} {motif.name}", motif.probabilities_W4, SITES_COUNTED) for motif in motifs)


def scan(codes_BL: Bytes, log_odds_W4: Floats) -> Floats:
    """Log odds (B, L - W + 1) of a motif at every place of sequences, on their own strand; unknown bases count 0."""
    table_W5 = np.concatenate([log_odds_W4, np.zeros((len(log_odds_W4), 1))], axis=1).astype(np.float32)
    places = codes_BL.shape[1] - len(table_W5) + 1
    scores = np.zeros((len(codes_BL), places), np.float32)
    for offset, row_5 in enumerate(table_W5):
        scores += row_5[codes_BL[:, offset : offset + places]]
    return scores.astype(np.float64)
