"""Retrieval: ranks, and the metrics that the field prints.

Legend: Q queries, G gallery items, K groups of the gallery, B rows of a block, D width of a code.

Items that belong together share an integer group. Similarities are handled as blocks of rows (B, G), so that no Q x G
matrix is ever held; a given matrix is a list of one block, or of `matrix.split(size)`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from quatrefoil.core.wording import first_few

Blocks: TypeAlias = Iterable[Tensor]
Rivals: TypeAlias = Literal["items", "groups"]
"""What stands against the best relevant item of a query; see `rank_blocks`."""
RECALLED = (1, 5, 10)
COLUMNS = ("R@1", "R@5", "R@10", "MedianR", "MeanR")
DUAL_SOFTMAX = "dual_softmax"
"""What stands before the columns of scores that were post-processed so."""


@dataclass(frozen=True)
class CodeSimilarity:
    """Inner products of all queries with all gallery items: row blocks (B, G), to be iterated as often as needed.

    Accumulated in float64 and rounded to float32: equal codes then tie whatever the block and the hardware. Products
    of equal columns in float32 may differ in the last bit, and a collapsed model would seem to rank.

    Raises:
        ValueError: the codes are no matrices of one width, or hold numbers that are not finite (the rows are named).
    """

    queries_QD: Tensor
    gallery_GD: Tensor
    block: int = 1024

    def __post_init__(self) -> None:
        if self.block < 1:
            raise ValueError(f"block is {self.block}; a block needs at least one row")
        shapes = tuple(self.queries_QD.shape), tuple(self.gallery_GD.shape)
        if [len(shape) for shape in shapes] != [2, 2] or shapes[0][1] != shapes[1][1]:
            raise ValueError(f"queries {shapes[0]} and gallery {shapes[1]} must be matrices of one width")
        for name, codes in (("queries", self.queries_QD), ("gallery", self.gallery_GD)):
            _refuse_rows(~codes.isfinite().all(1), f"{name}: codes that are not finite", first_row=0)

    def __iter__(self) -> Iterator[Tensor]:
        gallery_DG = self.gallery_GD.double().T
        for queries_BD in torch.split(self.queries_QD, self.block):
            yield (queries_BD.double() @ gallery_DG).float()


@torch.no_grad()
def rank_blocks(
    blocks: Blocks,
    query_groups_Q: Tensor,
    gallery_groups_G: Tensor,
    *,
    rivals: Rivals = "items",
) -> Tensor:
    """1-based rank (Q,) of each query's best relevant gallery item, from similarities in row blocks (B, G).

    Relevant is what shares the query's group. Ties count against the model: the rank is 1 + the number of rivals whose
    similarity is at least that of the best relevant item.

    Args:
        blocks: similarities, higher is more alike; -inf marks a pair that was not scored.
        query_groups_Q: group of each query, integers.
        gallery_groups_G: group of each gallery item, integers.
        rivals: "items": every item of another group; "groups": every other group, by its best item (CLIP4Clip's
            `tensor_video_to_text_sim`, for galleries that hold several items of a group).

    Raises:
        ValueError: NaN similarities, sizes that do not fit, or queries without a relevant item (the rows are named).
    """
    columns_K, group_of_item_G = gallery_groups_G, None
    if rivals == "groups":
        columns_K, group_of_item_G = torch.unique(gallery_groups_G, return_inverse=True)
    ranks, start = [query_groups_Q.new_empty(0, dtype=torch.int64)], 0
    for similarity_BG in blocks:
        _check_block(similarity_BG, start, len(query_groups_Q), len(gallery_groups_G))
        groups_B = query_groups_Q[start : start + len(similarity_BG)].to(similarity_BG.device)
        scores_BK = similarity_BG if group_of_item_G is None else _best_of_groups(similarity_BG, group_of_item_G)
        ranks.append(_rank_block(scores_BK, groups_B, columns_K, start).to(query_groups_Q.device))
        start += len(similarity_BG)
    if start != len(query_groups_Q):
        raise ValueError(
            f"similarities have {start} rows for {len(query_groups_Q)} queries; give a row for every query"
        )
    return torch.cat(ranks)


def dual_softmax(blocks: Blocks, temperature: float) -> Iterator[Tensor]:
    """Similarities, in the same row blocks, times their softmax over all *queries* (CAMoE, arXiv 2109.04290).

    It sees the whole test set at once, so its results are a protocol of their own, and never stand in a column of plain
    ones.

    Args:
        blocks: similarities (B, G) that can be iterated twice (not a generator).
        temperature: similarities are divided by it before the softmax; above 0.
    """
    if not temperature > 0 or iter(blocks) is blocks:
        raise ValueError(
            f"dual_softmax needs a temperature above 0 (got {temperature}) and blocks that can be run twice"
        )
    return _times_softmax(blocks, temperature)


@dataclass(frozen=True)
class RetrievalMetrics:
    """What the field prints: recall at 1, 5 and 10 in percent, median and mean of the 1-based ranks.

    The median of an even number of ranks is the mean of the middle two.
    """

    r1: float
    r5: float
    r10: float
    median_rank: float
    mean_rank: float
    queries: int
    gallery: int

    def row(self) -> dict[str, float]:
        """Columns of a table."""
        values = (self.r1, self.r5, self.r10, self.median_rank, self.mean_rank)
        return dict(zip(COLUMNS, values, strict=True))


def recall(ranks_Q: Tensor, k: int) -> float:
    """R@K in percent: how many of the 1-based ranks (Q,) are K at most."""
    return 100 * (ranks_Q <= k).double().mean().item()


def retrieval_metrics(ranks_Q: Tensor, gallery: int) -> RetrievalMetrics:
    """Metrics of 1-based ranks (Q,) among `gallery` items (or groups, where these are the rivals).

    Raises:
        ValueError: no ranks, or ranks outside 1-`gallery`.
    """
    if ranks_Q.ndim != 1 or not len(ranks_Q) or ranks_Q.min() < 1 or ranks_Q.max() > gallery:
        raise ValueError(f"ranks of shape {tuple(ranks_Q.shape)} must be a non-empty row of numbers in 1-{gallery}")
    ranks_Q = ranks_Q.double()
    # torch.median takes the lower of the two middle ranks; torch.quantile refuses more than 16 M.
    median, mean = (ranks_Q.median() - (-ranks_Q).median()).item() / 2, ranks_Q.mean().item()
    r1, r5, r10 = (recall(ranks_Q, k) for k in RECALLED)
    return RetrievalMetrics(r1, r5, r10, median, mean, len(ranks_Q), gallery)


def _times_softmax(blocks: Blocks, temperature: float) -> Iterator[Tensor]:
    parts = [(similarity_BG / temperature).logsumexp(0) for similarity_BG in blocks]
    for similarity_BG in blocks:
        yield similarity_BG * (similarity_BG / temperature - torch.stack(parts).logsumexp(0)).exp()


def _rank_block(scores_BK: Tensor, groups_B: Tensor, columns_K: Tensor, start: int) -> Tensor:
    relevant_BK = groups_B[:, None] == columns_K.to(scores_BK.device)[None]
    _refuse_rows(~relevant_BK.any(1), "queries: no gallery item of their group", start)
    best_B1 = scores_BK.masked_fill(~relevant_BK, -torch.inf).amax(1, keepdim=True)
    return 1 + ((scores_BK >= best_B1) & ~relevant_BK).sum(1)


def _best_of_groups(similarity_BG: Tensor, group_of_item_G: Tensor) -> Tensor:
    groups = int(group_of_item_G.max()) + 1
    index_BG = group_of_item_G.to(similarity_BG.device).expand_as(similarity_BG)
    best_BK: Tensor = similarity_BG.new_full((len(similarity_BG), groups), -torch.inf)
    best_BK.scatter_reduce_(1, index_BG, similarity_BG, "amax")
    return best_BK


def _check_block(similarity_BG: Tensor, start: int, queries: int, gallery: int) -> None:
    if similarity_BG.ndim != 2 or similarity_BG.shape[1] != gallery or start + len(similarity_BG) > queries:
        raise ValueError(
            f"similarities {tuple(similarity_BG.shape)} from row {start} do not fit {queries} queries x "
            f"{gallery} items; rows are queries and columns gallery items"
        )
    _refuse_rows(similarity_BG.isnan().any(1), "queries: NaN similarities", start)


def _refuse_rows(wrong_B: Tensor, what: str, first_row: int) -> None:
    if wrong_B.any():
        rows = (wrong_B.nonzero().flatten() + first_row).tolist()
        raise ValueError(f"{len(rows)} rows of {what}: {first_few(rows)}")
