"""Losses: plain functions on tensors. The mean over ranks of each result is its value on the global batch."""

from quatrefoil.core.losses.common import LossResult
from quatrefoil.core.losses.contrastive import ContrastiveResult, contrastive
from quatrefoil.core.losses.masked import IGNORE, MaskedTokensResult, masked_tokens
from quatrefoil.core.losses.matching import HardNegatives, MatchingResult, hard_negatives, matching

__all__ = [
    "IGNORE",
    "ContrastiveResult",
    "HardNegatives",
    "LossResult",
    "MaskedTokensResult",
    "MatchingResult",
    "contrastive",
    "hard_negatives",
    "masked_tokens",
    "matching",
]
