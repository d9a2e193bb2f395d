"""Clover in sizes for CPUs (our choice)."""

from quatrefoil.core.nn.bert import BertConfig, bert_transformer
from quatrefoil.core.nn.swin import SwinConfig
from quatrefoil.video_text.models.clover import CloverConfig
from quatrefoil.video_text.models.clover_fusion import FusionConfig
from quatrefoil.video_text.models.clover_heads import HeadWidths


def small_clover(vocab_size: int, *, image_size: int = 96, patch_size: int = 8, width: int = 128) -> CloverConfig:
    """Clover with a two-stage Video Swin, two layers of text and two of fusion, on clips of up to 8 frames.

    Args:
        patch_size: side of a patch in pixels; a place of the fusion encoder is twice as wide.
        width: of text, fusion and the shared space, and of the video encoder's last stage.
    """
    blocks = bert_transformer(width, 2, 4)
    video = SwinConfig(
        in_channels=3,
        patch=(2, patch_size, patch_size),
        width=width // 2,
        depths=(2, 2),
        heads=(2, 4),
        window=(4, 6, 6),
        merged=(1, 2),
        mask_token=True,
    )
    return CloverConfig(
        video=video,
        text=BertConfig(vocab_size=vocab_size, max_positions=64, transformer=blocks),
        fusion=FusionConfig(transformer=blocks),
        heads=HeadWidths(video=2 * width, text=width, fused_video=2 * width, fused_text=width),
        image_size=image_size,
        projection=width,
    )
