"""Ranks against their definition. Q queries, G gallery items, K groups, D width."""

from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from quatrefoil.core.evaluation.breakdown import ranks_and_rivals
from quatrefoil.core.evaluation.retrieval import (
    CodeSimilarity,
    dual_softmax,
    rank_blocks,
    retrieval_metrics,
)

Rivals = Literal["items", "groups"]


def plain_rank(scores_G: list[float], own: int, groups_G: list[int], rivals: Rivals) -> int:
    """The definition, one query at a time."""
    best = max(s for s, g in zip(scores_G, groups_G, strict=True) if g == own)
    ahead = [g for s, g in zip(scores_G, groups_G, strict=True) if g != own and s >= best]
    return 1 + len(ahead if rivals == "items" else set(ahead))


def draw(seed: int, *, levels: int, queries: int = 23, gallery: int = 17) -> tuple[Tensor, Tensor, Tensor]:
    """Similarities of few levels (so with many ties), and groups such that every query has a relevant item."""
    generator = torch.Generator().manual_seed(seed)
    gallery_groups = torch.cat([torch.arange(5), torch.randint(0, 5, (gallery - 5,), generator=generator)])
    similarity = torch.randint(-levels, levels, (queries, gallery), generator=generator).float()
    return similarity, torch.randint(0, 5, (queries,), generator=generator), gallery_groups


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 1000]), st.sampled_from(["items", "groups"]), st.integers(1, 30))
def test_ranks_are_those_of_the_definition_with_ties(seed: int, levels: int, rivals: Rivals, block: int) -> None:
    similarity_QG, query_groups, gallery_groups = draw(seed, levels=levels)
    ranks = rank_blocks(torch.split(similarity_QG, block), query_groups, gallery_groups, rivals=rivals)
    expected = [
        plain_rank(row, own, gallery_groups.tolist(), rivals)
        for row, own in zip(similarity_QG.tolist(), query_groups.tolist(), strict=True)
    ]
    assert ranks.tolist() == expected


@pytest.mark.parametrize("width", [1, 33, 512])
def test_a_collapsed_model_ranks_last(width: int) -> None:
    codes = torch.randn(1, width, generator=torch.Generator().manual_seed(0)).expand(301, width)
    for block in (1, 7, 1024):
        ranks, _ = ranks_and_rivals(codes, codes, torch.arange(301), torch.arange(301), block=block)
        assert (ranks == 301).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_ranks_do_not_depend_on_the_block(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    queries, gallery = (torch.randn(n, 64, generator=generator).to(dtype) for n in (230, 90))
    groups = torch.arange(230) % 90
    expected = rank_blocks([(queries.double() @ gallery.double().T).float()], groups, torch.arange(90))
    for block in (1, 64, 229, 5000):
        ranks, _ = ranks_and_rivals(queries, gallery, groups, torch.arange(90), block=block)
        assert torch.equal(ranks, expected)


def test_no_block_is_larger_than_asked_for() -> None:
    blocks = CodeSimilarity(torch.ones(10, 3), torch.ones(4, 3), block=4)
    assert [tuple(block.shape) for block in blocks] == [(4, 4), (4, 4), (2, 4)]


def test_both_ways_every_query_asks_and_the_best_of_a_group_answers() -> None:
    generator = torch.Generator().manual_seed(2)
    groups_Q = torch.tensor([0, 0, 0, 1, 2, 2, 3])
    queries, gallery = torch.randn(7, 4, generator=generator), torch.randn(4, 4, generator=generator)
    forward, _ = ranks_and_rivals(queries, gallery, groups_Q, torch.arange(4))
    backward, _ = ranks_and_rivals(gallery, queries, torch.arange(4), groups_Q, rivals="groups")
    similarity = queries @ gallery.T
    best_KG = torch.stack([similarity[groups_Q == g].amax(0) for g in range(4)])
    assert forward.tolist() == [1 + int((row > row[g]).sum()) for row, g in zip(similarity, groups_Q, strict=True)]
    assert backward.tolist() == [1 + int((best_KG[:, i] > best_KG[i, i]).sum()) for i in range(4)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=50))
def test_metrics_are_numpys(ranks: list[int]) -> None:
    found, array = retrieval_metrics(torch.tensor(ranks), 40), np.array(ranks)
    np.testing.assert_allclose([found.r1, found.r5, found.r10], [100 * (array <= k).mean() for k in (1, 5, 10)])
    np.testing.assert_allclose([found.median_rank, found.mean_rank], [np.median(array), array.mean()])


def test_metrics_take_more_ranks_than_torch_quantiles_do() -> None:
    ranks = torch.arange(1, 17_000_001) % 1000 + 1
    assert retrieval_metrics(ranks, 1000).median_rank == 500.5


@pytest.mark.parametrize("block", [1, 4, 100])
def test_dual_softmax_is_the_product_with_the_softmax_over_queries(block: int) -> None:
    similarity_QG = torch.randn(9, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = torch.cat(list(dual_softmax(torch.split(similarity_QG, block), 0.1)))
    torch.testing.assert_close(found, similarity_QG * (similarity_QG / 0.1).softmax(0))


def test_dual_softmax_refuses_what_it_could_run_only_once() -> None:
    with pytest.raises(ValueError, match="run twice"):
        dual_softmax((block for block in [torch.ones(2, 2)]), 0.1)
    with pytest.raises(ValueError, match="above 0"):
        dual_softmax([torch.ones(2, 2)], 0.0)


def test_wrong_rows_are_named() -> None:
    codes, own = torch.eye(4), torch.arange(4)
    broken = codes.clone()
    broken[2, 1], broken[3, 0] = torch.nan, torch.inf
    with pytest.raises(ValueError, match="2 rows of queries: codes that are not finite: 2, 3"):
        ranks_and_rivals(broken, codes, own, own)
    with pytest.raises(ValueError, match="gallery: codes that are not finite: 2, 3"):
        ranks_and_rivals(codes, broken, own, own)
    with pytest.raises(ValueError, match="NaN similarities: 2"):
        rank_blocks(torch.split(broken, 3), own, own)
    with pytest.raises(ValueError, match="no gallery item of their group: 3"):
        ranks_and_rivals(codes, codes, own, own % 3, block=2)


def test_sizes_that_do_not_fit_are_refused() -> None:
    codes, own = torch.eye(4), torch.arange(4)
    with pytest.raises(ValueError, match="of one width"):
        ranks_and_rivals(codes[:, :3], codes, own, own)
    with pytest.raises(ValueError, match="do not fit 4 queries x 4 items"):
        rank_blocks([codes[:, :3]], own, own)
    with pytest.raises(ValueError, match="do not fit"):
        rank_blocks([codes, codes], own, own)
    with pytest.raises(ValueError, match="2 rows for 4 queries"):
        rank_blocks([codes[:2]], own, own)
    with pytest.raises(ValueError, match="2 rows for 4 queries"):
        ranks_and_rivals(codes[:2], codes, own, own, block=2)
    with pytest.raises(ValueError, match="at least one row"):
        ranks_and_rivals(codes, codes, own, own, block=0)
    for ranks in ([], [0], [5]):
        with pytest.raises(ValueError, match="1-4"):
            retrieval_metrics(torch.tensor(ranks), 4)
