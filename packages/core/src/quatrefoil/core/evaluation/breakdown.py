"""Of a retrieval: recall over queries of one kind, and what stands in the way of each query.

Legend: Q queries, G gallery items, D width of a code.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from quatrefoil.core.evaluation.retrieval import CodeSimilarity
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
def strongest_rivals(
    queries_QD: Tensor, gallery_GD: Tensor, query_groups_Q: Tensor, gallery_groups_G: Tensor, *, block: int = 1024
) -> Tensor:
    """Place in the gallery of what is most like each query among the items of other groups, (Q,); `NO_RIVAL` if none.

    Of a query whose rank is not 1 this is what was found in its place. Of equals the first is told.

    Raises:
        ValueError: as `CodeSimilarity`.
    """
    places, start = [query_groups_Q.new_empty(0, dtype=torch.int64)], 0
    for similarity_BG in CodeSimilarity(queries_QD, gallery_GD, block):
        groups_B = query_groups_Q[start : start + len(similarity_BG)]
        own_BG = groups_B[:, None] == gallery_groups_G[None]
        place_B = similarity_BG.masked_fill(own_BG, -torch.inf).argmax(1)
        places.append(place_B.masked_fill(own_BG.all(1), NO_RIVAL))
        start += len(similarity_BG)
    return torch.cat(places)
