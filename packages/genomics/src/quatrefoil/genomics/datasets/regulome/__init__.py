"""Regulome: the embedded benchmark of genome, peaks and motifs, in the files of the real sets."""

from quatrefoil.genomics.datasets.regulome.gallery import gallery
from quatrefoil.genomics.datasets.regulome.make import make
from quatrefoil.genomics.datasets.regulome.world import REGULOME_VERSION, SIZES

__all__ = ["REGULOME_VERSION", "SIZES", "gallery", "make"]
