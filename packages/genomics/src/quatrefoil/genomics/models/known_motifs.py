"""Which known motifs are hit in a sequence, as a code beside that of its encoder (our choice).

    ids of k-mers -> bases -> score of each motif at each place, on both strands -> hit or not -> best of each half

The matrix of regions is made of hits of these motifs. An encoder that is trained for minutes finds none of them by
itself, and a sequence whose motifs are not known cannot be matched with regions of which nothing else is known. So the
motifs that made the matrix read the sequence, too, as fixed filters (DanQ-JASPAR, Quang & Xie 2016, starts from such).

Legend: B rows, L tokens, M motifs, S = 2 x M motifs on either strand, W bases of the longest motif, D width.
"""

from typing import Final

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.genomics.models.bases import base_codes
from quatrefoil.genomics.models.set_once import set_once
from quatrefoil.genomics.regions.hits import UNITS_PER_BIT
from quatrefoil.genomics.sequence.codes import UNKNOWN

_STRANDS: Final = 2
_HALVES: Final = 2
_NEVER: Final = -1000.0  # bits of an unknown base: no motif lies over one, as in the scan
_LEAST_DEVIATION: Final = 0.01
_HALF_A_UNIT: Final = 0.5 / UNITS_PER_BIT


class KnownMotifs(nn.Module):
    """The motifs come from the data that the model is trained on; until they are set, the code says nothing.

    The halves of a window are read apart: in pre-training the second one may come from elsewhere.

    Args:
        motifs: the most motifs.
        longest: the most bases of one.
        k: length of the k-mers that are read.
        width: D.
    """

    bits_S5W: Tensor
    threshold_M: Tensor
    p_value: Tensor

    def __init__(self, motifs: int, longest: int, k: int, width: int) -> None:
        super().__init__()
        self.k = k
        self.register_buffer("bits_S5W", torch.zeros(_STRANDS * motifs, UNKNOWN + 1, longest))
        self.register_buffer("threshold_M", torch.ones(motifs))
        self.register_buffer("p_value", torch.zeros(()))
        # Torch's own start: with that of a transformer the code would begin a tenth as long as the encoder's.
        self.embed = nn.Sequential(nn.Linear(_HALVES * motifs, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def set_motifs(
        self, weights: list[list[list[int]]], widths: list[int], threshold: list[int], p_value: float
    ) -> None:
        """The motifs as `regions.scan.MotifTables` has them.

        Raises:
            ValueError: longer ones than there is room for, or others than are known already: weights that were trained
                with these are not to be read with others.
        """
        longest, room = max(widths), self.bits_S5W.shape[2]
        if longest > room:
            raise ValueError(
                f"the data have a motif of {longest} bases, the model has room for {room}; set "
                f"model.known_motifs={longest}"
            )
        given = torch.zeros_like(self.bits_S5W), torch.ones_like(self.threshold_M), torch.zeros_like(self.p_value)
        given[1][: len(widths)] = torch.tensor(threshold) / UNITS_PER_BIT
        given[2].fill_(p_value)
        both_2M5W = given[0].view(_STRANDS, -1, UNKNOWN + 1, room)
        for motif, (rows, width) in enumerate(zip(weights, widths, strict=True)):
            bits_4W = torch.tensor(rows[:width]).T / UNITS_PER_BIT
            both_2M5W[:, motif, :UNKNOWN, :width] = torch.stack([bits_4W, bits_4W.flip(0, 1)]).to(both_2M5W)
            both_2M5W[:, motif, UNKNOWN, :width] = _NEVER
        set_once(
            (self.bits_S5W, self.threshold_M, self.p_value),
            given,
            known=bool(self.p_value > 0),
            rtol=1e-5,
            refusal="the model was trained with other motifs; read a matrix that is built with the same file of "
            "motifs, --p-value and --background (the genome's own, where it was not given)",
        )

    def forward(self, ids_BL: Tensor, segments_BL: Tensor) -> Tensor:
        """(B, D). A motif counts by how far it is above the chance of a hit in so many bases.

        Args:
            ids_BL: of [CLS] A [SEP] B [SEP]; no base is known where a token is no k-mer (a masked one, say).
            segments_BL: 0 in A, 1 in B.
        """
        known_BL = base_codes(ids_BL, self.k) >= 0
        bases_B2 = torch.stack([(known_BL & (segments_BL == half)).sum(1) for half in range(_HALVES)], 1)
        chance_B21 = -torch.expm1(_STRANDS * bases_B2 * torch.log1p(-self.p_value))[..., None]
        deviation_B21 = (chance_B21 * (1 - chance_B21)).sqrt().clamp(min=_LEAST_DEVIATION)
        beyond_B2M = (self.hits(ids_BL, segments_BL) - chance_B21) / deviation_B21
        # Neither a motif that no word can hit, nor room that no motif takes.
        best_M = self.bits_S5W[: len(self.threshold_M), :UNKNOWN].amax(1).sum(1)
        heard_B2M = torch.where(best_M > self.threshold_M - _HALF_A_UNIT, beyond_B2M, 0.0)
        code_BD: Tensor = self.embed(heard_B2M.flatten(1))
        return code_BD

    def hits(self, ids_BL: Tensor, segments_BL: Tensor) -> Tensor:
        """(B, 2, M), for each half: 0.5 where the best place of a motif, on either strand, is just a hit; a bit more or
        less is 0.73 or 0.27. Scores are of fp32 (a GPU that is let multiply in TF32 is off by some thousandths)."""
        codes_BL = base_codes(ids_BL, self.k)
        beyond = self.bits_S5W.shape[2] - 1
        padded_BL = nnf.pad(codes_BL.masked_fill(codes_BL < 0, UNKNOWN), (0, beyond), value=UNKNOWN)
        given_B5L = nnf.one_hot(padded_BL, UNKNOWN + 1).mT.to(self.bits_S5W.dtype)
        with torch.autocast(ids_BL.device.type, enabled=False):
            scores_BSL = nnf.conv1d(given_B5L, self.bits_S5W)
        # No base is known at [SEP], so a motif that begins in a half ends in it.
        of_half = [scores_BSL.masked_fill((segments_BL != half)[:, None], _NEVER).amax(2) for half in range(_HALVES)]
        best_B2M = torch.stack(of_half, 1).view(len(ids_BL), _HALVES, _STRANDS, -1).amax(2)
        return torch.sigmoid(best_B2M - self.threshold_M)
