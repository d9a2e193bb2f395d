"""VLSA, small, on real sound: spoken digits, and the clips of MSR-VTT as they are. Sizes and rates are ours."""

from pathlib import Path

from quatrefoil.core.objectives import PresentContrastive
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.video_text.datasets.sound_data import Hiding, SoundData
from quatrefoil.video_text.encoders.unified import mae_transformer
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from quatrefoil.video_text.models.vlsa import VlsaConfig
from quatrefoil.video_text.recipes.vlsa import PRETRAINING
from quatrefoil.video_text.recipes.vlsa_stage import SMALL, SOUND
from quatrefoil.video_text.recipes.vlsa_tasks import SIX_WITH_SOUND, TEXT_AUDIO

DIGITS = SpectrogramConfig(rate=8_000, samples=4_095, n_fft=510, hop=64, rows=64, centred=True)  # 64 x 64 of 0.5 s


def fsdd() -> Recipe:
    """Spoken digits and their names: speakers who are tested were never heard. A batch holds each digit once."""
    return Recipe(
        model=VlsaConfig(
            image_size=8,  # there are no frames; the smallest that the patch allows
            patch_size=8,
            frames=1,
            sound_rows=64,
            sound_columns=64,
            vocab_size=320,
            text_length=8,
            encoder=mae_transformer(128, 4, 4),
            decoder=mae_transformer(64, 2, 4),
        ),
        data=SoundData(
            corpus="fsdd",
            root=Path("data/fsdd"),
            protocol="fsdd-yweweler",
            missing="drop",
            tokenizer="train:320",
            frames=FrameSampling("uniform", 1),
            transform=FrameTransform(8),
            unit="clip",
            text_length=8,
            sound=DIGITS,
            windows=1,
            cut=False,
            hiding=Hiding(patch_size=8, audio=0.5),
        ),
        objectives={"contrast": PresentContrastive("text", "audio_global", present="audio_present")},
        train=TrainConfig(
            steps=200,
            batch_size=10,
            optimizer=OptimizerConfig(lr=5e-4, weight_decay=0.05, betas=(0.9, 0.98)),
            evaluate_every=100,
            checkpoint_every=100,
            select="audio-to-text/R@1",
        ),
        evaluate={"retrieval": TEXT_AUDIO},
    )


def msrvtt_small() -> Recipe:
    """VLSA's pre-training on MSR-VTT's clips with their sound, small: that all of it runs, not what it reaches."""
    return Recipe(
        model=SMALL,
        data=SoundData(
            corpus="msrvtt",
            root=Path("data/msrvtt"),
            protocol="msrvtt-full",
            missing="drop",
            tokenizer="train:1024",
            frames=FrameSampling("segments", 8),
            transform=FrameTransform(96),
            unit="clip",
            text_length=48,
            sound=SOUND,
        ),
        objectives=PRETRAINING,
        train=TrainConfig(
            steps=20,
            batch_size=4,
            optimizer=OptimizerConfig(lr=5e-4, weight_decay=0.01, betas=(0.9, 0.98)),
        ),
        evaluate={"retrieval": SIX_WITH_SOUND},  # video7013 has none
    )
