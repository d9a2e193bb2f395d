"""What all losses share: the shape of a result, and the scores of rows of logits.

Legend: K rows, V classes.
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class LossResult:
    """A scalar loss and scalar metrics; the mean over ranks of each is its value on the global batch."""

    loss: Tensor

    def metrics(self) -> dict[str, Tensor]:
        """Every field by its name, the loss included, without gradient."""
        return {field.name: getattr(self, field.name).detach() for field in fields(self)}


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
