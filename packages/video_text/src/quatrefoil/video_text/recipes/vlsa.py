"""VLSA's objectives (arXiv 2405.07202, sections 3.2 and 3.3)."""

from collections.abc import Mapping

from quatrefoil.core.objectives import (
    Contrastive,
    MaskedPatches,
    MaskedTokens,
    Matching,
    Objective,
    PresentContrastive,
    PresentMatching,
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


def _audio_with(other: str) -> Mapping[str, Objective]:
    """Global matching of audio with another modality, among the clips that have sound."""
    audio, code = "audio_global", f"{other}_global"
    return {
        f"audio_{other}_contrast": PresentContrastive(audio, code, present="audio_present", weight=CONTRAST_WEIGHT),
        f"audio_{other}_match": PresentMatching(
            audio,
            code,
            f"match_audio_{other}",
            swap_a=(audio,),
            swap_b=(code,),
            scale="no_preference",
            present="audio_present",
            weight=GLOBAL_WEIGHT,
        ),
    }


GLOBAL: Mapping[str, Objective] = {**_audio_with("video"), **_audio_with("text")}
"""Global audio matching: no term compares video with text."""
PRETRAINING: Mapping[str, Objective] = {**LOCAL, **GLOBAL}

VIDEO_TEXT: Mapping[str, Objective] = {
    "video_text_contrast": Contrastive("video_global", "text_global", weight=CONTRAST_WEIGHT),
    "video_text_match": Matching(
        "video_global",
        "text_global",
        "match_video_text",
        swap_a=("video_global",),
        swap_b=("text_global",),
        scale="no_preference",
        weight=GLOBAL_WEIGHT,
    ),
}
COMPARISON: Mapping[str, Objective] = {**LOCAL, **VIDEO_TEXT}
"""What the paper compares with: video-text contrast and matching in place of global audio matching."""

TUNE_TEXT_VIDEO: Mapping[str, Objective] = {"contrast": Contrastive("text", "video")}
"""Fine-tuning (our choice, the paper names no loss): contrast of whole modalities, nothing hidden."""
TUNE_TEXT_AUDIO: Mapping[str, Objective] = {"contrast": PresentContrastive("text", "audio", present="audio_present")}
TUNE_AUDIO_VIDEO: Mapping[str, Objective] = {"contrast": PresentContrastive("audio", "video", present="audio_present")}
