"""Losses: plain functions on tensors. The mean over ranks of each result is its value on the global batch."""

from quatrefoil.core.losses.classification import ClassificationResult, classification
from quatrefoil.core.losses.common import GradientScale, LossResult
from quatrefoil.core.losses.contrastive import ContrastiveResult, contrastive
from quatrefoil.core.losses.exclusive import ExclusiveResult, exclusive_contrastive
from quatrefoil.core.losses.masked import IGNORE, MaskedTokensResult, masked_tokens
from quatrefoil.core.losses.matching import HardNegatives, MatchingResult, hard_negatives, matching
from quatrefoil.core.losses.patches import masked_patches
from quatrefoil.core.losses.ranking import RankingResult, ranking

__all__ = [
    "IGNORE",
    "ClassificationResult",
    "ContrastiveResult",
    "ExclusiveResult",
    "GradientScale",
    "HardNegatives",
    "LossResult",
    "MaskedTokensResult",
    "MatchingResult",
    "RankingResult",
    "classification",
    "contrastive",
    "exclusive_contrastive",
    "hard_negatives",
    "masked_patches",
    "masked_tokens",
    "matching",
    "ranking",
]
