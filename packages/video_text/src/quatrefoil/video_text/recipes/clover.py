"""Clover, small, on Stage: pre-training with its ablations, retrieval, and questions of five kinds.

`model.pretrained=RUN` starts a task from a run of `clover/stage-pretrain`; without it a task is its own baseline.
Sizes and rates are ours (docs/clover.md); margin, temperature and gamma are the official code's.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from quatrefoil.core.evaluation.tasks import Classification as Accuracy
from quatrefoil.core.evaluation.tasks import Retrieval, Side
from quatrefoil.core.objectives import (
    Classification,
    Contrastive,
    ExclusiveContrastive,
    FocalMaskedTokens,
    Objective,
    Ranking,
)
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.video_text.datasets.masks import CellsMaker, Masks
from quatrefoil.video_text.datasets.question_data import UNIT, QuestionCorpusName
from quatrefoil.video_text.datasets.stage.data import CloverStageData
from quatrefoil.video_text.datasets.stage.question_data import StageChoiceData, StageQuestionData
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.models.clover import CloverConfig
from quatrefoil.video_text.models.clover_answers import AnswerConfig, CloverAnswersConfig
from quatrefoil.video_text.models.clover_choices import CloverChoicesConfig
from quatrefoil.video_text.models.clover_sizes import small_clover

SCALE = 1 / 0.05
MARGIN = 5.0  # of scaled similarities: 0.25 in cosine
PRETRAIN: dict[str, Objective] = {
    "mlm": FocalMaskedTokens("text_token_logits", "text_labels", gamma=2.0),
    "tma_video": ExclusiveContrastive("video", ("text", "text_masked", "fused_masked_video"), SCALE),
    "tma_text": ExclusiveContrastive("text", ("video", "video_masked", "fused_masked_text"), SCALE),
    "rank_text": Ranking("video", "text", "text_masked", SCALE, MARGIN, weights="text_has_mask"),
    "rank_video": Ranking("text", "video", "video_masked", SCALE, MARGIN),
}
# The pairing of the paper's first version: each anchor with the fusion that its own complete side has entered.
EARLY: Mapping[str, Objective] = PRETRAIN | {
    "tma_video": ExclusiveContrastive("video", ("text", "text_masked", "fused_masked_text"), SCALE),
    "tma_text": ExclusiveContrastive("text", ("video", "video_masked", "fused_masked_video"), SCALE),
}
UNMASKED: Mapping[str, Objective] = {
    "tma_video": ExclusiveContrastive("video", ("text", "fused_video"), SCALE),
    "tma_text": ExclusiveContrastive("text", ("video", "fused_text"), SCALE),
}
PAIRWISE: Mapping[str, Objective] = {"vtc": Contrastive("video", "text", SCALE, weight=2.0)}  # a sum of both directions
ANSWER: Mapping[str, Objective] = {"answer": Classification("answer_logits", "answer")}
RETRIEVAL = {"retrieval": Retrieval(many=Side("text", "caption"), one=Side("video", "clip"))}
ANSWERS = {"answers": Accuracy("answer_logits", UNIT)}
CHOICES = {"choices": Accuracy("choice_logits", UNIT)}
RECALL, ACCURACY = "text-to-video/R@1", "accuracy"

SMALL = small_clover(vocab_size=1024, patch_size=12)
FRAMES = FrameSampling("segments", 4)
WHOLE_FRAMES = FrameTransform(96, scale=(1.0, 1.0), ratio=(1.0, 1.0))  # a crop would cut off what captions speak of
MASKS = Masks(cells=CellsMaker((4, 4)))  # as many as the small video encoder has places
STAGE = CloverStageData(
    frames=FRAMES,
    transform=WHOLE_FRAMES,
    unit="clip",
    text_length=48,
    mask_rate=0.3,
    masks=MASKS,
    cache_frames=True,
)


def stage_pretrain() -> Recipe:
    """Clover's pre-training, small, on the embedded benchmark: minutes on two CPU cores."""
    return Recipe(
        model=SMALL, data=STAGE, objectives=PRETRAIN, train=training(RECALL, steps=300, lr=5e-4), evaluate=RETRIEVAL
    )


def training(select: str, *, steps: int, lr: float, batch_size: int = 32, head_lr: float = 1.0) -> TrainConfig:
    """Settings of small runs; `head_lr` multiplies the rate of the head that answers."""
    heads = () if head_lr == 1.0 else (("answer_head", head_lr),)
    return TrainConfig(
        steps=steps,
        batch_size=batch_size,
        optimizer=OptimizerConfig(lr=lr, weight_decay=0.05, betas=(0.9, 0.98), multipliers=heads),
        evaluate_every=100,
        checkpoint_every=100,
        select=select,
    )


def stage_pretrain_early() -> Recipe:
    """Clover's pre-training with the pairing of the paper's first version."""
    return replace(stage_pretrain(), objectives=EARLY)


def stage_pretrain_pairwise() -> Recipe:
    """Baseline: contrast of videos and texts alone; nothing is masked or fused."""
    return replace(stage_pretrain(), objectives=PAIRWISE)


def stage_pretrain_no_ranking() -> Recipe:
    """Clover's pre-training without ranking."""
    kept = {name: objective for name, objective in PRETRAIN.items() if not isinstance(objective, Ranking)}
    return replace(stage_pretrain(), objectives=kept)


def stage_pretrain_no_masks() -> Recipe:
    """Clover's pre-training without masked samples: codes are aligned with the fusion of both complete sides."""
    return replace(stage_pretrain(), objectives=UNMASKED)


def stage_retrieval() -> Recipe:
    """Clover's retrieval on Stage, without fusion: its baseline, or fine-tuned with model.pretrained=RUN."""
    return replace(stage_pretrain(), objectives=PAIRWISE, train=training(RECALL, steps=300, lr=3e-4))


def _questions(
    corpus: QuestionCorpusName, protocol: str, answer: AnswerConfig, *, steps: int = 300, batch_size: int = 32
) -> Recipe:
    return Recipe(
        model=CloverAnswersConfig(**parts_of(SMALL), answer=answer),
        data=StageQuestionData(
            corpus=corpus, protocol=protocol, frames=FRAMES, transform=WHOLE_FRAMES, text_length=64, cache_frames=True
        ),
        objectives=ANSWER,
        train=training(ACCURACY, steps=steps, lr=3e-4, batch_size=batch_size, head_lr=10.0),
        evaluate=ANSWERS,
    )


def parts_of(model: CloverConfig) -> dict[str, Any]:
    """What a model with other tasks takes over from `model`."""
    return {part.name: getattr(model, part.name) for part in fields(CloverConfig)}


# Every candidate goes through fusion: a quarter of the samples in the time that other tasks take.
FIVE_CANDIDATES = {"steps": 150, "batch_size": 16}
SCORED = AnswerConfig(task="multiple_choice", answers=1, hidden=64)
OPEN = AnswerConfig(task="open_ended", answers=200)
BLANK = AnswerConfig(task="fill_in_the_blank", answers=200, mask_id=3)  # of the benchmark's own tokeniser


def stage_qa_action() -> Recipe:
    """What does the actor do N times? Five candidates (TGIF-QA's repeated action)."""
    return _questions("tgif-qa", "tgif-action", SCORED, **FIVE_CANDIDATES)


def stage_qa_transition() -> Recipe:
    """What does the actor do before or after? Five candidates (TGIF-QA's state transition)."""
    return _questions("tgif-qa", "tgif-transition", SCORED, **FIVE_CANDIDATES)


def stage_qa_frame() -> Recipe:
    """Open questions that one frame answers (TGIF-QA's frame questions)."""
    return _questions("tgif-qa", "tgif-frame", OPEN)


def stage_qa_fib() -> Recipe:
    """Which word is missing in a caption (LSMDC's fill in the blank)?"""
    return _questions("lsmdc-qa", "lsmdc-fib", BLANK)


def stage_qa_mc() -> Recipe:
    """Which of five captions is the clip's? Trained as for retrieval, answered by cosine (MSRVTT-MC)."""
    data = StageChoiceData(frames=FRAMES, transform=WHOLE_FRAMES, unit="clip", text_length=48, cache_frames=True)
    return replace(
        stage_retrieval(),
        model=CloverChoicesConfig(**parts_of(SMALL)),
        data=data,
        train=training(ACCURACY, steps=300, lr=3e-4),
        evaluate=CHOICES,
    )
