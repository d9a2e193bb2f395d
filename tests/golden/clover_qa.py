"""Clover's answers: logits of an open-ended head or of candidates, and the loss of the true ones."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from quatrefoil.core.views import Views
from quatrefoil.video_text.models.clover_answers import AnswerConfig, CloverAnswersConfig
from quatrefoil.video_text.models.clover_weights import load_clover
from tests.golden.checks import Check, activation, scalar
from tests.golden.clover_model import clover_sizes, weights_of
from tests.golden.files import Golden

HEADS = {"clover_qa_oe": "qa_head.vqa_classifier", "clover_qa_mc": "qa_head.mc_vqa_classifier"}


@torch.no_grad()
def clover_qa_kind(golden: Golden) -> list[Check]:
    """Both kinds of question; their files differ in the head and in the shape of the texts."""
    model = clover_answers(golden).build().eval()
    load_clover(model, weights_of(golden))
    logits = Views(model, batch_of(golden))["answer_logits"]
    return [
        activation("out.logits", logits, golden.tensor("out.logits")),
        scalar("loss.qa", cross_entropy(logits, golden.tensor("in.label")), golden.tensor("loss.qa")),
    ]


def clover_answers(golden: Golden) -> CloverAnswersConfig:
    """The model of the file."""
    state, head = weights_of(golden), HEADS[golden.kind]
    answer = AnswerConfig(
        task="multiple_choice" if golden.kind == "clover_qa_mc" else "open_ended",
        answers=len(state[f"{head}.4.weight"]),
        hidden=len(state[f"{head}.1.weight"]),
    )
    return CloverAnswersConfig(**clover_sizes(golden), answer=answer)


def batch_of(golden: Golden) -> dict[str, Tensor]:
    """Frames that are normalised already, and texts: (B, L), or (B, O, L) of candidates."""
    texts = {"question_ids": golden.tensor("in.token_ids"), "question_mask": golden.tensor("in.attention_mask").bool()}
    if golden.kind == "clover_qa_oe":
        texts = {name: value.squeeze(1) for name, value in texts.items()}
    return {"pixels": golden.tensor("in.frames")[:, None], **texts}
