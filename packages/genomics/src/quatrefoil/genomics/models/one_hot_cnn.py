"""The baseline that any pre-training has to beat: convolutions over bases (issue: about as large as the transformer).

    bases -> one-hot -> convolution, places added -> (highest of each two -> convolution) x 2 -> highest of each channel
          -> logits

No norms: those over channels hid how well a motif fits and learnt two times slower, those over a batch would make a
result depend on the number of processes.

Legend: B sequences, L bases, D width.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.views import view
from quatrefoil.genomics.models.bases import one_hot, places
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.sequence.codes import PADDED

_POOL: Final = 2
_PLACED: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class OneHotCnnConfig(ClassifierConfig):
    """Sizes.

    Args:
        width: number of channels; even.
        motif: bases that the first convolution sees at once; odd.
        windows: places that each later one sees, each of twice as many bases as before; odd.
        hidden: channels of the layer before the classes.
        dropout: of the code, in training.
    """

    width: int = 128
    motif: int = 15
    windows: tuple[int, ...] = (7, 5)
    hidden: int = 64
    dropout: float = 0.3

    def __post_init__(self) -> None:
        refuse_sizes(self, self.width, self.motif, *self.windows)

    @property
    def model_type(self) -> type["OneHotCnn"]:
        return OneHotCnn


def refuse_sizes(config: ClassifierConfig, width: int, *windows: int) -> None:
    """Raise `ValueError` for an odd width, which places do not fit, or a window without a middle."""
    if any(window < 1 or window % 2 == 0 for window in windows) or width % 2:
        raise ValueError(f"model needs odd windows and an even width: {config}")


class ConvolutionalModel(SequenceModel):
    """Convolutions that are told places, and a hidden layer between a code and the classes."""

    def __init__(self, config: ClassifierConfig, hidden: int, dropout: float) -> None:
        super().__init__(config, hidden)
        # A start at 1 hides from the other channels what a motif is; where places tell nothing, they stay quiet.
        self.placed = nn.Parameter(torch.tensor(_PLACED))
        self.dropout = nn.Dropout(dropout)

    @staticmethod
    def initialise(*parts: nn.Conv1d | nn.Linear) -> None:
        """He's start, for what a rectifier follows."""
        for part in parts:
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            assert part.bias is not None
            nn.init.zeros_(part.bias)

    def logits_through(self, contract: nn.Linear, code_BH: Tensor) -> Tensor:
        """(B, K), of a code (B, H) as wide as `contract` reads."""
        return self.logits_of(self.dropout(contract(self.dropout(code_BH)).relu()))


class OneHotCnn(ConvolutionalModel):
    """What is computed of a sequence does not depend on what else is in its batch."""

    def __init__(self, config: OneHotCnnConfig) -> None:
        super().__init__(config, config.hidden, config.dropout)
        self.config, width = config, config.width
        self.motifs = nn.Conv1d(4, width, config.motif, padding="same")
        convolutions = [nn.Conv1d(width, width, n, padding="same") for n in config.windows]
        self.convolutions = nn.ModuleList(convolutions)
        self.contract = nn.Linear(self.heard, config.hidden)
        self.initialise(self.motifs, *convolutions, self.contract)

    @property
    def heard(self) -> int:
        """Numbers that the classes are told from."""
        return self.config.width

    @view
    def sequence(self, bases: Tensor) -> Tensor:
        """(B, D): the highest of each channel."""
        return self.channels(bases)[0].amax(2)

    @view
    def strand_logits(self, sequence: Tensor) -> Tensor:
        """(B, K)."""
        return self.logits_through(self.contract, sequence)

    def channels(self, bases: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, L'), 0 at places that are none, and which ones are (B, 1, L')."""
        real_B1L = (bases != PADDED)[:, None].float()
        placed_DL = places(bases.shape[1], self.config.width, bases.device).mT
        x_BDL: Tensor = (self.motifs(one_hot(bases)) + self.placed * placed_DL).relu() * real_B1L
        for convolution in self.convolutions:
            x_BDL, real_B1L = (nnf.max_pool1d(value, _POOL, ceil_mode=True) for value in (x_BDL, real_B1L))
            x_BDL = convolution(x_BDL).relu() * real_B1L
        return x_BDL, real_B1L
