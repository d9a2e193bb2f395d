"""Scores by kind, and what is found in the place of what was asked for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.evaluation.breakdown import NO_RIVAL, ranks_and_rivals, recall_by_kind
from quatrefoil.core.evaluation.retrieval import rank_blocks

KINDS = {0: "a", 1: "b", 2: "a"}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=30))
def test_kinds_that_cover_all_queries_make_up_the_whole(queries: list[tuple[int, int]]) -> None:
    groups_Q, ranks_Q = (torch.tensor(column) for column in zip(*queries, strict=True))
    found = recall_by_kind(ranks_Q, groups_Q, KINDS)
    counts = {kind: sum(KINDS[group] == kind for group, _ in queries) for kind in found}
    whole = sum(found[kind][0] * count for kind, count in counts.items()) / len(queries)
    assert whole == pytest.approx(100 * sum(rank == 1 for _, rank in queries) / len(queries))
    for kind, (share, interval) in found.items():
        of_kind = {group for group, _ in queries if KINDS[group] == kind}
        assert (interval is None) == (len(of_kind) == 1)
        assert interval is None or interval.low <= share <= interval.high


def test_queries_of_no_kind_count_for_none() -> None:
    ranks_Q, groups_Q = torch.tensor([1, 2, 1]), torch.tensor([0, 7, 1])
    assert {kind: share for kind, (share, _) in recall_by_kind(ranks_Q, groups_Q, KINDS).items()} == {
        "a": 100,
        "b": 100,
    }
    assert recall_by_kind(ranks_Q, groups_Q, {}) == {}


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_a_rival_is_the_most_alike_item_of_another_group_in_any_blocks(q: int, g: int, block: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    queries = torch.randn(q, 4, generator=draw)
    groups_Q = torch.randint(3, (q,), generator=draw)
    groups_G = torch.cat([groups_Q.unique(), torch.randint(3, (g,), generator=draw)])
    gallery = torch.randn(len(groups_G), 4, generator=draw)
    ranks_Q, rivals_Q = ranks_and_rivals(queries, gallery, groups_Q, groups_G, block=block)
    alike = (queries.double() @ gallery.double().T).float()
    assert torch.equal(ranks_Q, rank_blocks([alike], groups_Q, groups_G))
    for row, place in enumerate(rivals_Q.tolist()):
        others = [n for n in range(len(groups_G)) if groups_G[n] != groups_Q[row]]
        assert place == (max(others, key=lambda n: float(alike[row, n])) if others else NO_RIVAL)


def test_what_is_found_instead_is_at_least_as_alike_as_what_was_asked_for() -> None:
    draw = torch.Generator().manual_seed(0)
    queries, gallery, groups = torch.randn(20, 4, generator=draw), torch.randn(20, 4, generator=draw), torch.arange(20)
    alike = queries @ gallery.T
    ranks, rivals = ranks_and_rivals(queries, gallery, groups, groups)
    wrong = alike[groups, rivals] >= alike.diagonal()
    assert torch.equal(wrong, ranks > 1)
    assert wrong.any()
