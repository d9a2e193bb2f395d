"""Whether a matrix and a genome belong together, by the bases under some of the peaks."""

import hashlib
from collections.abc import Mapping
from typing import Final

import numpy as np

from quatrefoil.genomics.regions.peaks import Peaks
from quatrefoil.genomics.sequence.fasta import Genome

BASES_UNDER_PEAKS: Final = "bases under the peaks"
_LOOKED_AT: Final = 64  # of the peaks of a cell type; a whole genome takes half a minute


def bases_under(genome: Genome, peaks: Mapping[str, Peaks]) -> str:
    """A digest of the bases under 64 peaks of each cell type, spread evenly over them: another assembly, or a file that
    was changed in place, gives another one (our choice).

    Raises:
        ValueError: a chromosome that the genome lacks, or a peak that leaves it.
    """
    content = hashlib.sha256()
    for name, found in sorted(peaks.items()):
        for row in np.unique(np.linspace(0, len(found) - 1, _LOOKED_AT).astype(int)) if len(found) else ():
            place = str(found.chromosome[row]), int(found.start[row]), int(found.end[row])
            content.update(f"{name} {place} ".encode() + genome.fetch(*place).tobytes())
    return content.hexdigest()[:16]
