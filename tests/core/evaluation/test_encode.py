"""Codes of all ranks, in order and each once. E items that are expected, D width."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from quatrefoil.core.distributed import rank, world_size
from quatrefoil.core.evaluation.encode import gather_by_id, shard_indices
from tests.distributed_harness import run_ranks


@given(st.integers(0, 50), st.integers(1, 9))
def test_shards_hold_every_index_once_and_are_of_like_size(total: int, world: int) -> None:
    shards = [shard_indices(total, r, world) for r in range(world)]
    assert sorted(i for shard in shards for i in shard) == list(range(total))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_rank_outside_the_world_has_no_shard() -> None:
    with pytest.raises(ValueError, match="rank 2 of 2"):
        shard_indices(5, 2, 2)


def test_codes_come_in_the_order_of_their_ids_and_once() -> None:
    codes_ED = torch.randn(6, 2, 3, generator=torch.Generator().manual_seed(4))
    ids = torch.tensor([5, 1, 0, 2, 1, 4, 3])
    assert torch.equal(gather_by_id(ids, codes_ED[ids], 6), codes_ED)


def test_ids_that_cannot_make_the_split_are_named() -> None:
    codes = torch.eye(4)
    with pytest.raises(ValueError, match=r"2 of 6 ids have no code on any rank.*: 1, 5"):
        gather_by_id(torch.tensor([0, 2, 3, 4]), codes, 6)
    with pytest.raises(ValueError, match=r"ids outside 0\.\.2.*: -1, 3"):
        gather_by_id(torch.tensor([0, -1, 3, 2]), codes, 3)
    with pytest.raises(ValueError, match=r"1 ids repeated with other codes.*: 2"):
        gather_by_id(torch.tensor([0, 1, 2, 2]), codes, 3)
    with pytest.raises(ValueError, match="one int64 id per code"):
        gather_by_id(torch.tensor([0, 1]), codes, 2)
    with pytest.raises(ValueError, match="one int64 id per code"):
        gather_by_id(torch.arange(4.0), codes, 4)


def test_a_repetition_may_differ_by_rounding_but_not_be_nan() -> None:
    codes = torch.ones(3, 8)
    codes[2] *= 1 + 2**-8
    assert gather_by_id(torch.tensor([0, 1, 1]), codes, 2).shape == (2, 8)
    codes[2, 0] = torch.nan
    with pytest.raises(ValueError, match="repeated with other codes"):
        gather_by_id(torch.tensor([0, 1, 1]), codes, 2)
    assert gather_by_id(torch.tensor([0, 1, 2]), codes, 3)[2, 0].isnan()


def _ranks_and_errors(total: int) -> tuple[Tensor, str]:
    codes = torch.randn(total, 8, generator=torch.Generator().manual_seed(5))
    mine = torch.tensor(list(shard_indices(total, rank(), world_size())), dtype=torch.int64)
    repeated = torch.cat([mine, mine[:1]])
    gathered = gather_by_id(repeated, codes[repeated], total)
    try:
        gather_by_id(mine[rank() :], codes[mine[rank() :]], total)
    except ValueError as error:
        return gathered, str(error)
    return gathered, ""


@pytest.mark.parametrize(("world", "total"), [(2, 7), (3, 2), (3, 7)])
def test_any_world_gathers_the_same_codes_and_all_ranks_name_the_missing(world: int, total: int) -> None:
    codes = torch.randn(total, 8, generator=torch.Generator().manual_seed(5))
    missing = sorted(i for r in range(world) for i in list(shard_indices(total, r, world))[:r])
    for gathered, error in run_ranks(world, _ranks_and_errors, total):
        assert torch.equal(gathered, codes)
        assert error.endswith(": " + ", ".join(map(str, missing)))
