"""Objectives of other papers on TABLE and VLSA: Clover's, GeneBERT's, and plain contrast as a control.

Not of the papers, and not tuned: margin and scale of ranking are Clover's; the weights are such that what is put in the
place of a loss weighs as much.
"""

from collections.abc import Mapping
from dataclasses import replace

from quatrefoil.core.objectives import (
    MatchingOfKinds,
    NegativeKind,
    Objective,
    PresentContrastive,
    PresentExclusiveContrastive,
    Ranking,
)
from quatrefoil.core.recipes import Recipe
from quatrefoil.video_text.recipes import table, vlsa_stage
from quatrefoil.video_text.recipes.clover import MARGIN, SCALE
from quatrefoil.video_text.recipes.vlsa import CONTRAST_WEIGHT, GLOBAL_WEIGHT, PRETRAINING

KINDS = (
    NegativeKind("any other text", swap=("text_tokens",), scale=0.0),
    NegativeKind("a text that is much like it", swap=("text_tokens",), scale="logit_scale"),
    NegativeKind("other tags", swap=("tag_tokens",), scale=0.0),
)
"""GeneBERT's three, carried over: regions of another place are any other text; those of the same cell type near by are
a text that the codes take for the right one; the same place in another cell type, the same frames under other tags."""

_POSITIVES = ("video", "text", "video_global", "text_global")
WHOLE: Mapping[str, Objective] = {
    # VLSA compares what is mostly hidden, exclusive contrast also what is whole, by which models are scored.
    "audio_video_contrast": PresentContrastive("audio", "video", present="audio_present", weight=CONTRAST_WEIGHT),
    "audio_text_contrast": PresentContrastive("audio", "text", present="audio_text_present", weight=CONTRAST_WEIGHT),
}
EXCLUSIVE: Mapping[str, Objective] = {
    # Each of the two contrasts has two directions; this has one from the audio for each positive, and one back.
    "exclusive": PresentExclusiveContrastive(
        "audio",
        _POSITIVES,
        "logit_scale",
        present="audio_text_present",
        weight=2 * CONTRAST_WEIGHT / (len(_POSITIVES) + 1),
    ),
}
RANKING: Mapping[str, Objective] = {
    "rank_text": Ranking(
        "audio", "text", "text_global", SCALE, MARGIN, weights="audio_and_masked_text", weight=GLOBAL_WEIGHT
    ),
    "rank_video": Ranking(
        "audio", "video", "video_global", SCALE, MARGIN, weights="audio_present", weight=GLOBAL_WEIGHT
    ),
}


def table_kinds() -> Recipe:
    """TABLE with GeneBERT's matching: negatives of three kinds in the place of hard ones."""
    recipe = table.stage()
    return replace(recipe, objectives={**recipe.objectives, "vtm": MatchingOfKinds("video", "text", "match", KINDS)})


def _vlsa(objectives: Mapping[str, Objective]) -> Recipe:
    return replace(vlsa_stage.stage_pretrain(), objectives=objectives)


def vlsa_contrast() -> Recipe:
    """VLSA with plain contrast of audio and video, and of audio and text, alone."""
    return _vlsa({name: PRETRAINING[name] for name in WHOLE})


def _in_place_of_contrasts(objectives: Mapping[str, Objective]) -> dict[str, Objective]:
    kept = {name: objective for name, objective in PRETRAINING.items() if name not in WHOLE}
    return {**kept, **objectives}


def vlsa_whole() -> Recipe:
    """VLSA with its two contrasts between whole sides: what exclusive contrast is to be compared with."""
    return _vlsa(_in_place_of_contrasts(WHOLE))


def vlsa_exclusive() -> Recipe:
    """VLSA with Clover's exclusive contrast in the place of its two: audio against whole and mostly hidden sides."""
    return _vlsa(_in_place_of_contrasts(EXCLUSIVE))


def vlsa_exclusive_ranking() -> Recipe:
    """VLSA with Clover's exclusive contrast, and its ranking of what is whole before what is mostly hidden."""
    return _vlsa(_in_place_of_contrasts({**EXCLUSIVE, **RANKING}))
