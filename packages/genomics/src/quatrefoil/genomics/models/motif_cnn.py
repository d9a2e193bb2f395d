"""A convolutional network whose filters become motifs: a baseline, and beside the encoder part of `expert_classifier`.

    bases -> one-hot -> motif filters -> exponential -> highest of each few bases, places added -> convolution, norm
          -> highest of each channel in all of the sequence --------------------> logits --> their mean
          -> and in each of its cells ------------------------------------------> logits -^

The exponential (Koo and Ploenzke 2021, "Improving representations of genomic sequence motifs in convolutional networks
with exponential activations", Nature Machine Intelligence 3) lets one good match speak louder than many poor ones, so
that a filter becomes a motif early. Norms over a batch would make a result depend on the number of processes. In their
place filters are standardised (Qiao et al. 2019, "Micro-batch training with batch-channel normalization and weight
standardization"; over even bases, ours), and channels are normed at each place: without that norm the validation of
GUE's tf/2 was 53 in place of 60 after 2,000 steps, one seed.

The cells are equal parts of a sequence, as `PlacedCnn` has them: where a motif stands tells a splice site from a decoy.
Where places tell nothing a network with cells may not begin to learn, and one without does; where they tell all, the
other way round. So there are two views of logits on the same filters, for a loss each, and what both say is heard.

Legend: B sequences, L bases, F filters, M bases of a filter, P parts, C cells, D width.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.views import Tokens, view
from quatrefoil.genomics.models.bases import one_hot, places
from quatrefoil.genomics.models.classifier import ClassifierConfig, mean_opinion
from quatrefoil.genomics.models.one_hot_cnn import ConvolutionalModel, refuse_sizes
from quatrefoil.genomics.models.pooling import highest_of_cells, refuse_no_cell
from quatrefoil.genomics.sequence.codes import PADDED

_LOUDEST: Final = 6.0  # a score beyond it is no louder, and has no gradient; so that the exponential cannot overflow
_START: Final = 0.08  # of filters that are standardised, how small they are says how fast they turn
_NO_SPREAD: Final = 1e-8  # beside the variance of a filter, so that one of nothing is nothing


@dataclass(frozen=True, kw_only=True)
class MotifCnnConfig(ClassifierConfig):
    """Sizes.

    Args:
        width: number of motif filters; even.
        motif: bases that a filter sees; odd.
        pool: bases of which the highest of each filter is kept.
        window: parts that the convolution sees, each of `pool` bases; odd.
        hidden: channels of the convolution, and of the layer before the classes.
        cells: equal parts of a sequence, of each of which the highest of each channel is kept.
        dropout: of what the filters hear and of the code, in training.
    """

    width: int = 256
    motif: int = 15
    pool: int = 4
    window: int = 7
    hidden: int = 64
    cells: int = 32
    dropout: float = 0.3

    def __post_init__(self) -> None:
        refuse_sizes(self, self.width, self.motif, self.window)
        if self.pool < 1:
            raise ValueError(f"model.pool={self.pool}: the highest is of one base or more")
        refuse_no_cell(self.cells)

    @property
    def model_type(self) -> type["MotifCnn"]:
        return MotifCnn


class MotifFilters(nn.Module):
    """Scores of motifs at every place; over bases that are drawn evenly their mean is `bias`, their deviation `gain`.

    So a filter's size means nothing, and what a score means does not change while the filter turns.
    """

    def __init__(self, width: int, motif: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(_START * torch.randn(width, 4, motif))
        self.gain, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, bases_BL: Tensor) -> Tensor:
        """(B, F, L); an unknown base and what lies beyond a sequence add nothing."""
        centred_F4M = self.weight - self.weight.mean(1, keepdim=True)
        variance_F11 = centred_F4M.square().mean(1, keepdim=True).sum(2, keepdim=True)
        filters_F4M = self.gain[:, None, None] * centred_F4M * (variance_F11 + _NO_SPREAD).rsqrt()
        return nnf.conv1d(one_hot(bases_BL), filters_F4M, self.bias, padding="same")


class MotifCnn(ConvolutionalModel):
    """What is computed of a sequence does not depend on what else is in its batch."""

    taught = ("whole_logits", "placed_logits")

    def __init__(self, config: MotifCnnConfig) -> None:
        super().__init__(config, config.hidden, config.dropout)
        self.config = config
        self.motifs = MotifFilters(config.width, config.motif)
        self.convolution = nn.Conv1d(config.width, config.hidden, config.window, padding="same")
        self.norm = nn.LayerNorm(config.hidden)
        self.contract = nn.Linear(config.hidden, config.hidden)
        self.contract_placed = nn.Linear((config.cells + 1) * config.hidden, config.hidden)
        self.initialise(self.convolution, self.contract, self.contract_placed)

    @view
    def motif_scores(self, bases: Tensor) -> Tensor:
        """(B, F, L): how well each motif fits about each base."""
        scores_BFL: Tensor = self.motifs(bases)
        return scores_BFL

    @view
    def channels(self, motif_scores: Tensor, bases: Tensor) -> Tokens:
        """(B, P, D), 0 at parts that are none."""
        pool = self.config.pool
        real_B1L = (bases != PADDED)[:, None].float()
        if not bool(real_B1L.all()):  # a copy of the largest tensor here, where something is padded
            motif_scores = motif_scores.masked_fill(real_B1L == 0, -torch.inf)  # which the exponential makes nothing
        highest_BFP, real_B1P = (nnf.max_pool1d(value, pool, ceil_mode=True) for value in (motif_scores, real_B1L))
        loud_BFP = highest_BFP.clamp(max=_LOUDEST).exp()
        placed_FP = places(bases.shape[1], self.config.width, bases.device)[::pool].mT
        heard_BFP = self.dropout(loud_BFP) + self.placed * placed_FP * real_B1P
        x_BPD = self.norm(self.convolution(heard_BFP).mT).relu()
        return Tokens(x_BPD * real_B1P.mT, real_B1P[:, 0] > 0)

    @view
    def sequence(self, channels: Tokens) -> Tensor:
        """(B, D): the highest of each channel."""
        return channels.states_BTD.amax(1)

    @view
    def cells(self, channels: Tokens) -> Tensor:
        """(B, C, D): the highest of each channel in each cell."""
        return highest_of_cells(channels, self.config.cells)

    @view
    def whole_logits(self, sequence: Tensor) -> Tensor:
        """(B, K), wherever motifs stand."""
        return self.logits_through(self.contract, sequence)

    @view
    def placed_logits(self, sequence: Tensor, cells: Tensor) -> Tensor:
        """(B, K), by where motifs stand, too."""
        return self.logits_through(self.contract_placed, torch.cat([sequence, cells.flatten(1)], 1))

    @view
    def strand_logits(self, whole_logits: Tensor, placed_logits: Tensor) -> Tensor:
        """(B, K)."""
        return mean_opinion(whole_logits, placed_logits)
