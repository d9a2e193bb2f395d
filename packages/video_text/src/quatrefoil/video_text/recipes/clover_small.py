"""Clover's tasks on real corpora, small and from random weights, on the clips that are there.

A task is its full-size recipe with a small model, small frames, and a tokeniser that is trained on its training texts;
objectives, protocols and vocabularies are the same. Clips that are not on disk are left out, and the protocol's id says
how many are there. Sizes and rates are ours, and were not tuned.
"""

from dataclasses import replace
from pathlib import Path

from quatrefoil.core.recipes import Recipe
from quatrefoil.video_text.datasets.choice_data import ChoiceData
from quatrefoil.video_text.datasets.module import CloverData
from quatrefoil.video_text.datasets.question_data import QuestionData
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.models.clover import CloverConfig
from quatrefoil.video_text.models.clover_answers import CloverAnswersConfig
from quatrefoil.video_text.models.clover_sizes import small_clover
from quatrefoil.video_text.recipes import clover_full as full
from quatrefoil.video_text.recipes.clover import MASKS, RECALL, WHOLE_FRAMES, parts_of, stage_retrieval, training

SMALL = small_clover(vocab_size=2048, patch_size=12)
TOKENIZER, MASK_ID = "train:2048", 3  # of every tokeniser that is trained here
FRAMES = FrameSampling("segments", 8)


def msvd() -> Recipe:
    """Clover's retrieval on MSVD, small."""
    data = CloverData(
        corpus="msvd",
        root=Path("data/msvd"),
        protocol="msvd-all-captions",
        tokenizer=TOKENIZER,
        frames=FRAMES,
        transform=FrameTransform(96),
        unit="clip",
        missing="drop",
        mask_rate=0.3,
        masks=MASKS,
    )
    return replace(stage_retrieval(), model=SMALL, data=data, train=training(RECALL, steps=400, lr=3e-4))


def _small(recipe: Recipe) -> Recipe:
    """A full-size task, small."""
    model, data, select = recipe.model, recipe.data, recipe.train.select
    assert isinstance(model, CloverConfig)
    assert isinstance(data, CloverData | ChoiceData | QuestionData)
    assert select is not None
    answers = isinstance(model, CloverAnswersConfig)
    settings = training(select, steps=400, lr=3e-4, head_lr=10.0 if answers else 1.0)
    return replace(recipe, model=_model(model, data.text_length), data=_data(data), train=settings)


def _model(given: CloverConfig, text_length: int) -> CloverConfig:
    text = replace(SMALL.text, max_positions=max(text_length, SMALL.text.max_positions))
    model = replace(given, **parts_of(replace(SMALL, text=text)))
    if isinstance(model, CloverAnswersConfig):
        return replace(model, answer=replace(model.answer, hidden=64, mask_id=MASK_ID))
    return model


def _data(given: CloverData | ChoiceData | QuestionData) -> CloverData | ChoiceData | QuestionData:
    """Frames are whole, as a crop could cut off what is asked about; tests read what training does."""
    data = replace(given, tokenizer=TOKENIZER, frames=FRAMES, transform=WHOLE_FRAMES, missing="drop", tested=None)
    return replace(data, masks=MASKS) if isinstance(data, CloverData) else data


def msrvtt() -> Recipe:
    """Clover's retrieval on MSR-VTT 1k-A, small."""
    return _small(full.msrvtt())


def didemo() -> Recipe:
    """Clover's paragraph retrieval on DiDeMo, small."""
    return _small(full.didemo())


def lsmdc() -> Recipe:
    """Clover's retrieval on LSMDC, small."""
    return _small(full.lsmdc())


def msrvtt_mc() -> Recipe:
    """Clover chooses among five captions of MSR-VTT by cosine, small."""
    return _small(full.msrvtt_mc())


def tgif_action() -> Recipe:
    """Clover on TGIF-QA's repeated actions, small."""
    return _small(full.tgif_action())


def tgif_transition() -> Recipe:
    """Clover on TGIF-QA's state transitions, small."""
    return _small(full.tgif_transition())


def tgif_frame() -> Recipe:
    """Clover on TGIF-QA's frame questions, small."""
    return _small(full.tgif_frame())


def msrvtt_qa() -> Recipe:
    """Clover on MSRVTT-QA, small."""
    return _small(full.msrvtt_qa())


def msvd_qa() -> Recipe:
    """Clover on MSVD-QA, small."""
    return _small(full.msvd_qa())


def lsmdc_mc() -> Recipe:
    """Clover chooses among five sentences of LSMDC by fusion, small."""
    return _small(full.lsmdc_mc())


def lsmdc_fib() -> Recipe:
    """Clover fills in the blanks of LSMDC, small."""
    return _small(full.lsmdc_fib())
