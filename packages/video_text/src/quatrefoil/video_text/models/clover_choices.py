"""Clover chooses the caption of a video without its fusion encoder: the one whose code is nearest (MSRVTT-MC).

Source: the official code's `acc_for_msrvtt_mc`. Trained as for retrieval.

Legend: B samples, O candidates of a sample, L text tokens, P width of the shared space.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.models.clover import Clover, CloverConfig


@dataclass(frozen=True, kw_only=True)
class CloverChoicesConfig(CloverConfig):
    """Clover, asked which of some captions is a video's."""

    @property
    def model_type(self) -> type["CloverChoices"]:
        return CloverChoices


class CloverChoices(Clover):
    """Clover with the views that a choice among captions needs; no weight is added."""

    @view
    def candidates(self, question_ids: Tensor, question_mask: Tensor) -> Tensor:
        """(B, O, P): codes of the captions. `question_ids` and `question_mask` are (B, O, L)."""
        ids_RL, mask_RL = question_ids.flatten(0, 1), readable(question_mask).flatten(0, 1)
        codes_RP: Tensor = self.text(Tokens(self.textual(ids_RL, mask_RL), mask_RL))
        return codes_RP.view(*question_ids.shape[:2], -1)

    @view
    def choice_logits(self, video: Tensor, candidates: Tensor, question_mask: Tensor) -> Tensor:
        """(B, O): cosines, the least number where a question has fewer candidates."""
        return of_present(torch.einsum("bp,bop->bo", video, candidates), question_mask)


def readable(mask_BOL: Tensor) -> Tensor:
    """The mask, with one token to see where a candidate is absent: attention over nothing is not a number."""
    first_L = torch.arange(mask_BOL.shape[-1], device=mask_BOL.device) == 0
    return mask_BOL | (first_L & ~mask_BOL.any(-1, keepdim=True))


def of_present(logits_BO: Tensor, mask_BOL: Tensor) -> Tensor:
    """The logits, the least finite number (files hold no others) for absent candidates, which no loss then moves."""
    return logits_BO.masked_fill(~mask_BOL.any(-1), torch.finfo(logits_BO.dtype).min)
