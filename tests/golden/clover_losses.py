"""Clover's losses: exclusive contrast with ranking, both-direction NCE, focal cross-entropy; each with gradients.

A gradient in the file is that of the sum of the losses of its part.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

from quatrefoil.core.losses import contrastive, exclusive_contrastive, masked_tokens, ranking
from tests.golden.checks import Check, activation, scalar
from tests.golden.files import Golden

TRI_INPUTS = ("anchor", "positive", "masked", "fused")


def clover_losses_kind(golden: Golden) -> list[Check]:
    """Values and gradients of the three parts: `tri`, `nce`, `focal`."""
    return [*_tri(golden), *_nce(golden), *_focal(golden)]


def _tri(golden: Golden) -> list[Check]:
    scale, margin = _scale(golden), golden.field("margin")

    def losses(anchor: Tensor, positive: Tensor, masked: Tensor, fused: Tensor) -> Mapping[str, Tensor]:
        return {
            "nce": exclusive_contrastive(anchor, [positive, masked, fused], scale).loss,
            "rank": ranking(anchor, positive, masked, scale, margin).loss,
        }

    def of_raw(**raw: Tensor) -> Mapping[str, Tensor]:
        return losses(*(normalize(raw[name], dim=1) for name in TRI_INPUTS))

    inputs = {name: golden.tensor(f"tri.in.{name}") for name in TRI_INPUTS}
    got, gradients = _evaluate(of_raw, inputs)
    return [
        *(scalar(f"tri.out.{name}", value, golden.tensor(f"tri.out.{name}")) for name, value in got.items()),
        *(activation(f"tri.grad.{name}", grad, golden.tensor(f"tri.grad.{name}")) for name, grad in gradients.items()),
    ]


def _nce(golden: Golden) -> list[Check]:
    def both_directions_summed(video: Tensor, text: Tensor) -> Mapping[str, Tensor]:
        result = contrastive(normalize(video, dim=1), normalize(text, dim=1), _scale(golden))
        return {"out": 2 * result.loss}  # the origin sums the directions, `contrastive` takes their mean

    inputs = {name: golden.tensor(f"nce.in.{name}") for name in ("video", "text")}
    got, gradients = _evaluate(both_directions_summed, inputs)
    return [
        scalar("nce.out", got["out"], golden.tensor("nce.out")),
        *(activation(f"nce.grad.{name}", grad, golden.tensor(f"nce.grad.{name}")) for name, grad in gradients.items()),
    ]


def _focal(golden: Golden) -> list[Check]:
    labels, gamma = golden.tensor("focal.in.target"), golden.field("gamma")

    def focal(logits: Tensor) -> Mapping[str, Tensor]:
        return {"out": masked_tokens(logits, labels, focal_gamma=gamma).loss}

    got, gradients = _evaluate(focal, {"logits": golden.tensor("focal.in.logits")})
    return [
        scalar("focal.out", got["out"], golden.tensor("focal.out")),
        activation("focal.grad", gradients["logits"], golden.tensor("focal.grad")),
    ]


def _scale(golden: Golden) -> Tensor:
    return torch.tensor(1 / golden.field("temperature"))


def _evaluate(
    losses: Callable[..., Mapping[str, Tensor]], inputs: Mapping[str, Tensor]
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    """The losses, and by input the gradient of their sum."""
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    got = losses(**leaves)
    gradients = torch.autograd.grad(torch.stack(list(got.values())).sum(), list(leaves.values()))
    return {name: loss.detach() for name, loss in got.items()}, dict(zip(leaves, gradients, strict=True))
