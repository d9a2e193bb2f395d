"""Collectives. Legend: B rows of a rank, N rows of all ranks."""

import time
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from quatrefoil.core import distributed as qd
from tests.distributed_harness import RankFailed, RanksTimedOut, run_ranks

SIZES = [(5, 3), (0, 4), (0, 0), (4, 1, 3, 2), (3, 0, 0, 2)]
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool]


def _all_rows(sizes: tuple[int, ...], *trailing: int) -> Tensor:
    seed = torch.Generator().manual_seed(sum(sizes))
    return torch.randn(sum(sizes), *trailing, generator=seed, dtype=torch.float64)


def _mine(rows: Tensor, sizes: tuple[int, ...]) -> Tensor:
    return rows.split(sizes)[qd.rank()].clone()


def _of_type(rows: Tensor, dtype: torch.dtype) -> Tensor:
    return rows > 0 if dtype == torch.bool else (rows * 10).abs().to(dtype)


def _gathers_every_type(sizes: tuple[int, ...]) -> None:
    for dtype in DTYPES:
        for trailing in [(), (3,), (2, 0), (2, 1, 3)]:
            rows = _of_type(_all_rows(sizes, *trailing), dtype)
            everyone = qd.gather_rows(_mine(rows, sizes))
            assert everyone.rows.dtype == dtype
            assert torch.equal(everyone.rows, rows)
            assert everyone.sizes == sizes
            assert everyone.start == sum(sizes[: qd.rank()])


def _gathers_strided_rows(sizes: tuple[int, ...]) -> None:
    rows = _all_rows(sizes, 4, 3)
    assert torch.equal(qd.gather_rows(_mine(rows, sizes).mT).rows, rows.mT)


def _pads_trailing(sizes: tuple[int, ...]) -> None:
    own = torch.full((sizes[qd.rank()], qd.rank() + 1, 2), float(qd.rank() + 1), requires_grad=True)
    everyone = qd.gather_rows(own, pad_trailing=True)
    assert everyone.rows.shape == (sum(sizes), len(sizes), 2)
    assert everyone.rows.requires_grad
    for owner, part in enumerate(everyone.rows.split(sizes)):
        assert (part[:, : owner + 1] == owner + 1).all()
        assert (part[:, owner + 1 :] == 0).all()
    everyone.rows.sum().backward()
    assert torch.equal(own.grad, torch.full_like(own, len(sizes)))


def _sums_gradients_over_ranks(sizes: tuple[int, ...]) -> None:
    rows, pull = _all_rows(sizes, 3), _all_rows(sizes, 3, 1)[..., 0]
    for dtype, tolerance in [(torch.float64, 1e-14), (torch.bfloat16, 1e-2)]:
        own = _mine(rows, sizes).to(dtype).requires_grad_()
        (qd.gather_rows(own).rows * pull.to(dtype) * (qd.rank() + 1)).sum().backward()
        expected = _mine(pull, sizes) * sum(range(1, len(sizes) + 1))
        assert own.grad.dtype == dtype
        torch.testing.assert_close(own.grad.double(), expected, rtol=tolerance, atol=0)


def _passes_gradcheck(sizes: tuple[int, ...]) -> None:
    """The sum over ranks of f is a function of all rows; all ranks step along the same direction at the same time."""
    rows, pull = _all_rows(sizes, 3), _all_rows(sizes, 3).cos()
    own = _mine(rows, sizes).requires_grad_()
    loss = ((qd.gather_rows(own).rows ** 3 * pull).sin() * (qd.rank() + 1)).sum()
    (grad,) = torch.autograd.grad(loss, own)

    def total(shift: float) -> Tensor:
        moved = qd.gather_rows(own.detach() + shift * _mine(pull, sizes)).rows
        return qd.global_sum(((moved**3 * pull).sin() * (qd.rank() + 1)).sum())

    slope = (total(1e-5) - total(-1e-5)) / 2e-5
    torch.testing.assert_close(qd.global_sum((grad * _mine(pull, sizes)).sum()), slope, rtol=1e-7, atol=1e-8)


def _sums_counts_exactly(sizes: tuple[int, ...]) -> None:
    count = torch.tensor(256.0 if qd.rank() == 0 else 1.0, dtype=torch.bfloat16)
    assert qd.global_sum(count).item() == 255 + len(sizes)
    assert qd.global_sum(torch.tensor([True, False])).tolist() == [len(sizes), 0]
    given = torch.ones(2, requires_grad=True)
    summed = qd.global_sum(given)
    assert not summed.requires_grad
    assert given.tolist() == [1, 1]


def _means_globally(sizes: tuple[int, ...]) -> dict[str, Tensor]:
    values, weights = _all_rows(sizes).requires_grad_(), _all_rows(sizes).abs()
    plain = qd.global_mean(values.split(sizes)[qd.rank()])
    weighted = qd.global_mean(values.split(sizes)[qd.rank()], _mine(weights, sizes))
    void = qd.global_mean(values.split(sizes)[qd.rank()], torch.zeros(sizes[qd.rank()]))
    (grad,) = torch.autograd.grad(weighted, values, retain_graph=True)
    (nothing,) = torch.autograd.grad(void, values)
    assert void == 0
    assert not nothing.any()
    return {"plain": plain.detach(), "weighted": weighted.detach(), "grad": grad}


def _raises_everywhere(sizes: tuple[int, ...]) -> None:
    qd.agree(7, "the seed")
    with pytest.raises(qd.RanksDisagree, match=r"the seed differs between ranks: rank 0: 1, rank 1: 0"):
        qd.agree(int(qd.rank() == 0), "the seed")
    qd.agree("any text", "the data")
    with pytest.raises(qd.RanksDisagree, match=r"the data differs between ranks: rank 0: ä, rank 1: longer"):
        qd.agree("longer" if qd.rank() else "ä", "the data")
    odd = int(qd.rank() == 1)
    misfits = [torch.zeros(2, 3 + odd), torch.zeros(2, dtype=[torch.float32, torch.int64][odd])]
    for misfit in [*misfits, torch.zeros(2, *[1] * odd), torch.zeros(2, requires_grad=bool(odd))]:
        with pytest.raises(qd.RanksDisagree, match=r"rank 1: \("):
            qd.gather_rows(misfit)


CHECKS = [
    _gathers_every_type,
    _gathers_strided_rows,
    _pads_trailing,
    _sums_gradients_over_ranks,
    _passes_gradcheck,
    _sums_counts_exactly,
    _raises_everywhere,
]


def _check_rank(all_sizes: list[tuple[int, ...]]) -> list[dict[str, Tensor]]:
    for sizes in all_sizes:
        for check in CHECKS:
            check(sizes)
    return [_means_globally(sizes) for sizes in all_sizes]


@pytest.mark.parametrize("world_size", [2, 4])
def test_collectives_are_exact_for_ragged_and_empty_ranks(world_size: int) -> None:
    all_sizes = [sizes for sizes in SIZES if len(sizes) == world_size]
    ranks = run_ranks(world_size, _check_rank, all_sizes)
    for sizes, *results in zip(all_sizes, *ranks, strict=True):
        values, weights = _all_rows(sizes), _all_rows(sizes).abs()
        total = weights.sum().clamp(min=1e-300)
        expected = {
            "plain": values.sum() / max(1, len(values)),
            "weighted": (values * weights).sum() / total,
            "grad": weights / total,
        }
        for name, value in expected.items():
            over_ranks = torch.stack([result[name] for result in results]).mean(0)
            torch.testing.assert_close(over_ranks, value, rtol=1e-12, atol=1e-15)


def test_one_process_needs_no_process_group() -> None:
    rows = torch.randn(3, 2, requires_grad=True)
    everyone = qd.gather_rows(rows)
    assert (qd.world_size(), qd.rank(), everyone.start, everyone.sizes) == (1, 0, 0, (3,))
    assert torch.equal(everyone.rows, rows)
    assert torch.equal(qd.global_mean(rows), rows.mean())
    qd.agree(3, "anything")


def _gather_on_a_lone_rank(_: Any = None) -> list[bool]:
    """The real exchange at world size 1, where numerical gradients can be taken without other ranks moving."""
    rows = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    return [torch.autograd.gradcheck(lambda x: qd._GatherRows.apply(x, (3,), None) ** 2, rows)]


def test_gather_passes_autograd_gradcheck() -> None:
    assert run_ranks(1, _gather_on_a_lone_rank) == [[True]]


@pytest.mark.parametrize("rows", [torch.tensor(1.0), torch.zeros(2, dtype=torch.complex64)])
def test_what_cannot_be_gathered_is_an_error(rows: Tensor) -> None:
    with pytest.raises(ValueError, match="gather_rows: takes"):
        qd.gather_rows(rows)


def test_weights_of_another_shape_are_an_error() -> None:
    with pytest.raises(ValueError, match="weights must have the values' shape"):
        qd.global_mean(torch.ones(3), torch.ones(1))


def _fail_on_rank_one() -> None:
    if dist.get_rank() == 1:
        raise RuntimeError("a fault to be told")
    dist.barrier()


def _hang() -> None:
    time.sleep(60)


def test_a_failing_rank_is_told_with_its_traceback() -> None:
    with pytest.raises(RankFailed, match=r"(?s)rank 1.*_fail_on_rank_one.*a fault to be told"):
        run_ranks(2, _fail_on_rank_one)


def test_hanging_ranks_are_killed_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(RanksTimedOut, match=r"_hang: ranks \[0, 1\]"):
        run_ranks(2, _hang, timeout_s=4)
    assert time.monotonic() - began < 50  # less than they sleep, however busy the machine is
