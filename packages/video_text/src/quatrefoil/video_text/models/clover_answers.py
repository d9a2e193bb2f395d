"""Clover answers questions about videos: the question is the text of its fusion encoder.

Source: the official code (github.com/LeeYN-43/Clover, recognizers/multimodal_transformer_finetune.py).

Legend: B samples, O candidates of a sample, R = B or B O texts, L text tokens, A answers.
"""

import json
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from quatrefoil.core.data import DataModule
from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.datasets.fields import mask_id_of
from quatrefoil.video_text.datasets.questions import AnswerVocabulary
from quatrefoil.video_text.models.clover import Clover, CloverConfig
from quatrefoil.video_text.models.clover_choices import of_present, readable
from quatrefoil.video_text.models.clover_fusion import Fused
from quatrefoil.video_text.models.clover_heads import Head
from quatrefoil.video_text.models.pretrained import trained_asset


@dataclass(frozen=True, kw_only=True)
class AnswerConfig:
    """How a question is answered.

    Args:
        task: `open_ended` = one of `answers`, read from the pair's joint state; `fill_in_the_blank` = one of `answers`,
            read from the state of the one mask token in the text; `multiple_choice` = each candidate is a text of its
            own and gets a score.
        answers: A, the most that the closed set of answers may hold: a run has as many as the vocabulary of its data;
            1 (the score) for `multiple_choice`.
        hidden: width of the head's hidden layer (official: 384, and 256 for `multiple_choice`).
        dropout: of the state that the head reads.
        mask_id: id of the mask token (103 in BERT's vocabulary).

    Raises:
        ValueError: a number of answers that the task cannot have.
    """

    task: Literal["open_ended", "fill_in_the_blank", "multiple_choice"]
    answers: int
    hidden: int = 384
    dropout: float = 0.1
    mask_id: int = 103

    def __post_init__(self) -> None:
        scores_candidates = self.task == "multiple_choice"
        if self.answers < 1 or scores_candidates != (self.answers == 1):
            raise ValueError(
                f"model.answer.answers={self.answers} with task={self.task}: multiple_choice gives 1 score to each "
                f"candidate, the other tasks need at least 2 answers"
            )


@dataclass(frozen=True, kw_only=True)
class CloverAnswersConfig(CloverConfig):
    """Clover with a head for answers, usually started from a pre-trained Clover (`pretrained`)."""

    answer: AnswerConfig

    @property
    def model_type(self) -> type["CloverAnswers"]:
        return CloverAnswers

    def fitted(self, data: DataModule) -> "CloverAnswersConfig":
        """With as many answers as the data's vocabulary has. Raises ValueError where it does not fit the task."""
        answers, most = len(json.loads(data.assets()[AnswerVocabulary.ASSET])), self.answer.answers
        if (self.answer.task == "multiple_choice") != (answers == 0) or answers > most:
            raise ValueError(
                f"the data have {answers or 'no'} open answers, model.answer.task={self.answer.task} has {most}"
            )
        return replace(self, answer=replace(self.answer, answers=answers or most))


class CloverAnswers(Clover):
    """Clover, and one head on the fusion of a video and a question."""

    asset_names = (*Clover.asset_names, AnswerVocabulary.ASSET)
    fresh = ("answer_head.", "fusion.joint_token")  # the latter where `text` stood for the pair in pre-training

    def __init__(self, config: CloverAnswersConfig) -> None:
        super().__init__(config)
        answer = self.answer = config.answer
        width = config.fusion.transformer.width
        self.answer_head = Head(width, answer.hidden, answer.answers, hidden_norm=True, input_dropout=answer.dropout)

    def mismatches(self) -> dict[str, bool]:
        blank, mask = self.answer.mask_id, mask_id_of(self.tokenizer)
        fills = self.answer.task == "fill_in_the_blank"
        return super().mismatches() | {
            f"mask token {mask}, model.answer.mask_id={blank}": fills and mask != blank,
            f"the answers are not those that the head of model.pretrained={self.config.pretrained} tells apart": (
                self._tells_others_apart()
            ),
        }

    def _tells_others_apart(self) -> bool:
        """Whether the head was taken over from a run with another vocabulary, as far as that is known."""
        source, name = self.config.pretrained, AnswerVocabulary.ASSET
        known = trained_asset(source, name) if source is not None and "answer_head." in self.taken_over else None
        return known is not None and json.loads(known) != json.loads(self.assets[name])

    @view
    def question_states(self, question_ids: Tensor, question_mask: Tensor) -> Tokens:
        """(R, L, D). `question_ids` are (B, L), or (B, O, L) with a text for each candidate; `question_mask` alike."""
        mask_RL = readable(question_mask).flatten(0, -2)
        return Tokens(self.textual(question_ids.flatten(0, -2), mask_RL), mask_RL)

    @view
    def fusion_question(self, video_states: Tensor, question_states: Tokens, question_ids: Tensor) -> Fused:
        """<video, question>, R rows: a video stands before each of its candidates."""
        visual_BVD = self.visual_tokens(video_states)
        candidates = question_ids.shape[1] if question_ids.ndim == 3 else 1
        fused: Fused = self.fusion(visual_BVD.repeat_interleave(candidates, 0), question_states)
        return fused

    @view
    def answer_logits(self, fusion_question: Fused, question_ids: Tensor, question_mask: Tensor) -> Tensor:
        """(B, A), or (B, O) with candidates, the least number where a question has fewer.

        Raises:
            ValueError: a blank is to be filled in and a text has not exactly one.
        """
        blank = self.answer.task == "fill_in_the_blank"
        read_RD = self._blanks(fusion_question.text_BLD, question_ids) if blank else fusion_question.joint_BD
        logits: Tensor = self.answer_head(read_RD).unflatten(0, question_ids.shape[:-1])
        return of_present(logits.squeeze(-1), question_mask) if self.answer.task == "multiple_choice" else logits

    def _blanks(self, states_BLD: Tensor, ids_BL: Tensor) -> Tensor:
        """(B, D): the states of the mask tokens."""
        is_blank_BL = ids_BL == self.answer.mask_id
        problem = f"a text has not exactly one blank (mask token {self.answer.mask_id}); one of them is filled in"
        if ids_BL.device.type == "cuda":  # looking would make the host wait
            torch._assert_async((is_blank_BL.sum(1) == 1).all(), problem)
        elif not (is_blank_BL.sum(1) == 1).all():
            raise ValueError(problem)
        return states_BLD[torch.arange(len(ids_BL), device=ids_BL.device), is_blank_BL.int().argmax(1)]
