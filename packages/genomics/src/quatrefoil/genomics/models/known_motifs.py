"""Which known motifs are hit in a sequence, as a code beside that of its encoder (our choice).

    ids of k-mers -> bases -> score of each motif at each place, on both strands -> hit or not -> the best place

The matrix of regions is made of hits of these motifs. An encoder that is trained for minutes finds none of them by
itself, and a sequence whose motifs are not known cannot be matched with regions of which nothing else is known. So the
motifs that made the matrix read the sequence, too, as fixed filters (DanQ-JASPAR, Quang & Xie 2016, starts from such).

Legend: B rows, L tokens, M motifs, W bases of the longest motif, D width.
"""

from typing import Final

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.genomics.models.bases import base_codes
from quatrefoil.genomics.regions.pvalues import UNITS_PER_BIT
from quatrefoil.genomics.sequence.codes import UNKNOWN

_STRANDS: Final = 2
_NEVER: Final = -1000.0  # bits of an unknown base: no motif lies over one, as in the scan


class KnownMotifs(nn.Module):
    """The motifs come from the data that the model is trained on; without them their code is refused.

    Args:
        motifs: the most motifs.
        longest: the most bases of one.
        k: length of the k-mers that are read.
        width: D.
    """

    bits_M5W: Tensor
    threshold_M: Tensor
    p_value: Tensor

    def __init__(self, motifs: int, longest: int, k: int, width: int) -> None:
        super().__init__()
        self.k = k
        self.register_buffer("bits_M5W", torch.zeros(motifs, 5, longest))
        self.register_buffer("threshold_M", torch.ones(motifs))
        self.register_buffer("p_value", torch.zeros(()))
        # Torch's own start: with that of a transformer the code would begin a tenth as long as the encoder's.
        self.embed = nn.Sequential(nn.Linear(motifs, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def set_motifs(self, weights: list[list[list[int]]], threshold: list[int], p_value: float) -> None:
        """The motifs as `regions.scan.MotifTables` has them.

        Raises:
            ValueError: more or longer ones than there is room for, or others than are known already: weights that were
                trained with these are not to be read with others.
        """
        bits_MW4 = torch.tensor(weights) / UNITS_PER_BIT
        motifs, longest, _ = bits_MW4.shape
        most, room = len(self.bits_M5W), self.bits_M5W.shape[2]
        if motifs > most or longest > room:
            raise ValueError(
                f"the data have {motifs} motifs of at most {longest} bases, the model has room for {most} of {room}; "
                f"set model.known_motifs={longest}"
            )
        given = torch.zeros_like(self.bits_M5W), torch.ones_like(self.threshold_M), torch.tensor(p_value)
        given[0][:motifs, :4, :longest] = bits_MW4.mT
        given[0][:motifs, 4, :longest] = bits_MW4.any(2) * _NEVER
        given[1][:motifs] = torch.tensor(threshold) / UNITS_PER_BIT
        known = self.bits_M5W, self.threshold_M, self.p_value
        if self.p_value > 0 and not all(torch.allclose(a, b) for a, b in zip(known, given, strict=True)):
            raise ValueError("the model was trained with other motifs; read a matrix that is built with the same file")
        for buffer, values in zip(known, given, strict=True):
            buffer.copy_(values)

    def forward(self, ids_BL: Tensor) -> Tensor:
        """(B, D). A motif counts by how far it is above the chance of a hit in so many bases.

        Raises:
            ValueError: no motif is known yet.
        """
        if not self.p_value > 0:
            raise ValueError(
                "no motif is known yet: train on a matrix that `quatrefoil matrix --motifs` made, or set "
                "model.known_motifs=null"
            )
        bases_B1 = (base_codes(ids_BL, self.k) >= 0).sum(1, keepdim=True)
        chance_B1 = 1 - (1 - self.p_value) ** (_STRANDS * bases_B1.clamp(min=1))
        beyond_BM = (self.hits(ids_BL) - chance_B1) / (chance_B1 * (1 - chance_B1)).sqrt()
        code_BD: Tensor = self.embed(torch.where(self.bits_M5W.any(2).any(1), beyond_BM, 0.0))
        return code_BD

    def hits(self, ids_BL: Tensor) -> Tensor:
        """(B, M): one half where the best place of a motif, on either strand, is just a hit; a bit more or less is 0.73
        or 0.27. No base is known where a token is no k-mer (a masked one, say), or of which only a later base is."""
        codes_BL = base_codes(ids_BL, self.k)
        around = self.bits_M5W.shape[2] - 1
        padded_BL = nnf.pad(codes_BL.masked_fill(codes_BL < 0, UNKNOWN), (around, around), value=UNKNOWN)
        given_B5L = nnf.one_hot(padded_BL, UNKNOWN + 1).mT.to(self.bits_M5W.dtype)
        other_strand = torch.cat([self.bits_M5W[:, :UNKNOWN].flip(1), self.bits_M5W[:, UNKNOWN:]], 1).flip(2)
        with torch.autocast(ids_BL.device.type, enabled=False):  # a threshold is exact to a thousandth of a bit
            scores_BSL = nnf.conv1d(given_B5L, torch.cat([self.bits_M5W, other_strand]))
        best_BM = scores_BSL.amax(2).view(len(ids_BL), _STRANDS, -1).amax(1)
        return torch.sigmoid(best_BM - self.threshold_M)
