"""What models of labelled sequences make of bases.

Legend: B rows, L bases, W = L - k + 1 windows (k-mers), D width.
"""

import math
from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn

from quatrefoil.genomics.sequence.codes import PADDED, UNKNOWN, Codes
from quatrefoil.genomics.sequence.kmers import PAD, SPECIAL_TOKENS, UNK

_COMPLEMENT: Final = (3, 2, 1, 0, UNKNOWN, PADDED)
_CODE_OF_DIGIT: Final = (0, 3, 1, 2)
_DIGIT: Final = (0, 2, 3, 1, 0, 0)  # codes are in the order A C G T, k-mers are numbered in the order A T C G


def padded(rows: Iterable[Codes]) -> Tensor:
    """Codes of sequences as one batch (B, L), padded at the end."""
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PADDED)


def kmer_ids(bases_BL: Tensor, k: int, key: str = "model.k") -> Tensor:
    """Ids of the overlapping k-mers (B, W), as `KmerVocabulary`'s; `PAD` where a window reaches into the padding.

    Args:
        key: the setting that k is from.

    Raises:
        ValueError: a row with fewer than k bases; names the key.
    """
    if bases_BL.shape[1] < k or bool((bases_BL[:, k - 1] == PADDED).any()):
        raise ValueError(
            f"a sequence of fewer than {k} bases holds no {k}-mer, which {key} asks for; leave it out, or let {key} "
            f"ask for shorter ones"
        )
    digits_BL = torch.tensor(_DIGIT, device=bases_BL.device)[bases_BL.long()]
    windows_BWk = digits_BL.unfold(1, k, 1)
    # Powers of Python's: torch.compile prints none of whole-number tensors, nor of a k that it takes for variable.
    place_k = torch.tensor([4**place for place in reversed(range(k))], device=bases_BL.device)
    ids_BW = (windows_BWk * place_k).sum(2) + len(SPECIAL_TOKENS)
    worst_BW = bases_BL.unfold(1, k, 1).amax(2)
    ids_BW = ids_BW.masked_fill(worst_BW == UNKNOWN, UNK)
    return ids_BW.masked_fill(bases_BL[:, k - 1 :] == PADDED, PAD)


def base_codes(ids_BW: Tensor, k: int) -> Tensor:
    """The first base of each k-mer (B, W) by its id, A C G T = 0-3; -1 for tokens that are no k-mer."""
    digits_BW = (ids_BW - len(SPECIAL_TOKENS)).clamp(min=0) // 4 ** (k - 1)
    codes_BW = torch.tensor(_CODE_OF_DIGIT, device=ids_BW.device)[digits_BW]
    return codes_BW.masked_fill(ids_BW < len(SPECIAL_TOKENS), -1)


def other_strand(bases_BL: Tensor) -> Tensor:
    """The reverse complement of each row (B, L); padding stays at its end."""
    lengths_B1 = (bases_BL != PADDED).sum(1, keepdim=True)
    back_BL = lengths_B1 - 1 - torch.arange(bases_BL.shape[1], device=bases_BL.device)
    complement_BL = torch.tensor(_COMPLEMENT, dtype=bases_BL.dtype, device=bases_BL.device)[bases_BL.long()]
    return complement_BL.gather(1, back_BL % bases_BL.shape[1])


def one_hot(bases_BL: Tensor) -> Tensor:
    """(B, 4, L) of 0 and 1; an unknown base is a quarter of each, padding is nothing."""
    table = torch.cat([torch.eye(4), torch.full((1, 4), 0.25), torch.zeros(1, 4)]).to(bases_BL.device)
    return table[bases_BL.long()].mT


def places(length: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of each place (L, D), of wavelengths from 4 to 4,096 bases in a geometric row.

    A promoter's elements have their places before its start; a convolution alone would not know where it is.
    """
    rates = 2 * math.pi / torch.logspace(2, 12, width // 2, base=2, device=device)
    angles = torch.arange(length, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
