"""GeneBERT whose sequences also tell the column of their own region: which motifs are hit in them, and how hard.

Not of the paper. Matching tells a sequence one bit about a window of many regions; its own column, restored from the
masked sequence, tells it all that the matrix knows of it. What scans of known motifs found reaches the sequence encoder
this way, which downstream has no matrix.

Legend: B rows, M motifs.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import view
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig


@dataclass(frozen=True, kw_only=True)
class ColumnGeneBertConfig(GeneBertConfig):
    """As GeneBERT's, with enrichment: it knows what is usual.

    Args:
        motifs: M.

    Raises:
        ValueError: without enrichment.
    """

    motifs: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.enrichment:
            raise ValueError("a column is told in units of what is usual; set model.enrichment=true")

    @property
    def model_type(self) -> type["ColumnGeneBert"]:
        return ColumnGeneBert


class ColumnGeneBert(GeneBert):
    """GeneBERT with one more head on the masked sequence."""

    def __init__(self, config: ColumnGeneBertConfig) -> None:
        super().__init__(config)
        self.column_head = nn.Linear(config.transformer.width, config.motifs)
        initialise(self.column_head)

    def check_assets(self) -> None:
        """Raise `ValueError` where the data do not fit the model, or have another number of motifs."""
        super().check_assets()
        self.require_motifs(self.column_head.out_features)

    @view
    def column_told(self, masked_sequence: Tensor) -> Tensor:
        """(B, 1, M), what the sequence makes of its own column; 1 = as one patch."""
        told_BM: Tensor = self.column_head(masked_sequence)
        return told_BM[:, None]

    @view
    def column_target(self, own_column: Tensor) -> Tensor:
        """(B, 1, M), the column above what is usual, in units of its deviation."""
        assert self.enrichment is not None
        return self.enrichment.standardised(own_column)[:, None]
