"""Encoders of the matrix of motifs and regions: one code for a window of peaks; and what they are given beside it.

Which one GeneBERT's paper has, beyond a Swin, could not be read; the sizes and the two alternatives are our choice.

Legend: B rows, M motifs (rows of the matrix), R regions (columns), D width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.swin import SwinConfig, SwinOutput
from quatrefoil.core.nn.transformer import FeedForward, TransformerConfig, initialise
from quatrefoil.core.views import Tokens
from quatrefoil.genomics.models.set_once import set_once


@dataclass(frozen=True, kw_only=True)
class SwinRegions:
    """The matrix as a picture of one channel: motifs in the order of their similarity, regions in that of the genome.

    Args:
        grid: sides to which the matrix is padded, (motifs, regions). 288 x 288 with patch 4 and window 9 needs no
            padding inside of Swin-T.
        swin: over two axes, one channel.
        named_rows: add a learned embedding of its motifs to each row of patches. A Swin knows offsets and no places, as
            pictures want it; without names its mean cannot tell which motifs were hit (our choice).

    Raises:
        ValueError: a Swin of other axes or channels.
    """

    grid: tuple[int, int]
    swin: SwinConfig
    named_rows: bool = True

    def __post_init__(self) -> None:
        if self.swin.in_channels != 1 or len(self.swin.patch) != 2:
            raise ValueError(f"the matrix has two axes and one channel; this Swin has another shape: {self.swin}")

    @property
    def width(self) -> int:
        return self.swin.widths[-1]

    @property
    def rows(self) -> int:
        """The most motifs."""
        return self.grid[0]

    def check(self, motifs: int, regions: int) -> None:
        """Raise `ValueError` for a matrix larger than the grid."""
        rows, columns = self.grid
        if motifs > rows or regions > columns:
            raise ValueError(
                f"{motifs} motifs x {regions} regions exceed the grid of {rows} x {columns}; set "
                f"model.regions.grid=[{max(motifs, rows)},{max(regions, columns)}]"
            )

    def build(self) -> "SwinEncoder":
        return SwinEncoder(self)


@dataclass(frozen=True, kw_only=True)
class _EachRegion:
    """An encoder that maps the column of each region.

    Args:
        motifs: M.
    """

    motifs: int

    @property
    def rows(self) -> int:
        """M."""
        return self.motifs

    def check(self, motifs: int, regions: int) -> None:
        """Raise `ValueError` for another number of motifs; any number of regions will do."""
        if motifs != self.motifs:
            raise ValueError(f"{motifs} motifs, the encoder of regions reads {self.motifs}; set model.regions.motifs")


@dataclass(frozen=True, kw_only=True)
class TransformerRegions(_EachRegion):
    """Every region a token, in no order: a linear map of its column, then a transformer (GET, Fu et al. 2025).

    Args:
        transformer: pre-norm.
    """

    transformer: TransformerConfig

    @property
    def width(self) -> int:
        return self.transformer.width

    def build(self) -> "TransformerEncoder":
        return TransformerEncoder(self)


@dataclass(frozen=True, kw_only=True)
class DeepSetsRegions(_EachRegion):
    """Regions that do not see each other: an MLP of each column, their mean, an MLP of that (Zaheer et al. 2017).

    Args:
        set_width: D.
    """

    set_width: int

    @property
    def width(self) -> int:
        return self.set_width

    def build(self) -> "DeepSetsEncoder":
        return DeepSetsEncoder(self)


RegionsConfig: TypeAlias = SwinRegions | TransformerRegions | DeepSetsRegions


class SwinEncoder(nn.Module):
    """Mean of the real tokens of the last stage."""

    def __init__(self, config: SwinRegions) -> None:
        super().__init__()
        self.config, self.swin = config, config.swin.build()
        side, patch, step = config.grid[0], config.swin.patch[0], config.swin.step[0]
        rows = (-(-side // patch) - 1) * patch // step + 1
        self.row_names = nn.Embedding(rows, config.swin.width) if config.named_rows else None
        if self.row_names is not None:
            initialise(self.row_names, embedding_std=1.0)  # as large as normed patches

    def forward(self, matrix_BMR: Tensor, real_BR: Tensor) -> Tensor:
        """Codes (B, D).

        Args:
            real_BR: boolean, True = a peak; what the other columns hold changes nothing. Each row has a peak.

        Raises:
            ValueError: a matrix larger than the grid.
        """
        return self.states(matrix_BMR, real_BR).pooled()

    def states(self, matrix_BMR: Tensor, real_BR: Tensor, hidden_BGC: Tensor | None = None) -> SwinOutput:
        """Tokens of the last stage.

        Args:
            hidden_BGC: boolean, True = cells for which the mask token stands (see `Swin.forward`).
        """
        matrix_BMR, real_BMR = self.padded(matrix_BMR, real_BR)
        names = None if self.row_names is None else self.row_names.weight[:, None]
        states: SwinOutput = self.swin(matrix_BMR[:, None], real_BS=real_BMR, masked=hidden_BGC, places_GD=names)
        return states

    def padded(self, matrix_BMR: Tensor, real_BR: Tensor) -> tuple[Tensor, Tensor]:
        """Matrix and mask on the whole grid."""
        (rows, columns), (motifs, regions) = self.config.grid, matrix_BMR.shape[1:]
        self.config.check(motifs, regions)
        padding = (0, columns - regions, 0, rows - motifs)
        real_BMR = real_BR[:, None].expand(-1, motifs, -1)
        return nnf.pad(matrix_BMR, padding), nnf.pad(real_BMR, padding)


class TransformerEncoder(nn.Module):
    """Mean of the regions' last states."""

    def __init__(self, config: TransformerRegions) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.motifs, config.width)
        self.norm = nn.LayerNorm(config.width)  # pre-norm blocks end without one
        initialise(self)
        self.transformer = config.transformer.build()

    def forward(self, matrix_BMR: Tensor, real_BR: Tensor) -> Tensor:
        """Codes (B, D); see `SwinEncoder.forward`. Raises ValueError for another number of motifs."""
        tokens_BRD = self.embed(_columns(matrix_BMR, real_BR, self.config))
        return Tokens(self.norm(self.transformer(tokens_BRD, mask_BT=real_BR)), real_BR).mean()


class DeepSetsEncoder(nn.Module):
    """The mean of the regions in between is all that they share."""

    def __init__(self, config: DeepSetsRegions) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.embed = nn.Linear(config.motifs, width)
        self.each, self.all = (FeedForward(width, 4 * width, "gelu") for _ in range(2))
        self.norm = nn.LayerNorm(width)
        initialise(self)

    def forward(self, matrix_BMR: Tensor, real_BR: Tensor) -> Tensor:
        """Codes (B, D); see `SwinEncoder.forward`. Raises ValueError for another number of motifs."""
        states_BRD = self.each(nnf.gelu(self.embed(_columns(matrix_BMR, real_BR, self.config))))
        code_BD: Tensor = self.all(self.norm(Tokens(states_BRD, real_BR).mean()))
        return code_BD


_LEAST_DEVIATION = 0.02


class Enrichment(nn.Module):
    """How much more than usual each motif is hit in a window, as a code (our choice).

    A row's mean over the regions, less its usual value, in units of the deviation that chance gives to such a mean.
    What tells one cell type from another is a few percent of such means, which are else the same everywhere: an encoder
    of the plain values finds it late.
    """

    mean_M: Tensor
    deviation_M: Tensor

    def __init__(self, motifs: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean_M", torch.zeros(motifs))
        self.register_buffer("deviation_M", torch.ones(motifs))
        self.embed = nn.Linear(motifs, width)
        initialise(self)

    def set_usual(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        """What is usual, for as many rows as there are motifs.

        A row that was never hit has no deviation, and counts by its value; one that was hardly ever hit deviates by
        `_LEAST_DEVIATION`, or a single hit would drown all else.

        Raises:
            ValueError: something else is known already: weights that were trained on it are not to be read by this.
        """
        given = torch.zeros_like(self.mean_M), torch.ones_like(self.deviation_M)
        given[0][: len(mean)] = torch.tensor(mean)
        given[1][: len(mean)] = torch.tensor([max(each, _LEAST_DEVIATION) if each else 1.0 for each in deviation])
        set_once(
            (self.mean_M, self.deviation_M),
            given,
            known=bool(self.mean_M.any()),
            rtol=1e-4,
            refusal="the model was trained on a matrix in which other hits are usual; read one that is built with the "
            "same motifs, training chromosomes and cell types (name new ones in `quatrefoil matrix --held-out`)",
        )

    def forward(self, matrix_BMR: Tensor, real_BR: Tensor) -> Tensor:
        """(B, width); see `SwinEncoder.forward`."""
        regions_B1 = real_BR.sum(1, keepdim=True)
        mean_BM = matrix_BMR.masked_fill(~real_BR[:, None], 0.0).sum(2) / regions_B1
        unusual_BM = self.standardised(mean_BM) * regions_B1.sqrt()
        code_BD: Tensor = self.embed(nnf.pad(unusual_BM, (0, len(self.mean_M) - unusual_BM.shape[1])))
        return code_BD

    def standardised(self, values_BM: Tensor) -> Tensor:
        """Values less what is usual, in units of the deviation of one region."""
        rows = values_BM.shape[1]
        return (values_BM - self.mean_M[:rows]) / self.deviation_M[:rows]


def _columns(matrix_BMR: Tensor, real_BR: Tensor, config: _EachRegion) -> Tensor:
    """(B, R, M), zero where there is no peak: what padding holds, NaN too, must not reach a mean."""
    config.check(*matrix_BMR.shape[1:])
    return torch.where(real_BR[..., None], matrix_BMR.mT, 0.0)
