"""Which positions of one sample are masked, and what stands in their place: pure functions of a `torch.Generator`.

Legend: L positions of one sample, n positions (or words, cells, ...) that may be masked. Masks are boolean.

How many are chosen is exact: `max(1, round(rate * n))` of the units that are drawn, with Python's rounding, and none
where there is nothing to choose from. That is our choice; BERT's code does so, others flip a coin per token.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from quatrefoil.core.losses.masked import IGNORE


@dataclass(frozen=True)
class MaskedIds:
    """Ids to be encoded (L), and labels (L): the true id where a position was chosen, `IGNORE` elsewhere."""

    ids_L: Tensor
    labels_L: Tensor


def choose_tokens(maskable_L: Tensor, generator: torch.Generator, rate: float) -> Tensor:
    """Choose single positions among the maskable ones, all subsets of that size being equally likely.

    Raises:
        ValueError: a rate outside (0, 1].
    """
    candidates_n = maskable_L.nonzero()[:, 0]
    chosen_n = choose_patches(len(candidates_n), generator, rate)
    return _marked(len(maskable_L), candidates_n[chosen_n])


def choose_whole_words(word_of_token_L: Tensor, generator: torch.Generator, rate: float) -> Tensor:
    """Choose words, each with all its tokens; the rate counts words.

    Args:
        word_of_token_L: integer word of each token; -1 where a token may not be masked.
    """
    words_n = torch.unique(word_of_token_L[word_of_token_L >= 0])
    chosen_words = words_n[choose_patches(len(words_n), generator, rate)]
    return torch.isin(word_of_token_L, chosen_words)


def choose_spans(maskable_L: Tensor, generator: torch.Generator, rate: float, length: int) -> Tensor:
    """Choose whole spans of `length` neighbours that neither overlap nor hold a position that may not be masked.

    `max(1, round(rate * n / length))` spans, or as many as fit where runs of maskable positions are too short for that.
    Spans may touch. Runs get spans in proportion to the number that they can hold; within a run all placements are
    equally likely. For tokens that overlap, which would give a single masked one away. Our choice.
    """
    if length < 1:
        raise ValueError(f"choose_spans: length must be at least 1, got {length}")
    runs = _runs(maskable_L)
    holder_of_slot = [number for number, (_, size) in enumerate(runs) for _ in range(size // length)]
    wanted = _count(int(maskable_L.sum()) / length, rate)
    drawn = torch.randperm(len(holder_of_slot), generator=generator)[:wanted].tolist()
    spans_in_run = torch.bincount(
        torch.tensor([holder_of_slot[i] for i in drawn], dtype=torch.int64), minlength=len(runs)
    )
    starts = [
        start + _place(size, spans, length, generator)
        for (start, size), spans in zip(runs, spans_in_run.tolist(), strict=True)
    ]
    positions = torch.cat([torch.empty(0, dtype=torch.int64), *starts])[:, None] + torch.arange(length)
    return _marked(len(maskable_L), positions.flatten())


def choose_blocks(
    grid_shape: Sequence[int], generator: torch.Generator, rate: float, *, least_cells: int, largest_aspect: float
) -> Tensor:
    """Choose cells of an N-dimensional grid in blocks, until exactly `max(1, round(rate * cells))` are chosen.

    A block covers about a uniform number of cells between `least_cells` and those still wanted, its sides differ by a
    log-uniform ratio of at most `largest_aspect` before rounding, and it holds a cell not yet chosen, so the draw ends.
    The last block is cut, in raster order, to make the count exact. Source: BEiT, made N-dimensional and exact; BEiT
    itself places blocks evenly in the grid and may end with fewer cells (9 of 10 in 4 % of Clover's 7 x 7 masks).

    Returns:
        Boolean tensor of `grid_shape`.
    """
    if least_cells < 1 or largest_aspect < 1:
        raise ValueError(
            f"choose_blocks: least_cells and largest_aspect are at least 1, got {least_cells}, {largest_aspect}"
        )
    chosen = torch.zeros(tuple(grid_shape), dtype=torch.bool)
    wanted = _count(chosen.numel(), rate)
    while (missing := wanted - int(chosen.sum())) > 0:
        cells = int(torch.randint(min(least_cells, missing), missing + 1, (), generator=generator))
        free = (~chosen).nonzero()
        anchor = free[torch.randint(len(free), (), generator=generator)].tolist()
        block = torch.zeros_like(chosen)
        block[_box(grid_shape, anchor, cells, largest_aspect, generator)] = True
        added = (block & ~chosen).flatten().nonzero()[:missing, 0]
        chosen.view(-1)[added] = True
    return chosen


def choose_patches(count: int, generator: torch.Generator, rate: float) -> Tensor:
    """Choose exactly `max(1, round(rate * count))` of `count` patches (boolean, `count`); none of none."""
    return _marked(count, torch.randperm(count, generator=generator)[: _count(count, rate)])


def corrupt(
    ids_L: Tensor,
    chosen_L: Tensor,
    generator: torch.Generator,
    *,
    mask_id: int,
    random_ids: range | Tensor,
    mask_share: float = 0.8,
    random_share: float = 0.1,
) -> MaskedIds:
    """Replace each chosen id by `mask_id`, by a random one, or not at all, independently. Source: BERT's 80/10/10.

    Args:
        ids_L: integer ids of the sample.
        chosen_L: positions to be predicted; all others stay and get the label `IGNORE`.
        random_ids: the ids that a random replacement is drawn from (no special ones).
        mask_share, random_share: probabilities; what they leave of 1 is kept.

    Raises:
        ValueError: shares that are no probabilities, or no random ids where some are needed.
    """
    if min(mask_share, random_share) < 0 or mask_share + random_share > 1 + 1e-9:
        raise ValueError(
            f"corrupt: mask_share and random_share must be >= 0 and sum to <= 1: {mask_share}, {random_share}"
        )
    if random_share and not len(random_ids):
        raise ValueError("corrupt: random_ids is empty; give the ids to draw from, or random_share=0")
    fate_L = torch.rand(len(ids_L), generator=generator)
    masked_L = chosen_L & (fate_L < mask_share)
    replaced_L = chosen_L & (fate_L >= mask_share) & (fate_L < mask_share + random_share)
    drawn_L = _draw_ids(random_ids, len(ids_L), generator).to(ids_L.dtype) if random_share else ids_L
    corrupted_L = torch.where(replaced_L, drawn_L, ids_L).masked_fill(masked_L, mask_id)
    return MaskedIds(corrupted_L, ids_L.masked_fill(~chosen_L, IGNORE))


def _count(units: float, rate: float) -> int:
    if not 0 < rate <= 1:
        raise ValueError(
            f"masking: the rate must be above 0 and at most 1, got {rate}; to mask nothing, do not call this"
        )
    return max(1, round(rate * units)) if units else 0


def _marked(length: int, positions: Tensor) -> Tensor:
    marked_L = torch.zeros(length, dtype=torch.bool)
    marked_L[positions] = True
    return marked_L


def _runs(maskable_L: Tensor) -> list[tuple[int, int]]:
    """Start and size of each unbroken run of maskable positions."""
    edge = torch.zeros(1, dtype=torch.int64)
    steps = torch.diff(maskable_L.long(), prepend=edge, append=edge)
    starts, ends = (steps == 1).nonzero()[:, 0].tolist(), (steps == -1).nonzero()[:, 0].tolist()
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


def _place(size: int, spans: int, length: int, generator: torch.Generator) -> Tensor:
    """Starts of `spans` disjoint spans in a run of `size`: with every span shrunk to one place, any places will do."""
    places = torch.randperm(size - spans * (length - 1), generator=generator)[:spans].sort().values
    return places + torch.arange(spans) * (length - 1)


def _box(
    grid_shape: Sequence[int], anchor: Sequence[int], cells: int, largest_aspect: float, generator: torch.Generator
) -> tuple[slice, ...]:
    """A box of about `cells` cells that holds `anchor` and lies in the grid."""
    draw = torch.rand(len(grid_shape) + 1, generator=generator, dtype=torch.float64)
    stretch, aspect = draw[:-1] - draw[:-1].mean(), draw[-1] * math.log(largest_aspect)
    # The two sides that differ most do so by a log-uniform ratio, as BEiT's two do.
    spread = (stretch.max() - stretch.min()).clamp(min=1e-12)
    sides = cells ** (1 / len(grid_shape)) * (stretch / spread * aspect).exp()
    box = []
    for side, size, place in zip(sides.round().int().tolist(), grid_shape, anchor, strict=True):
        side = min(max(side, 1), size)
        first, last = max(0, place - side + 1), min(place, size - side)
        start = int(torch.randint(first, last + 1, (), generator=generator))
        box.append(slice(start, start + side))
    return tuple(box)


def _draw_ids(random_ids: range | Tensor, count: int, generator: torch.Generator) -> Tensor:
    index = torch.randint(len(random_ids), (count,), generator=generator)
    return random_ids.start + random_ids.step * index if isinstance(random_ids, range) else random_ids[index]
