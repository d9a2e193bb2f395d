"""A page to look at: a stretch of the genome with its truth and its peaks, and some matrices as logos."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quatrefoil.genomics.datasets.regulome.motifs import Motif, draw_motifs
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, CHROMOSOMES, HELD_OUT_TYPES
from quatrefoil.genomics.interpret.logos import draw_letters, information

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOGOS = 12
_GC_WINDOW = 200


def gallery(root: Path, out: Path, chromosome: str = "chr8", start: int = 0, length: int = 20_000) -> Path:
    """Draw a stretch of a finished benchmark: G+C content, genes, elements with their sites, the peaks of every cell
    type (held-out types in another colour); below it the logos of the first matrices.

    Args:
        root: the folder that `make` returned.
        out: the image file to write; its folder must exist, its ending names the format.
        chromosome, start, length: the stretch, in bases.

    Returns `out`. Needs matplotlib (the `gallery` extra). Errors: `ValueError` for a chromosome that there is not, or a
    stretch beyond its end.
    """
    # Imported here because only this function draws.
    from matplotlib.figure import Figure

    letters = read_stretch(root, chromosome, start, length)
    figure = Figure(figsize=(18, 11), layout="constrained")
    grid: Any = figure.add_gridspec(4, LOGOS // 2, height_ratios=(1, 4, 1, 1))
    above = figure.add_subplot(grid[0, :])
    _draw_gc(above, letters, start)
    above.set_title(f"{root.name}  {chromosome}:{start:,}-{start + length:,}", loc="left")
    _draw_tracks(figure.add_subplot(grid[1, :], sharex=above), root, chromosome, start, start + length)
    seed = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["seed"]
    for number, motif in enumerate(draw_motifs(seed)[:LOGOS]):
        _draw_logo(figure.add_subplot(grid[2 + number % 2, number // 2]), motif)
    figure.savefig(out, dpi=80)
    return out


def read_stretch(root: Path, chromosome: str, start: int, length: int) -> bytes:
    """The letters of a stretch, by the index of the FASTA file."""
    index = {row[0]: tuple(map(int, row[1:])) for row in _rows(root / "genome.fa.fai")}
    if chromosome not in index:
        raise ValueError(f"{root} has no chromosome {chromosome!r}; choose one of {', '.join(CHROMOSOMES)}")
    total, offset, line, line_bytes = index[chromosome]
    if not 0 <= start < start + length <= total:
        raise ValueError(f"{start}-{start + length} is not within {chromosome}, which has {total} bases")
    with (root / "genome.fa").open("rb") as file:
        file.seek(offset + start // line * line_bytes)
        text = file.read((length // line + 2) * line_bytes).replace(b"\n", b"")
    return text[start % line : start % line + length]


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file, delimiter="\t")


def _draw_gc(axes: "Axes", letters: bytes, start: int) -> None:
    found = np.isin(np.frombuffer(letters.upper(), np.uint8), np.frombuffer(b"GC", np.uint8))
    share = np.convolve(found, np.full(_GC_WINDOW, 1 / _GC_WINDOW), mode="same")
    axes.plot(start + np.arange(len(share)), share, linewidth=0.8)
    axes.set_ylabel(f"G+C of {_GC_WINDOW}")


def _draw_tracks(axes: "Axes", root: Path, chromosome: str, start: int, end: int) -> None:
    truth = ("annotation/genes.bed", "truth/elements.bed", "truth/sites.bed")
    tracks = {Path(name).stem: (root / name, "#555555") for name in truth}
    for name in CELL_TYPES:
        tracks[name] = (root / "peaks" / f"{name}.narrowPeak", "#c8352f" if name in HELD_OUT_TYPES else "#2a6fbb")
    for place, (path, colour) in enumerate(tracks.values()):
        spans = [(int(row[1]), int(row[2])) for row in _rows(path) if row[0] == chromosome]
        shown = [(s, e - s) for s, e in spans if s < end and e > start]
        axes.broken_barh(shown, (-place - 0.4, 0.8), color=colour)
    axes.set_yticks([-place for place in range(len(tracks))], list(tracks))
    axes.set_xlim(start, end)


def _draw_logo(axes: "Axes", motif: Motif) -> None:
    draw_letters(axes, information(motif.probabilities_W4))
    axes.set_title(motif.name, fontsize=9)
    axes.set_ylim(0, 2)
    axes.set_xticks([])
