"""VLSA, small, on Stage: pre-training with its baselines, and retrieval between two modalities.

`model.pretrained=RUN` starts a retrieval from a run of `vlsa/stage-pretrain`; without it, it is its own baseline.
What is hidden and how losses are weighed is the paper's; sizes, rates and steps are ours. The last two were set on the
validation split, once for all arms: contrast with sound first stays at what a blind guess gives, for 140 steps or more.
A run of `vlsa/stage-pretrain-unshared` is gone on from with model.encoder_shared=[] model.decoder_shared=[].
"""

from collections.abc import Mapping
from dataclasses import replace

from quatrefoil.core.evaluation.tasks import Retrieval
from quatrefoil.core.objectives import Objective
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.video_text.datasets.stage.sound_data import StageSoundData
from quatrefoil.video_text.encoders.unified import mae_transformer
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from quatrefoil.video_text.models.vlsa import VlsaConfig
from quatrefoil.video_text.recipes.vlsa import (
    COMPARISON,
    GLOBAL,
    LOCAL,
    PRETRAINING,
    TUNE_AUDIO_VIDEO,
    TUNE_TEXT_AUDIO,
    TUNE_TEXT_VIDEO,
)
from quatrefoil.video_text.recipes.vlsa_tasks import AUDIO_VIDEO, SIX, TEXT_AUDIO, TEXT_VIDEO

SOUND = SpectrogramConfig(samples=44_069, hop=347, rows=128, mean=-3.2, deviation=1.2)  # 128 x 128 of 4 s
SMALL = VlsaConfig(
    image_size=96,
    patch_size=16,
    frames=8,
    sound_rows=128,
    sound_columns=128,
    vocab_size=1024,
    text_length=48,
    encoder=mae_transformer(128, 3, 4),
    decoder=mae_transformer(64, 1, 4),
)
STAGE = StageSoundData(
    frames=FrameSampling("segments", 8),
    transform=FrameTransform(96, scale=(1.0, 1.0), ratio=(1.0, 1.0)),  # a crop would cut off what captions speak of
    unit="clip",
    text_length=48,
    sound=SOUND,
    cache_frames=True,
    cache_sound=True,
)


def stage_pretrain() -> Recipe:
    """VLSA's pre-training, small, on the embedded benchmark: minutes on one CPU core."""
    return Recipe(
        model=SMALL,
        data=STAGE,
        objectives=PRETRAINING,
        train=_training(steps=300, lr=1e-3),
        evaluate={"retrieval": SIX},
    )


def _training(*, steps: int, lr: float, batch_size: int = 64, select: str | None = None) -> TrainConfig:
    return TrainConfig(
        steps=steps,
        batch_size=batch_size,
        optimizer=OptimizerConfig(lr=lr, weight_decay=0.01, betas=(0.9, 0.98)),
        evaluate_every=100,
        checkpoint_every=100,
        select=select,
    )


def stage_pretrain_local_only() -> Recipe:
    """Baseline: hidden patches and masked tokens alone; nothing compares modalities."""
    return replace(stage_pretrain(), objectives=LOCAL)


def stage_pretrain_global_only() -> Recipe:
    """Baseline: audio is matched with video and text; nothing is decoded."""
    return replace(stage_pretrain(), objectives=GLOBAL)


def stage_pretrain_vtm() -> Recipe:
    """Baseline of the paper: video-text contrast and matching in place of global audio matching."""
    return replace(stage_pretrain(), objectives=COMPARISON)


def stage_pretrain_unshared() -> Recipe:
    """Baseline: an encoder and a decoder for each modality."""
    return replace(stage_pretrain(), model=replace(SMALL, encoder_shared=(), decoder_shared=()))


def stage_pretrain_joint() -> Recipe:
    """The paper to the letter: global codes from the joint pass, which leaks."""
    return replace(stage_pretrain(), model=replace(SMALL, gam_source="joint"))


def _retrieval(objectives: Mapping[str, Objective], task: Retrieval, select: str, *, steps: int) -> Recipe:
    # Nothing is hidden here: a clip costs four times as much as in pre-training's encoder.
    train = _training(steps=steps, batch_size=32, lr=5e-4, select=select)
    return Recipe(model=SMALL, data=STAGE, objectives=objectives, train=train, evaluate={"retrieval": task})


def stage_text_video() -> Recipe:
    """Texts and frames on Stage: from random weights, or fine-tuned with model.pretrained=RUN. No sound is read."""
    return _retrieval(TUNE_TEXT_VIDEO, TEXT_VIDEO, "text-to-video/R@1", steps=300)


def stage_text_audio() -> Recipe:
    """Texts and sounds on Stage, as `vlsa/stage-text-video`."""
    return _retrieval(TUNE_TEXT_AUDIO, TEXT_AUDIO, "text-to-audio/R@1", steps=300)


def stage_audio_video() -> Recipe:
    """Sounds and frames on Stage, as `vlsa/stage-text-video`."""
    return _retrieval(TUNE_AUDIO_VIDEO, AUDIO_VIDEO, "audio-to-video/R@1", steps=150)
