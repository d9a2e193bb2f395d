"""Of a retrieval: recall over queries of one kind, and what stands in the way of each query.

Legend: Q queries, G gallery items, B queries of a block, D width of a code.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from quatrefoil.core.evaluation.retrieval import CodeSimilarity, Rivals, rank_blocks
from quatrefoil.core.evaluation.statistics import Interval, recall_interval

NO_RIVAL = -1


@runtime_checkable
class TellsKinds(Protocol):
    """Data whose groups are of known kinds, over which a score may be broken down."""

    def kinds(self, split: str) -> Mapping[int, str]:
        """Group -> its kind; groups that are not there are of none."""


def recall_by_kind(
    ranks_Q: Tensor, groups_Q: Tensor, kinds: Mapping[int, str]
) -> dict[str, tuple[float, Interval | None]]:
    """R@1 in percent over the queries of each kind, among the whole gallery, and its 95 % bootstrap interval.

    A kind of one group alone has no interval.
    """
    kind_Q = [kinds.get(group) for group in groups_Q.tolist()]
    found = {}
    for kind in sorted({kind for kind in kind_Q if kind is not None}):
        of_kind_Q = torch.tensor([each == kind for each in kind_Q])
        ranks, groups = ranks_Q[of_kind_Q], groups_Q[of_kind_Q]
        interval = recall_interval(ranks, groups, 1) if len(set(groups.tolist())) > 1 else None
        found[kind] = 100 * (ranks <= 1).double().mean().item(), interval
    return found


@torch.no_grad()
def ranks_and_rivals(
    queries_QD: Tensor,
    gallery_GD: Tensor,
    query_groups_Q: Tensor,
    gallery_groups_G: Tensor,
    *,
    block: int = 1024,
    rivals: Rivals = "items",
) -> tuple[Tensor, Tensor]:
    """`rank_blocks` of inner products (Q,), and the place of each query's strongest rival (Q,), in one pass.

    Memory is that of `block` rows of similarities. The rival is what is most like the query among the items of other
    groups; of a query whose rank is not 1 this is what was found in its place. Of equals the first is told; `NO_RIVAL`
    where there is no other group.

    Raises:
        ValueError: as `CodeSimilarity` and `rank_blocks`.
    """
    places: list[Tensor] = []

    def noted() -> Iterator[Tensor]:
        for number, similarity_BG in enumerate(CodeSimilarity(queries_QD, gallery_GD, block)):
            yield similarity_BG  # first, so that what does not fit is refused in words
            groups_B = query_groups_Q[number * block : (number + 1) * block]
            places.append(_strongest_rival(similarity_BG, groups_B[:, None] == gallery_groups_G[None]))

    ranks_Q = rank_blocks(noted(), query_groups_Q, gallery_groups_G, rivals=rivals)
    return ranks_Q, torch.cat(places)


def _strongest_rival(similarity_BG: Tensor, own_BG: Tensor) -> Tensor:
    place_B = similarity_BG.masked_fill(own_BG, -torch.inf).argmax(1)
    return place_B.masked_fill(own_BG.all(1), NO_RIVAL)
