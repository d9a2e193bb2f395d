"""Objectives: a loss bound to the views it reads. A recipe is a list of them; an ablation is a change to that list."""

from quatrefoil.core.objectives.classes import Classification, PairClassification
from quatrefoil.core.objectives.contrast import Contrastive, ExclusiveContrastive, Ranking, Scale
from quatrefoil.core.objectives.kinds import MatchingOfKinds, NegativeKind
from quatrefoil.core.objectives.masked import FocalMaskedTokens, MaskedPatches, MaskedTokens
from quatrefoil.core.objectives.matching import Matching
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.objectives.partial import (
    EvenMatching,
    PresentContrastive,
    PresentExclusiveContrastive,
    PresentMatching,
)
from quatrefoil.core.objectives.step import Step

__all__ = [
    "Classification",
    "Contrastive",
    "EvenMatching",
    "ExclusiveContrastive",
    "FocalMaskedTokens",
    "MaskedPatches",
    "MaskedTokens",
    "Matching",
    "MatchingOfKinds",
    "NegativeKind",
    "Objective",
    "PairClassification",
    "PresentContrastive",
    "PresentExclusiveContrastive",
    "PresentMatching",
    "Ranking",
    "Scale",
    "Step",
    "StepKey",
]
