"""Clover on Stage: pre-training, retrieval and questions."""

from collections.abc import Mapping
from dataclasses import replace

from quatrefoil.core.evaluation.tasks import Retrieval, Side
from quatrefoil.core.objectives import ExclusiveContrastive, FocalMaskedTokens, Objective, Ranking
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.video_text.datasets.masks import CellsMaker, Masks
from quatrefoil.video_text.datasets.stage.data import CloverStageData
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.models.clover_sizes import small_clover

SCALE = 1 / 0.05
MARGIN = 5.0
PRETRAIN: Mapping[str, Objective] = {
    "mlm": FocalMaskedTokens("text_token_logits", "text_labels", gamma=2.0),
    "tma_video": ExclusiveContrastive("video", ("text", "text_masked", "fused_masked_video"), SCALE),
    "tma_text": ExclusiveContrastive("text", ("video", "video_masked", "fused_masked_text"), SCALE),
    "rank_text": Ranking("video", "text", "text_masked", SCALE, MARGIN, weights="text_has_mask"),
    "rank_video": Ranking("text", "video", "video_masked", SCALE, MARGIN),
}
RETRIEVAL = {"retrieval": Retrieval(many=Side("text", "caption"), one=Side("video", "clip"))}
SELECT = "text-to-video/R@1"
SMALL = small_clover(vocab_size=1024)
STAGE = CloverStageData(
    frames=FrameSampling("segments", 8),
    transform=FrameTransform(96, scale=(1.0, 1.0), ratio=(1.0, 1.0)),
    unit="clip",
    text_length=48,
    mask_rate=0.3,
    masks=Masks(cells=CellsMaker((6, 6))),
    cache_frames=True,
)


def stage_pretrain() -> Recipe:
    """Clover, small, on the embedded benchmark: minutes on two CPU cores."""
    return Recipe(
        model=SMALL,
        data=STAGE,
        objectives=PRETRAIN,
        train=TrainConfig(
            steps=300,
            batch_size=32,
            optimizer=OptimizerConfig(lr=5e-4, weight_decay=0.05, betas=(0.9, 0.98)),
            evaluate_every=100,
            checkpoint_every=100,
            select=SELECT,
        ),
        evaluate=RETRIEVAL,
    )
