"""Codes of all items of a split, by any number of ranks, each item once.

Legend: N items, or rows of all ranks, B rows of this rank, E items that are expected, D width.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from quatrefoil.core.data import Batch, Sample, SampleKey, SampleSet
from quatrefoil.core.data.collate import Fill, collate, end_with_parent, to_device, worker_context
from quatrefoil.core.distributed import gather_rows, rank, world_size
from quatrefoil.core.hub import Model
from quatrefoil.core.wording import first_few


@dataclass(frozen=True)
class EncodingRun:
    """Where and how items are encoded.

    Args:
        device: of the model.
        workers: loader processes per rank.
        bf16: autocast.
    """

    device: torch.device
    workers: int = 0
    bf16: bool = False


class _Numbered(Dataset[Sample]):
    """A sample set with the row number of every sample, so that codes find their place again."""

    def __init__(self, items: SampleSet) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> Sample:
        return {**self.items[SampleKey(0, row)], "row": torch.tensor(row)}


@torch.no_grad()
def encode_items(model: Model, items: SampleSet, view: str, fill: Fill, batch_size: int, run: EncodingRun) -> Tensor:
    """Codes (N, D) of all items, in order, fp32 on the CPU; the same on every rank.

    A corrupt item raises: a score over fewer items than the split has would be another protocol.
    """
    # A rank beyond the number of items encodes item 0 once more: every rank works, and repetitions are taken out.
    rows = shard_indices(len(items), rank(), world_size()) or range(1)
    loader: DataLoader[Sample] = DataLoader(
        _Numbered(items),
        sampler=rows,
        batch_size=batch_size,
        num_workers=run.workers,
        collate_fn=partial(collate, fill=dict(fill)),
        multiprocessing_context=worker_context() if run.workers else None,
        worker_init_fn=end_with_parent,
        generator=torch.Generator(),
    )
    found_rows, codes = [], []
    for batch in loader:
        with torch.autocast(run.device.type, torch.bfloat16, enabled=run.bf16):
            codes.append(_codes(model, to_device(batch, run.device), view))
        found_rows.append(batch["row"])
    return gather_by_id(torch.cat(found_rows), torch.cat(codes), len(items))


def _codes(model: Model, batch: Batch, view: str) -> Tensor:
    return model.encode(batch, view).float().cpu()


def shard_indices(total: int, rank: int, world: int) -> range:
    """The indices in 0..total-1 that this rank encodes: every one belongs to one rank, sizes differ by at most one.

    An engine that shards parameters needs as many forward passes on every rank: repeat an index there, `gather_by_id`
    takes repetitions out.

    Raises:
        ValueError: rank outside 0..world-1, or a negative total.
    """
    if not 0 <= rank < world or total < 0:
        raise ValueError(f"rank {rank} of {world} ranks over {total} items: needs 0 <= rank < world and total >= 0")
    return range(rank, total, world)


@torch.no_grad()
def gather_by_id(
    ids_B: Tensor,
    codes_BD: Tensor,
    expected: int,
    process_group: dist.ProcessGroup | None = None,
    *,
    tolerance: float = 1e-2,
) -> Tensor:
    """Codes of all ranks in the order of their ids, (expected, D), each once; ranks may hold any number of rows.

    A collective. Repeated ids are taken out, after a check that their codes are the same: they differ by at most
    `tolerance` of their norm (1e-2: bf16 in batches of other shapes; dropout left on is far above).

    Raises:
        ValueError: on every rank alike: ids that are missing, repeated with other codes, or outside 0..expected-1.
    """
    ids, codes = gather_rows(ids_B, process_group), gather_rows(codes_BD.detach(), process_group)
    if ids.sizes != codes.sizes or ids.rows.dtype != torch.int64:
        raise ValueError(f"ids {ids.rows.dtype} {ids.sizes} by rank, codes {codes.sizes}; give one int64 id per code")
    ids_N = ids.rows.to(codes.rows.device)
    _refuse(ids_N[(ids_N < 0) | (ids_N >= expected)], f"ids outside 0..{expected - 1}; give indices into this split")
    place_N = torch.arange(len(ids_N), device=ids_N.device)
    first_E = ids_N.new_full((expected,), len(ids_N)).scatter_reduce_(0, ids_N, place_N, "amin")
    missing_E = first_E == len(ids_N)
    _refuse(missing_E.nonzero().flatten(), f"of {expected} ids have no code on any rank; encode the whole split")
    codes_ED = codes.rows[first_E]
    repeated = (first_E[ids_N] != place_N).nonzero().flatten()
    differ = _differ(codes.rows[repeated], codes_ED[ids_N[repeated]], tolerance)
    _refuse(ids_N[repeated[differ]], "ids repeated with other codes; is dropout on?")
    return codes_ED


def _differ(codes_ND: Tensor, others_ND: Tensor, tolerance: float) -> Tensor:
    """Which rows differ by more than `tolerance` of their norm; rows that are not finite differ from any."""
    codes_ND, others_ND = codes_ND.flatten(1).double(), others_ND.flatten(1).double()
    distance_N = torch.linalg.vector_norm(codes_ND - others_ND, dim=1)
    alike_N: Tensor = distance_N <= tolerance * torch.linalg.vector_norm(others_ND, dim=1)
    return ~alike_N


def _refuse(ids: Tensor, what: str) -> None:
    if len(ids):
        raise ValueError(f"{len(ids)} {what}: {first_few(ids.tolist())}")
