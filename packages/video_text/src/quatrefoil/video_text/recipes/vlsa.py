"""VLSA's objectives (arXiv 2405.07202, sections 3.2 and 3.3)."""

from collections.abc import Mapping

from quatrefoil.core.objectives import (
    EvenMatching,
    MaskedPatches,
    MaskedTokens,
    Objective,
    PresentContrastive,
)

GLOBAL_WEIGHT = 5.0
"""Lambda of the paper's equation 8."""
CONTRAST_WEIGHT = 2 * GLOBAL_WEIGHT
"""The paper sums the two directions of contrast (equation 7), of which ours is the mean."""

LOCAL: Mapping[str, Objective] = {
    "masked_video": MaskedPatches("video_hidden", "video_hidden_target"),
    "masked_text": MaskedTokens("text_token_logits", "text_labels"),
    "masked_audio": MaskedPatches("audio_hidden", "audio_hidden_target", present="audio_present"),
}
"""Local-patch masked modelling."""


def _global(a: str, b: str, present: str) -> Mapping[str, Objective]:
    """Global matching of two modalities, among the clips that have both."""
    one, other, pair = f"{a}_global", f"{b}_global", f"{a}_{b}"
    return {
        f"{pair}_contrast": PresentContrastive(one, other, present=present, weight=CONTRAST_WEIGHT),
        f"{pair}_match": EvenMatching(
            one,
            other,
            f"match_{pair}",
            swap_a=(one,),
            swap_b=(other,),
            scale="no_preference",
            present=present,
            weight=GLOBAL_WEIGHT,
        ),
    }


GLOBAL: Mapping[str, Objective] = {
    **_global("audio", "video", "audio_present"),
    **_global("audio", "text", "audio_text_present"),
}
"""Global audio matching: no term compares video with text."""
PRETRAINING: Mapping[str, Objective] = {**LOCAL, **GLOBAL}

VIDEO_TEXT: Mapping[str, Objective] = _global("video", "text", "text_present")
COMPARISON: Mapping[str, Objective] = {**LOCAL, **VIDEO_TEXT}
"""What the paper compares with: video-text contrast and matching in place of global audio matching."""

TUNE_TEXT_VIDEO: Mapping[str, Objective] = {"contrast": PresentContrastive("text", "video", present="text_present")}
"""Fine-tuning (our choice, the paper names no loss): contrast of whole modalities, nothing hidden."""
TUNE_TEXT_AUDIO: Mapping[str, Objective] = {
    "contrast": PresentContrastive("text", "audio", present="audio_text_present")
}
TUNE_AUDIO_VIDEO: Mapping[str, Objective] = {"contrast": PresentContrastive("audio", "video", present="audio_present")}
