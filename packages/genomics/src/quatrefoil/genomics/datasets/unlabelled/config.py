"""The configuration of unlabelled sequences.

Legend: L bases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from quatrefoil.core.config import HOW_NOT_WHAT

if TYPE_CHECKING:
    from quatrefoil.genomics.datasets.unlabelled.module import UnlabelledModule

FIELDS = ("masked_bases", "labels")


@dataclass(frozen=True, kw_only=True)
class UnlabelledData:
    """Sequences in files of any format of `labelled.readers`; labels are not looked at.

    Args:
        root: the folder from which the files' names count.
        sequences: files.
        exclude: files of what must not be seen, test and validation sets say: a piece that shares `exclude_share` of
            its k-mers of `exclude_k` bases, on either strand, with one of theirs is left out, or that a copy of one
            would be cut into, as `quatrefoil overlap` would report it.
        exclude_k, exclude_share: of the shorter of the two. A sequence cut in two by `longest` still shares two fifths.
        longest: longer sequences are cut into pieces of so many bases.
        shortest: shorter ones, and what is left over at the end of longer ones, are left out.
        validation_share: of the pieces, the share with the smallest SHA-256 validates.
        mask_rate: share of the bases that are hidden.
        span: hidden bases in a row.
        reverse_complement: chance that a sample is read on the other strand; in evaluation none is.
        evaluated: pieces that are evaluated; all where there are fewer.
    """

    root: Path = field(default=Path(), metadata=HOW_NOT_WHAT)
    sequences: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_k: int = 16
    exclude_share: float = 0.2
    longest: int = 128
    shortest: int = 32
    validation_share: float = 0.02
    mask_rate: float = 0.15
    span: int = 3
    reverse_complement: float = 0.5
    evaluated: int = 2000

    def __post_init__(self) -> None:
        for name in ("exclude_share", "validation_share", "mask_rate"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"data.{name} is a share between 0 and 1, not {getattr(self, name)}")
        if not 0 <= self.reverse_complement <= 1:
            raise ValueError(f"data.reverse_complement is a chance from 0 to 1, not {self.reverse_complement}")
        if min(self.span, self.evaluated) < 1 or not self.span <= self.shortest <= self.longest:
            raise ValueError(
                f"data needs span <= shortest <= longest, and evaluated and span of 1 at least: {self.span=}, "
                f"{self.shortest=}, {self.longest=}, {self.evaluated=}"
            )

    @property
    def fields(self) -> Sequence[str]:
        """`masked_bases`: uint8 (L,), codes of bases, hidden ones unknown. `labels` (L,): hidden bases, else -100."""
        return FIELDS

    def build(self, seed: int) -> "UnlabelledModule":
        """Read the files. Raises TextError where one is broken, or nothing is left."""
        from quatrefoil.genomics.datasets.unlabelled.module import UnlabelledModule

        return UnlabelledModule(self, seed)
