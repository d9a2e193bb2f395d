"""What all losses share: the shape of a result, and the scores of rows of logits.

Legend: K rows, V classes.
"""

from dataclasses import dataclass, fields
from typing import Literal, get_args

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from quatrefoil.core.distributed import world_size

GradientScale = Literal["exact", "local"]
"""The gradient of a loss over the global batch, once engines have averaged it over W ranks.

`exact`: the gradient of the global loss. `local`: 1/W of it, the same value; so do codes that gather with a gradient
for the local slice only (Clover, CLIP4Clip), and settings tuned with them (clipping, weights of losses) expect it.
"""


@dataclass(frozen=True)
class LossResult:
    """A scalar loss and scalar metrics; the mean over ranks of each is its value on the global batch."""

    loss: Tensor

    def metrics(self) -> dict[str, Tensor]:
        """Every field by its name, the loss included, without gradient."""
        return {field.name: getattr(self, field.name).detach() for field in fields(self)}


class NonFinite(ValueError):
    """A loss was given codes that are NaN or infinite and can do nothing with them; raised on every rank."""


def widen(x: Tensor) -> Tensor:
    """fp32 at least: fp64 stays, everything else becomes fp32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def score_rows(logits_KV: Tensor, labels_K: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each row in fp32 at least (K), and whether its label alone has the highest logit (K, bool).

    A tie is not correct, so a model whose logits are all equal has accuracy 0 and not 1.
    """
    logits_KV = widen(logits_KV)
    own_K1 = logits_KV.detach().gather(1, labels_K[:, None])
    correct_K = (logits_KV.detach() >= own_K1).sum(1) == 1
    return F.cross_entropy(logits_KV, labels_K, reduction="none"), correct_K


def check_shape(name: str, x: Tensor, shape: tuple[int | None, ...]) -> None:
    """Raise `ValueError` where `x` has not this shape; None stands for any size."""
    fits = x.dim() == len(shape) and all(want in (None, have) for want, have in zip(shape, x.shape, strict=False))
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name}: expected shape ({wanted}), got {tuple(x.shape)}")


def check_labels(name: str, logits_KV: Tensor, labels_K: Tensor, mend: str) -> None:
    """Raise `ValueError` unless there is one label in 0 .. V-1 for each row of logits; `mend` says how to mend it."""
    check_shape(f"{name}: logits", logits_KV, (None, None))
    check_shape(f"{name}: labels", labels_K, (len(logits_KV),))
    outside_K = (labels_K < 0) | (labels_K >= logits_KV.shape[1])
    if outside_K.any():
        raise ValueError(
            f"{name}: {int(outside_K.sum())} of {len(labels_K)} labels outside 0 .. {logits_KV.shape[1] - 1}: "
            f"the first is {int(labels_K[outside_K][0])}; {mend}"
        )


def scale_gradient(
    loss: Tensor, gradient_scale: GradientScale, process_group: dist.ProcessGroup | None = None
) -> Tensor:
    """The same value, with the gradient of the named convention.

    Raises:
        ValueError: no such convention.
    """
    if gradient_scale not in get_args(GradientScale):
        raise ValueError(f"gradient_scale must be one of {', '.join(get_args(GradientScale))}, got {gradient_scale!r}")
    if gradient_scale == "exact":
        return loss
    return loss.detach() + (loss - loss.detach()) / world_size(process_group)
