"""TABLE, its baselines and its ablations, on Stage, MSR-VTT and MSVD.

Full-size settings are CLIP4Clip's (github.com/ArrowLuo/CLIP4Clip), where the paper could not be read.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from quatrefoil.core.evaluation.tasks import Retrieval, Side
from quatrefoil.core.objectives import Contrastive, MaskedTokens, Matching, Objective
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.video_text.datasets.module import VideoTextData
from quatrefoil.video_text.datasets.stage.data import StageData
from quatrefoil.video_text.encoders.clip import (
    VIT_B_TEXT,
    ClipConfig,
    ClipTextConfig,
    ClipVisionConfig,
    clip_transformer,
)
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.models.brute_force import BruteForceConfig
from quatrefoil.video_text.models.table import TableConfig
from quatrefoil.video_text.models.two_tower import TwoTowerConfig
from quatrefoil.video_text.tags.selection import EXPERTS, TagSelection

CLIP = "openai/clip-vit-base-patch32"
VTC: Mapping[str, Objective] = {"vtc": Contrastive("video", "text")}
ALL: Mapping[str, Objective] = {
    **VTC,
    "vtm": Matching("video", "text", "match", swap_a=("guided",), swap_b=("text_tokens",)),
    "mlm": MaskedTokens("text_token_logits", "text_labels"),
}
RETRIEVAL = {"retrieval": Retrieval(many=Side("text", "caption"), one=Side("video", "clip"))}
SELECT = "text-to-video/R@1"


def small_towers(vocab_size: int, image_size: int = 96, patch_size: int = 24, width: int = 128) -> ClipConfig:
    """Towers that learn something within minutes on two cores, from random weights."""
    return ClipConfig(
        vision=ClipVisionConfig(
            image_size=image_size,
            patch_size=patch_size,
            projection=width,
            transformer=clip_transformer(width, 3, 4, activation="gelu_tanh"),
        ),
        text=ClipTextConfig(
            vocab_size=vocab_size,
            context_length=48,
            projection=width,
            end_of_text=2,
            transformer=clip_transformer(width, 2, 4, activation="gelu_tanh"),
        ),
    )


SMALL = small_towers(vocab_size=1024)
SMALL_TABLE = TableConfig(
    vision=SMALL.vision, text=SMALL.text, guide_layers=2, joint_layers=2, heads=4, max_frames=16, pooling="mean"
)
STAGE = StageData(
    frames=FrameSampling("segments", 4),
    transform=FrameTransform(96, scale=(1.0, 1.0), ratio=(1.0, 1.0)),  # a crop would cut off what captions speak of
    unit="clip",
    text_length=48,
    tag_length=6,
    tag_sentence_length=48,
    cache_frames=True,
)
FROM_SCRATCH = OptimizerConfig(lr=1e-3, weight_decay=0.1, betas=(0.9, 0.98))


def stage() -> Recipe:
    """TABLE, small, on the embedded benchmark: minutes on two CPU cores."""
    return Recipe(
        model=SMALL_TABLE,
        data=STAGE,
        objectives=ALL,
        train=TrainConfig(
            steps=300, batch_size=64, optimizer=FROM_SCRATCH, evaluate_every=100, checkpoint_every=100, select=SELECT
        ),
        evaluate=RETRIEVAL,
    )


def stage_frames() -> Recipe:
    """Frames only: CLIP's towers, mean pooling."""
    return _frames_only(stage())


def stage_brute_force() -> Recipe:
    """Tags concatenated, without an encoder across tags and frames."""
    return _brute_force(stage())


def stage_no_tags() -> Recipe:
    """TABLE that sees no tags: what its encoders over frames alone are worth."""
    return replace(stage(), data=replace(STAGE, tags=TagSelection(experts=())))


def stage_tag_sentence() -> Recipe:
    """TABLE that reads all tags of a clip as one sentence."""
    return replace(stage(), model=replace(SMALL_TABLE, tag_form="sentence"))


def _without_objective(name: str) -> Recipe:
    return replace(stage(), objectives={key: value for key, value in ALL.items() if key != name})


def stage_no_vtm() -> Recipe:
    """TABLE without video-text matching."""
    return _without_objective("vtm")


def stage_no_mlm() -> Recipe:
    """TABLE without masked language modelling."""
    return _without_objective("mlm")


def _without_expert(name: str) -> Recipe:
    kept = tuple(expert for expert in EXPERTS if expert != name)
    return replace(stage(), data=replace(STAGE, tags=TagSelection(experts=kept)))


def stage_without_object() -> Recipe:
    """TABLE without the tags of objects."""
    return _without_expert("object")


def stage_without_person() -> Recipe:
    """TABLE without the tags of persons."""
    return _without_expert("person")


def stage_without_motion() -> Recipe:
    """TABLE without the tags of motion."""
    return _without_expert("motion")


def stage_without_scene() -> Recipe:
    """TABLE without the tags of scenes."""
    return _without_expert("scene")


def stage_without_audio() -> Recipe:
    """TABLE without the tags of sounds."""
    return _without_expert("audio")


def stage_without_ocr() -> Recipe:
    """TABLE without the tags of writing."""
    return _without_expert("ocr")


def _full_size(corpus: str, protocol: str, steps: int) -> Recipe:
    towers = ClipConfig(text=ClipTextConfig(extra_tokens=1, transformer=VIT_B_TEXT))  # a row for the mask token
    return Recipe(
        model=TableConfig(vision=towers.vision, text=towers.text, clip=CLIP),
        data=VideoTextData(
            corpus=corpus,  # type: ignore[arg-type]
            root=Path("data") / corpus,
            protocol=protocol,
            tokenizer=CLIP,
            frames=FrameSampling("uniform", 12, fps=1.0),
            transform=FrameTransform(224, scale=(1.0, 1.0), ratio=(1.0, 1.0)),
            text_length=32,
        ),
        objectives=ALL,
        train=TrainConfig(
            steps=steps,
            batch_size=128,
            precision="bf16",
            optimizer=OptimizerConfig(
                lr=1e-4, weight_decay=0.2, betas=(0.9, 0.98), multipliers=(("visual", 1e-3), ("textual", 1e-3))
            ),
            evaluate_every=500,
            checkpoint_every=500,
            select=SELECT,
        ),
        evaluate=RETRIEVAL,
    )


def msrvtt() -> Recipe:
    """TABLE on MSR-VTT 1k-A, full size, from CLIP ViT-B/32."""
    return _full_size("msrvtt", "msrvtt-1kA", steps=6640)  # 5 epochs of 8,503 clips with 20 captions


def msvd() -> Recipe:
    """TABLE on MSVD with all captions, full size, from CLIP ViT-B/32."""
    return _full_size("msvd", "msvd-all-captions", steps=1905)  # 5 epochs of 48,774 captions


def _frames_only(recipe: Recipe) -> Recipe:
    table = recipe.model
    assert isinstance(table, TableConfig)
    return replace(recipe, model=TwoTowerConfig(vision=table.vision, text=table.text, clip=table.clip), objectives=VTC)


def msrvtt_frames() -> Recipe:
    """Frames only (CLIP4Clip, mean pooling) on MSR-VTT 1k-A, full size."""
    return _frames_only(msrvtt())


def msvd_frames() -> Recipe:
    """Frames only (CLIP4Clip, mean pooling) on MSVD, full size."""
    return _frames_only(msvd())


def _brute_force(recipe: Recipe) -> Recipe:
    table = recipe.model
    assert isinstance(table, TableConfig)
    fusion = BruteForceConfig(vision=table.vision, text=table.text, clip=table.clip, pooling=table.pooling)
    return replace(recipe, model=fusion, objectives=VTC)


def msrvtt_brute_force() -> Recipe:
    """Tags without guidance on MSR-VTT 1k-A, full size, from CLIP ViT-B/32."""
    return _brute_force(msrvtt())


def msvd_brute_force() -> Recipe:
    """Tags without guidance on MSVD, full size, from CLIP ViT-B/32."""
    return _brute_force(msvd())


def _small(recipe: Recipe, steps: int, batch_size: int) -> Recipe:
    """The same clips through small towers from random weights; the tokeniser is trained on the training captions.

    No tags unless data.tags.experts names some: there are no tag files beside a corpus before experts have run. Clips
    that are not on disk are left out, and the protocol's id says so.
    """
    data = recipe.data
    assert isinstance(data, VideoTextData)
    towers = small_towers(vocab_size=2048)
    return replace(
        recipe,
        model=replace(SMALL_TABLE, vision=towers.vision, text=towers.text),
        data=replace(
            data,
            tokenizer="train:2048",
            tag_sentence_length=48,
            transform=replace(data.transform, size=96),
            frames=FrameSampling("segments", 8),
            unit="clip",
            missing="drop",
            tags=TagSelection(experts=()),
        ),
        train=TrainConfig(
            steps=steps, batch_size=batch_size, optimizer=FROM_SCRATCH, evaluate_every=steps // 4, select=SELECT
        ),
    )


def msrvtt_small() -> Recipe:
    """TABLE on MSR-VTT, small, from random weights."""
    return _small(msrvtt(), steps=2000, batch_size=64)


def msvd_small() -> Recipe:
    """TABLE on MSVD, small, from random weights."""
    return _small(msvd(), steps=400, batch_size=32)


def msvd_small_frames() -> Recipe:
    """Frames only on MSVD, small, from random weights."""
    return _frames_only(msvd_small())
