"""VLSA at full size, with the paper's settings where it gives them (arXiv 2405.07202, section 4).

The paper's: sizes, shares that are hidden, AdamW at 1e-4 with 0.01 of decay, batches of 2048 for 200,000 steps, then of
256 for 20 epochs. Ours, as it is silent: betas, schedule, clipping, bf16, the loss and the rate of fine-tuning, epochs
as steps counted from the sizes of the sets, one caption a clip and epoch, and how sound is scaled (mean and deviation
were measured on some clips of MSR-VTT). Tasks start from the run that `vlsa/howto100m-audioset` leaves, or another:
model.pretrained=RUN.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from quatrefoil.core.evaluation.tasks import Retrieval
from quatrefoil.core.objectives import Objective
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.schedules import ScheduleConfig
from quatrefoil.core.training.settings import RunConfig, TrainConfig
from quatrefoil.video_text.datasets.module import CorpusName
from quatrefoil.video_text.datasets.sound_data import SoundData
from quatrefoil.video_text.encoders.unified import mae_transformer
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from quatrefoil.video_text.models.vlsa import VlsaConfig
from quatrefoil.video_text.recipes.vlsa import PRETRAINING, TUNE_AUDIO_VIDEO, TUNE_TEXT_AUDIO, TUNE_TEXT_VIDEO
from quatrefoil.video_text.recipes.vlsa_tasks import AUDIO_VIDEO, SIX_WITH_SOUND, TEXT_AUDIO_WITHIN_50, TEXT_VIDEO

PRETRAINED = "runs/vlsa/howto100m-audioset"
BERT = "google-bert/bert-base-uncased"
SOUND = SpectrogramConfig(mean=-2.0, deviation=2.1)
BATCH, EPOCHS = 256, 20


def howto100m_audioset() -> Recipe:
    """VLSA's pre-training on triples of frames, speech as text and sound; `model.mae` and `model.bert` warm it up."""
    return Recipe(
        model=VlsaConfig(),
        data=_data("triples", "triples"),
        objectives=PRETRAINING,
        train=_training(steps=200_000, batch_size=2048, lr=1e-4),
        evaluate={"retrieval": SIX_WITH_SOUND},
        run=RunConfig(dir=Path(PRETRAINED)),
    )


def vlsa_s() -> Recipe:
    """VLSA at a size for one GPU (our choice): every share as at full size, half the width, frames and their sides."""
    whole = howto100m_audioset()
    model = VlsaConfig(image_size=112, frames=4, encoder=mae_transformer(384, 6, 6), decoder=mae_transformer(256, 4, 8))
    data = replace(_data("triples", "triples"), frames=FrameSampling("segments", 4), transform=FrameTransform(112))
    run = RunConfig(dir=Path("runs/vlsa-s"))
    return replace(whole, model=model, data=data, train=_training(steps=100_000, batch_size=512, lr=1e-4), run=run)


def _data(corpus: CorpusName, protocol: str, *, cut: bool = True) -> SoundData:
    return SoundData(
        corpus=corpus,
        root=Path("data") / corpus,
        protocol=protocol,
        tokenizer=BERT,
        frames=FrameSampling("segments", 8),
        transform=FrameTransform(224),
        missing="drop",
        unit="clip",
        text_length=40,
        sound=SOUND,
        cut=cut,
    )


def _training(*, steps: int, batch_size: int, lr: float, select: str | None = None) -> TrainConfig:
    return TrainConfig(
        steps=steps,
        batch_size=batch_size,
        precision="bf16",
        optimizer=OptimizerConfig(lr=lr, weight_decay=0.01, betas=(0.9, 0.98), clip_norm=1.0),
        schedule=ScheduleConfig("cosine", warmup=0.05),
        checkpoint_every=1000,
        select=select,
    )


def _tuned(data: SoundData, clips: int, objectives: Mapping[str, Objective], task: Retrieval) -> Recipe:
    """`clips` in an epoch."""
    train = _training(steps=EPOCHS * (clips // BATCH), batch_size=BATCH, lr=1e-5)
    return Recipe(
        model=VlsaConfig(pretrained=PRETRAINED),
        data=data,
        objectives=objectives,
        train=train,
        evaluate={"retrieval": task},
    )


def msrvtt() -> Recipe:
    """Texts and frames of MSR-VTT 1k-A; no sound is read."""
    return _tuned(_data("msrvtt", "msrvtt-1kA", cut=False), 9_000, TUNE_TEXT_VIDEO, TEXT_VIDEO)


def lsmdc() -> Recipe:
    """Texts and frames of LSMDC; no sound is read."""
    return _tuned(_data("lsmdc", "lsmdc-1k", cut=False), 101_079, TUNE_TEXT_VIDEO, TEXT_VIDEO)


def sounddescs() -> Recipe:
    """Texts and sounds of SoundDescs."""
    return _tuned(_data("sounddescs", "sounddescs"), 23_085, TUNE_TEXT_AUDIO, TEXT_AUDIO_WITHIN_50)


def audiocaps() -> Recipe:
    """Texts and sounds of AudioCaps, in the split of the audio retrieval benchmark."""
    return _tuned(_data("audiocaps", "audiocaps-benchmark"), 49_291, TUNE_TEXT_AUDIO, TEXT_AUDIO_WITHIN_50)


def youcook2() -> Recipe:
    """Sounds and frames of YouCook2."""
    return _tuned(_data("youcook2", "youcook2-clips"), 9_586, TUNE_AUDIO_VIDEO, AUDIO_VIDEO)
