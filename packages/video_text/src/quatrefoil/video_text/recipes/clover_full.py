"""Clover at full size, with the settings of the official code (github.com/LeeYN-43/Clover, configs/exp_local).

What is ours: bf16 for its fp16; the last checkpoint or the best one on a validation split, never on the test split;
RGB everywhere; epochs as steps, counted from the usual sizes of the sets (of TGIF's transitions and frame questions
before a twentieth is held out to validate on), with one caption a clip and epoch; and exact gradients in retrieval,
where the official ones are 1/W at W ranks (in pre-training they are as there). Tasks start from the run that
`clover/webvid-cc3m` leaves, or from another: model.pretrained=RUN.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from quatrefoil.core.objectives import ExclusiveContrastive, Ranking
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.schedules import ScheduleConfig
from quatrefoil.core.training.settings import Precision, RunConfig, TrainConfig
from quatrefoil.video_text.datasets.choice_data import ChoiceData
from quatrefoil.video_text.datasets.clips import Reading
from quatrefoil.video_text.datasets.masks import CellsMaker, Masks
from quatrefoil.video_text.datasets.mixed_data import MixedData
from quatrefoil.video_text.datasets.module import CloverData, CorpusName
from quatrefoil.video_text.datasets.question_data import QuestionCorpusName, QuestionData
from quatrefoil.video_text.media.augment import FrameTransform, WholeFrame
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.models.clover import CloverConfig
from quatrefoil.video_text.models.clover_answers import AnswerConfig, CloverAnswersConfig
from quatrefoil.video_text.models.clover_choices import CloverChoicesConfig
from quatrefoil.video_text.models.clover_fusion import FusionConfig
from quatrefoil.video_text.recipes.clover import (
    ACCURACY,
    ANSWER,
    ANSWERS,
    CHOICES,
    PAIRWISE,
    PRETRAIN,
    RECALL,
    RETRIEVAL,
    parts_of,
)

BERT = "google-bert/bert-base-uncased"
SWIN = "weights/swin_base_patch244_window877_kinetics400_22k.pth"
PRETRAINED = "runs/clover/webvid-cc3m"
SQUARE = FrameTransform(224, scale=(0.08, 1.0))
WHOLE = WholeFrame(224)
MASKS = Masks(cells=CellsMaker((7, 7)))
# The official gathers keep the local rows' gradient, 1/W of the whole; that of masked tokens is whole.
OFFICIAL_PRETRAIN = {
    name: replace(objective, gradient_scale="local")
    if isinstance(objective, ExclusiveContrastive | Ranking)
    else objective
    for name, objective in PRETRAIN.items()
}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast: `samples` a training epoch, `warmup` in epochs."""

    samples: int
    epochs: int
    warmup: int
    batch_size: int = 128
    lr: float = 1.2e-5
    weight_decay: float = 0.01
    clip: float = 50.0
    floor: float = 0.0
    head: float = 1.0
    precision: Precision = "bf16"

    def training(self, select: str, steps_a_batch: int = 1) -> TrainConfig:
        """`steps_a_batch`: 2 where two corpora take turns."""
        epoch = steps_a_batch * (self.samples // self.batch_size)
        return TrainConfig(
            steps=self.epochs * epoch,
            batch_size=self.batch_size,
            precision=self.precision,
            optimizer=OptimizerConfig(
                lr=self.lr,
                weight_decay=self.weight_decay,
                betas=(0.9, 0.98),
                clip_norm=self.clip,
                multipliers=() if self.head == 1.0 else (("answer_head", self.head),),
            ),
            schedule=ScheduleConfig("cosine", warmup=self.warmup * epoch, floor=self.floor),
            evaluate_every=epoch,
            checkpoint_every=epoch,
            select=select,
        )


def webvid_cc3m() -> Recipe:
    """Clover's pre-training on WebVid-2M and CC3M in turn, full size, from Video Swin-B and BERT-base."""
    videos = CloverData(
        corpus="webvid",
        root=Path("data/webvid"),
        protocol="webvid-2m",
        tokenizer=BERT,
        frames=FrameSampling("segments", 8),
        transform=SQUARE,
        text_length=30,
        mask_rate=0.3,
        masks=MASKS,
        missing="drop",
    )
    images = replace(
        videos, corpus="cc3m", root=Path("data/cc3m"), protocol="cc3m", frames=FrameSampling("segments", 1)
    )
    run = Schedule(
        samples=2_500_000, epochs=40, warmup=4, batch_size=1024, lr=5e-5, weight_decay=0.005, clip=15.0, floor=1e-3
    )
    return Recipe(
        model=CloverConfig(bert=BERT, swin=SWIN),
        data=MixedData(videos=videos, images=images),
        objectives=OFFICIAL_PRETRAIN,
        train=run.training(RECALL, steps_a_batch=2),
        evaluate=RETRIEVAL,
        run=RunConfig(dir=Path(PRETRAINED)),
    )


def _retrieval(
    corpus: CorpusName, protocol: str, run: Schedule, *, frames: int, lengths: tuple[int, int], flip: float = 0.0
) -> Recipe:
    """`lengths`: of texts in training and in tests."""
    return Recipe(
        model=CloverConfig(pretrained=PRETRAINED),
        data=CloverData(
            corpus=corpus,
            root=Path("data") / corpus,
            protocol=protocol,
            tokenizer=BERT,
            frames=FrameSampling("segments", frames),
            transform=replace(SQUARE, flip=flip),
            unit="clip",
            text_length=lengths[0],
            mask_rate=0.3,
            masks=MASKS,
            tested=Reading(FrameSampling("segments", 32), lengths[1]),
        ),
        objectives=PAIRWISE,
        train=run.training(RECALL),
        evaluate=RETRIEVAL,
    )


def msrvtt() -> Recipe:
    """Clover's retrieval on MSR-VTT 1k-A, full size."""
    run = Schedule(samples=8503, epochs=100, warmup=10, clip=5.0)
    return _retrieval("msrvtt", "msrvtt-1kA", run, frames=12, lengths=(30, 25), flip=0.5)


def didemo() -> Recipe:
    """Clover's paragraph retrieval on DiDeMo, full size."""
    run = Schedule(samples=8395, epochs=50, warmup=5, batch_size=256, clip=5.0, precision="fp32")
    return _retrieval("didemo", "didemo-paragraph", run, frames=8, lengths=(50, 64))


def lsmdc() -> Recipe:
    """Clover's retrieval on LSMDC, full size."""
    run = Schedule(samples=101_079, epochs=50, warmup=5, batch_size=256, clip=5.0)
    return _retrieval("lsmdc", "lsmdc-1k", run, frames=8, lengths=(40, 40))


def msrvtt_mc() -> Recipe:
    """Clover chooses among five captions of MSR-VTT by cosine, trained as for retrieval, full size."""
    run = Schedule(samples=6513, epochs=100, warmup=10, batch_size=16, clip=5.0)
    data = ChoiceData(
        corpus="msrvtt",
        root=Path("data/msrvtt"),
        protocol="msrvtt-full",
        tokenizer=BERT,
        frames=FrameSampling("segments", 8),
        transform=SQUARE,
        unit="clip",
        text_length=30,
        tested=Reading(FrameSampling("segments", 32), 30),
    )
    return Recipe(
        model=CloverChoicesConfig(pretrained=PRETRAINED),
        data=data,
        objectives=PAIRWISE,
        train=run.training(ACCURACY),
        evaluate=CHOICES,
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked, and how much is read; `views` = clips of 8 frames in tests."""

    corpus: QuestionCorpusName
    protocol: str
    root: Path
    text_length: int
    transform: FrameTransform = SQUARE
    views: int = 1

    @property
    def data(self) -> QuestionData:
        seen = FrameSampling("segments", 8 * self.views)
        return QuestionData(
            corpus=self.corpus,
            root=self.root,
            protocol=self.protocol,
            tokenizer=BERT,
            frames=FrameSampling("segments", 8),
            transform=self.transform,
            text_length=self.text_length,
            tested=None if self.views == 1 else Reading(seen, self.text_length, self.views),
        )


def _questions(asked: Asked, answer: AnswerConfig, run: Schedule, model: CloverConfig | None = None) -> Recipe:
    parts = parts_of(CloverConfig(pretrained=PRETRAINED) if model is None else model)
    return Recipe(
        model=CloverAnswersConfig(**parts, answer=answer),
        data=asked.data,
        objectives=ANSWER,
        train=replace(run, head=10.0).training(ACCURACY),
        evaluate=ANSWERS,
    )


def _scored() -> AnswerConfig:
    return AnswerConfig(task="multiple_choice", answers=1, hidden=256, dropout=0.5)


def tgif_action() -> Recipe:
    """Clover on TGIF-QA's repeated actions, full size."""
    asked = Asked(corpus="tgif-qa", protocol="tgif-action", root=Path("data/tgif"), text_length=100, views=4)
    return _questions(asked, _scored(), Schedule(samples=19_428, epochs=100, warmup=10, lr=5e-6))


def tgif_transition() -> Recipe:
    """Clover on TGIF-QA's state transitions, full size."""
    asked = Asked(corpus="tgif-qa", protocol="tgif-transition", root=Path("data/tgif"), text_length=100, views=4)
    return _questions(asked, _scored(), Schedule(samples=52_704, epochs=50, warmup=5, lr=5e-6))


def tgif_frame() -> Recipe:
    """Clover on TGIF-QA's frame questions, full size."""
    asked = Asked(corpus="tgif-qa", protocol="tgif-frame", root=Path("data/tgif"), text_length=40)
    answer = AnswerConfig(task="open_ended", answers=1540)
    return _questions(asked, answer, Schedule(samples=39_392, epochs=20, warmup=2))


def msrvtt_qa() -> Recipe:
    """Clover on MSRVTT-QA, full size."""
    asked = Asked(corpus="msrvtt-qa", protocol="msrvtt-qa", root=Path("data/msrvtt"), text_length=40)
    run = Schedule(samples=158_581, epochs=20, warmup=2, batch_size=256, weight_decay=0.001)
    return _questions(asked, AnswerConfig(task="open_ended", answers=1500), run)


def msvd_qa() -> Recipe:
    """Clover on MSVD-QA, full size."""
    asked = Asked(corpus="msvd-qa", protocol="msvd-qa", root=Path("data/msvd"), text_length=40, transform=WHOLE)
    answer = AnswerConfig(task="open_ended", answers=1000, dropout=0.5)
    return _questions(asked, answer, Schedule(samples=30_933, epochs=40, warmup=4))


def lsmdc_mc() -> Recipe:
    """Clover chooses among five sentences of LSMDC by fusion, full size."""
    asked = Asked(corpus="lsmdc-qa", protocol="lsmdc-mc", root=Path("data/lsmdc"), text_length=256)
    return _questions(asked, _scored(), Schedule(samples=101_046, epochs=20, warmup=2, precision="fp32"))


def lsmdc_fib() -> Recipe:
    """Clover fills in the blanks of LSMDC, full size."""
    asked = Asked(corpus="lsmdc-qa", protocol="lsmdc-fib", root=Path("data/lsmdc"), text_length=200)
    answer = AnswerConfig(task="fill_in_the_blank", answers=908, dropout=0.5)
    run = Schedule(samples=296_960, epochs=20, warmup=2)
    return _questions(asked, answer, run, CloverConfig(pretrained=PRETRAINED, fusion=FusionConfig(joint="token")))
