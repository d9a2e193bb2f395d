"""Collectives that losses are built from: exact gradients, ragged batches, empty ranks.

Legend: B rows of this rank, N rows of all ranks, x any trailing shape.

Every function is a collective: all ranks of the group call it, in the same order. `process_group=None` is the default
group where torch.distributed is initialised and one process otherwise, read at call time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# Their order is what ranks send one another, so a new type goes to the end.
_DTYPES = (
    *(torch.float64, torch.float32, torch.bfloat16, torch.float16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)
_MOST_DIMENSIONS = 8


class RanksDisagree(ValueError):
    """Ranks were given values that must be alike and are not; raised on every rank."""


@dataclass(frozen=True)
class Gathered:
    """Rows of all ranks in rank order (N, x); `rows[start : start + sizes[rank]]` are this rank's own."""

    rows: Tensor
    start: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class _Header:
    """What ranks must know of one another's tensors before they exchange them."""

    dtype: torch.dtype
    requires_grad: bool
    shape: tuple[int, ...]

    def __str__(self) -> str:
        kind = "with" if self.requires_grad else "without"
        return f"{self.shape} of {self.dtype} {kind} gradient"


def world_size(process_group: dist.ProcessGroup | None = None) -> int:
    """Number of ranks in the group; 1 where torch.distributed is not initialised."""
    return dist.get_world_size(process_group) if _initialised() else 1


def rank(process_group: dist.ProcessGroup | None = None) -> int:
    """This process's place in the group; 0 where torch.distributed is not initialised."""
    return dist.get_rank(process_group) if _initialised() else 0


def gather_rows(
    x_Bx: Tensor, process_group: dist.ProcessGroup | None = None, *, pad_trailing: bool = False
) -> Gathered:
    """All ranks' rows, in rank order, with the exact gradient: summed over ranks, then cut to this rank's rows.

    Any of the usual number types and bool; B may differ between ranks and may be 0. Either all ranks need a gradient or
    none does, because the backward pass is a collective too.

    Args:
        x_Bx: rows of this rank, at least one-dimensional.
        pad_trailing: pad trailing dimensions with zeros up to the largest over the ranks; otherwise they must be alike.

    Raises:
        RanksDisagree: on every rank, where trailing shapes, types or the need of a gradient differ.
    """
    if not 1 <= x_Bx.dim() <= _MOST_DIMENSIONS or x_Bx.dtype not in _DTYPES:
        raise ValueError(
            f"gather_rows: takes 1 to {_MOST_DIMENSIONS} dimensions of {_DTYPES}; got {x_Bx.shape} {x_Bx.dtype}"
        )
    if world_size(process_group) == 1:
        return Gathered(x_Bx, 0, (len(x_Bx),))
    headers = _headers_of_ranks(x_Bx, process_group)
    _check_alike(headers, pad_trailing)
    if pad_trailing:
        x_Bx = _pad_trailing(x_Bx, [max(sizes) for sizes in zip(*(h.shape for h in headers), strict=True)][1:])
    sizes = tuple(header.shape[0] for header in headers)
    rows: Tensor = _GatherRows.apply(x_Bx, sizes, process_group)  # type: ignore[no-untyped-call]
    return Gathered(rows, _start(sizes, process_group), sizes)


def global_sum(x: Tensor, process_group: dist.ProcessGroup | None = None) -> Tensor:
    """Elementwise sum over ranks, without gradient; `x` has the same shape on every rank.

    fp16 and bf16 are summed and returned in fp32, bool in int64; other types stay.
    """
    total = x.detach().to(torch.int64) if x.dtype == torch.bool else _sums_in(x.detach())
    total = total.clone(memory_format=torch.contiguous_format)
    if world_size(process_group) > 1:
        dist.all_reduce(total, group=process_group)
    return total


def global_mean(
    values_B: Tensor, weights_B: Tensor | None = None, process_group: dist.ProcessGroup | None = None
) -> Tensor:
    """W * (weighted local sum) / (global sum of weights): its mean over the W ranks is the mean over the global batch.

    So a loss made of it has exact gradients under engines that average gradients over ranks. In fp32 at least. Where
    the weights of all ranks sum to zero it is a zero that carries gradient, so backward runs on every rank alike.

    Args:
        values_B: one value per term; any shape, and any number of terms on each rank, 0 included.
        weights_B: weights of at least 0 in the shape of the values, without gradient; all 1 if None.
    """
    weights_B = torch.ones_like(values_B) if weights_B is None else weights_B
    if weights_B.shape != values_B.shape or weights_B.requires_grad:
        raise ValueError(
            f"global_mean: weights must have the values' shape {tuple(values_B.shape)} and no gradient; got "
            f"{tuple(weights_B.shape)}, requires_grad={weights_B.requires_grad}"
        )
    wide = torch.promote_types(torch.promote_types(values_B.dtype, weights_B.dtype), torch.float32)
    weights_B = weights_B.to(wide)
    total = global_sum(weights_B.sum(), process_group)
    # A branch on the total would wait for the device; with total 0 the numerator is the zero that we want.
    total = torch.where(total == 0, torch.ones_like(total), total)
    return world_size(process_group) * (values_B.to(wide) * weights_B).sum() / total


def agree(value: int | str, what: str, process_group: dist.ProcessGroup | None = None) -> None:
    """Check that every rank was given the same number or text; `what` names it in the error.

    Raises:
        RanksDisagree: on every rank, with the value of each.
    """
    if world_size(process_group) == 1:
        return
    letters = list(str(value).encode())
    mine = torch.tensor(letters, dtype=torch.uint8, device=_device_for_integers(process_group))
    found = gather_rows(mine, process_group)
    values = [bytes(part.tolist()).decode() for part in torch.split(found.rows, list(found.sizes))]
    if len(set(values)) > 1:
        raise RanksDisagree(f"{what} differs between ranks: {_by_rank(values)}; start every rank with the same one")


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_Bx: Tensor, sizes: tuple[int, ...], process_group: dist.ProcessGroup | None) -> Tensor:
        ctx.sizes, ctx.process_group = sizes, process_group
        return _all_rows(x_Bx, sizes, process_group)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_Nx: Tensor) -> tuple[Tensor, None, None]:
        start = _start(ctx.sizes, ctx.process_group)
        total_Nx = global_sum(grad_Nx, ctx.process_group)
        return total_Nx[start : start + ctx.sizes[rank(ctx.process_group)]].to(grad_Nx.dtype), None, None


def _all_rows(x_Bx: Tensor, sizes: Sequence[int], process_group: dist.ProcessGroup | None) -> Tensor:
    """Exchange bytes, padded to the largest rank: one way for all types, whatever the backend knows of them."""
    trailing = x_Bx.shape[1:]
    counts = [size * trailing.numel() * x_Bx.itemsize for size in sizes]
    if not any(counts):
        return x_Bx.new_empty(sum(sizes), *trailing)
    flat = x_Bx.reshape(-1).view(torch.uint8)
    mine = F.pad(flat, (0, max(counts) - len(flat)))
    everyone = [torch.empty_like(mine) for _ in counts]
    dist.all_gather(everyone, mine, group=process_group)
    rows = torch.cat([part[:count] for part, count in zip(everyone, counts, strict=True)])
    return rows.view(x_Bx.dtype).view(sum(sizes), *trailing)


def _headers_of_ranks(x_Bx: Tensor, process_group: dist.ProcessGroup | None) -> list[_Header]:
    needs_grad = torch.is_grad_enabled() and x_Bx.requires_grad
    shape = [*x_Bx.shape, *[-1] * (_MOST_DIMENSIONS - x_Bx.dim())]
    rows = _integers_of_ranks([_DTYPES.index(x_Bx.dtype), int(needs_grad), *shape], process_group)
    return [_Header(_DTYPES[code], bool(grad), tuple(s for s in shape if s >= 0)) for code, grad, *shape in rows]


def _check_alike(headers: Sequence[_Header], pad_trailing: bool) -> None:
    alike = {(h.dtype, h.requires_grad, len(h.shape) if pad_trailing else h.shape[1:]) for h in headers}
    if len(alike) > 1:
        raise RanksDisagree(
            f"gather_rows: ranks hold rows that do not fit together: {_by_rank(headers)}; give all the same type, "
            f"need of gradient and shape after the first dimension (pad_trailing=True pads sizes that differ)"
        )


def _pad_trailing(x_Bx: Tensor, trailing: Sequence[int]) -> Tensor:
    missing = [want - have for want, have in zip(trailing, x_Bx.shape[1:], strict=True)]
    return F.pad(x_Bx, [n for size in reversed(missing) for n in (0, size)])


def _integers_of_ranks(values: Sequence[int], process_group: dist.ProcessGroup | None) -> list[list[int]]:
    """Equally many integers from each rank, in rank order."""
    mine = torch.tensor(values, dtype=torch.int64, device=_device_for_integers(process_group))
    everyone = [torch.empty_like(mine) for _ in range(world_size(process_group))]
    dist.all_gather(everyone, mine, group=process_group)
    rows: list[list[int]] = torch.stack(everyone).tolist()
    return rows


def _device_for_integers(process_group: dist.ProcessGroup | None) -> torch.device:
    """The CPU where the group can speak from it (nothing then waits for an accelerator), else the current GPU."""
    if "cpu:" in dist.get_backend_config(process_group):
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def _start(sizes: Sequence[int], process_group: dist.ProcessGroup | None) -> int:
    return sum(sizes[: rank(process_group)])


def _sums_in(x: Tensor) -> Tensor:
    """fp16 and bf16 as fp32: sums of them would lose counts above 2048 and 256."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _by_rank(values: Sequence[object]) -> str:
    return ", ".join(f"rank {number}: {value}" for number, value in enumerate(values))


def _initialised() -> bool:
    return dist.is_available() and dist.is_initialized()
