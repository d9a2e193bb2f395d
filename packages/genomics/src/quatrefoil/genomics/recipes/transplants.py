"""Objectives of other papers on GeneBERT's pre-training: Clover's, VLSA's and TABLE's, and plain contrast as a control.

Each adds to GeneBERT's own three tasks, in as many steps. Not of the paper, and not tuned: margin and scale of ranking
are Clover's, the share of hidden cells VLSA's.
"""

from collections.abc import Mapping
from dataclasses import replace

from quatrefoil.core.objectives import (
    MaskedPatches,
    Objective,
    PresentContrastive,
    PresentExclusiveContrastive,
    Ranking,
)
from quatrefoil.core.recipes import Recipe
from quatrefoil.genomics.datasets.pretraining.config import HiddenCells
from quatrefoil.genomics.models.genebert_aligned import AlignedGeneBertConfig
from quatrefoil.genomics.models.genebert_restoring import RestoringGeneBertConfig
from quatrefoil.genomics.models.genebert_tagged import TaggedGeneBertConfig
from quatrefoil.genomics.recipes.genebert import (
    ALL,
    REGULOME,
    REGULOME_MOTIFS,
    SMALL_SWIN,
    regulome_parts,
    regulome_pretrain,
)

SCALE, MARGIN = 1 / 0.05, 5.0
"""Clover's ranking: 0.25 of cosine."""
CONTRAST: Mapping[str, Objective] = {
    # The sum of both directions, as the exclusive contrast is one.
    "contrast": PresentContrastive("sequence_code", "regions_code", present="own_regions", weight=2.0),
}
EXCLUSIVE: Mapping[str, Objective] = {
    "exclusive": PresentExclusiveContrastive(
        "regions_code", ("sequence_code", "masked_sequence_code"), "logit_scale", present="own_regions"
    ),
}
RANKING: Mapping[str, Objective] = {
    "rank_sequence": Ranking(
        "regions_code", "sequence_code", "masked_sequence_code", SCALE, MARGIN, weights="worse_if_masked"
    ),
}
RESTORING: Mapping[str, Objective] = {
    "masked_regions": MaskedPatches("hidden_regions", "hidden_regions_target", normalised=True),
}
MASKED_SWIN = replace(SMALL_SWIN, swin=replace(SMALL_SWIN.swin, mask_token=True))
CELLS = HiddenCells(grid=(8, 4))  # the tokens of the small Swin's last stage


def _aligned(objectives: Mapping[str, Objective]) -> Recipe:
    return replace(
        regulome_pretrain(), model=AlignedGeneBertConfig(**regulome_parts()), objectives={**ALL, **objectives}
    )


def regulome_contrast() -> Recipe:
    """GeneBERT with plain contrast of sequences and their regions."""
    return _aligned(CONTRAST)


def regulome_exclusive() -> Recipe:
    """GeneBERT with Clover's exclusive contrast of regions, sequence and masked sequence."""
    return _aligned(EXCLUSIVE)


def regulome_exclusive_ranking() -> Recipe:
    """GeneBERT with Clover's exclusive contrast, and its ranking of a sequence before its masked copy."""
    return _aligned({**EXCLUSIVE, **RANKING})


def regulome_restoring() -> Recipe:
    """GeneBERT with VLSA's masked patches on the matrix of motifs and regions."""
    return replace(
        regulome_pretrain(),
        model=RestoringGeneBertConfig(**{**regulome_parts(), "regions": MASKED_SWIN}),
        data=replace(REGULOME, hidden=CELLS),
        objectives={**ALL, **RESTORING},
    )


def regulome_tagged() -> Recipe:
    """GeneBERT with TABLE's guidance of the regions by tags, the names of the motifs that are hit in them."""
    return replace(regulome_pretrain(), model=TaggedGeneBertConfig(**regulome_parts(), motifs=REGULOME_MOTIFS))
