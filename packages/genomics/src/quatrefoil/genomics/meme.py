"""Motifs written in MEME's minimal format, which scanners and comparers of motifs read; `regions.motifs` reads it."""

from collections.abc import Iterable, Iterator

from quatrefoil.core.evaluation.statistics import Floats


def minimal_meme(motifs: Iterable[tuple[str, Floats, float]]) -> Iterator[str]:
    """Version 4, of names, base frequencies (W, 4) and how many sites are behind them."""
    yield from ("MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", "", "Background letter frequencies")
    yield from ("A 0.25 C 0.25 G 0.25 T 0.25", "")
    for name, frequencies_W4, sites in motifs:
        yield f"MOTIF {name}"
        yield f"letter-probability matrix: alength= 4 w= {len(frequencies_W4)} nsites= {sites:g} E= 0"
        yield from (" ".join(f"{share:.6f}" for share in row) for row in frequencies_W4)
        yield ""
