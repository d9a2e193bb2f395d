"""GeneBERT's two-modality read-out: is a region open in the cell type whose peaks are about it?

A sequence alone cannot tell in which cell type it is open. Its code beside that of the open regions about it can, also
in a cell type never seen: what is asked is what the matching of pre-training asks, so the same head answers (our
choice; the paper's could not be read).

Legend: B rows, C cell types, K pairs of rows.
"""

from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from quatrefoil.core.hub import load_weights
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.heads import PairClassifier
from quatrefoil.core.runs.start import START
from quatrefoil.core.runs.stored import read_stored
from quatrefoil.core.views import view
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig
from quatrefoil.genomics.models.pretrained import refuse_two_starts


@dataclass(frozen=True, kw_only=True)
class OpennessConfig(GeneBertConfig):
    """As GeneBERT's.

    Args:
        pretrained: run or checkpoint of a pre-training of these sizes to start from; None = random weights.
    """

    pretrained: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_two_starts(self.pretrained, self.dnabert)

    @property
    def model_type(self) -> type["Openness"]:
        return Openness

    def build(self) -> "Openness":
        model = super().build()
        assert isinstance(model, Openness)
        if self.pretrained is not None:
            model.go_on_from(self.pretrained)
        return model


_LEFT_BEHIND = frozenset({"column_head", "restore", "sequence_code_map", "regions_code_map", "scale"})


class Openness(GeneBert):
    """GeneBERT, nothing masked; its heads for k-mers and segments stay as they are, no objective reaches them."""

    def __init__(self, config: GeneBertConfig) -> None:
        super().__init__(config)
        self.sequence_head = PairClassifier(config.transformer.width)

    def go_on_from(self, source: str) -> None:
        """Start from a pre-training: all of it but the heads of planted objectives (`_LEFT_BEHIND`).

        Raises:
            CheckpointError: nothing there, or it is damaged.
            ValueError: a model of other sizes (they are named), or one that knew no motifs.
        """
        stored = read_stored(Path(source))[1]
        if self.known_motifs is not None and not any(name.startswith("known_motifs.") for name in stored):
            raise ValueError(f"{source} was trained without known motifs: set model.known_motifs=null")
        given = {name: value for name, value in stored.items() if name.split(".")[0] not in _LEFT_BEHIND}
        load_weights(self, {**{f"sequence_head.{k}": v for k, v in self.sequence_head.state_dict().items()}, **given})
        self.started_from = source

    @view
    def openness(self, sequence: Tensor, regions: Tensor) -> Tensor:
        """(B, 2), class 1: open, from the sequence and the regions about it."""
        logits_B2: Tensor = self.match_head(sequence, regions)
        return logits_B2

    @view
    def told_pairs(self, open_in: Tensor, place: Tensor, cell_type: Tensor, chromosome: Tensor) -> Tensor:
        """(K, 2): rows (i, j) such that the table says whether place i is open in the cell type of row j.

        Whether it is, the regions of j tell as well as its own do: a batch of B tells up to B labels for each cell type
        in place of B, each beside several windows of regions.
        Regions of another place on the same chromosome are left out, as they may hold the very peak that is asked for.
        """
        told_BB = open_in[:, cell_type] != IGNORE
        apart_BB = (chromosome[:, None] != chromosome) | (place[:, None] == place)
        return (told_BB & apart_BB).nonzero()

    @view
    def open_in_pairs(self, told_pairs: Tensor, open_in: Tensor, cell_type: Tensor) -> Tensor:
        """(K,), 1 where the place of the first row is open in the cell type of the second."""
        sequence_K, regions_K = told_pairs.T
        return open_in[sequence_K, cell_type[regions_K]]

    @view
    def openness_of_pairs(self, told_pairs: Tensor, sequence: Tensor, regions: Tensor) -> Tensor:
        """(K, 2), as `openness`, of the sequence of the first row and the regions of the second."""
        sequence_K, regions_K = told_pairs.T
        return self.openness(sequence[sequence_K], regions[regions_K])

    @view
    def openness_of_sequence_of_pairs(self, told_pairs: Tensor, sequence: Tensor) -> Tensor:
        """(K, 2), as `openness_of_sequence`, of the sequence of the first row."""
        return self.openness_of_sequence(sequence)[told_pairs[:, 0]]

    @view
    def openness_of_sequence(self, sequence: Tensor) -> Tensor:
        """(B, 2), from the sequence alone: the same in every cell type."""
        logits_B2: Tensor = self.sequence_head(sequence)
        return logits_B2
