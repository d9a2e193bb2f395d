"""Buffers that data set once, and that other data must not change: weights were trained with them."""

from collections.abc import Sequence

import torch
from torch import Tensor


def set_once(buffers: Sequence[Tensor], given: Sequence[Tensor], *, known: bool, rtol: float, refusal: str) -> None:
    """Copy what is given into the buffers.

    Args:
        known: the buffers were set before.
        rtol: how far, relative to what is known, the same may lie apart.
        refusal: the words of the error.

    Raises:
        ValueError: something else is known already.
    """
    if known and not all(torch.allclose(a, b, rtol=rtol) for a, b in zip(buffers, given, strict=True)):
        raise ValueError(refusal)
    for buffer, values in zip(buffers, given, strict=True):
        buffer.copy_(values)
