"""Codes of all items of a split, by any number of ranks, each item once.

Legend: N items, D width.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from quatrefoil.core.data import Batch, Sample, SampleKey, SampleSet
from quatrefoil.core.data.collate import Fill, collate, end_with_parent, to_device, worker_context
from quatrefoil.core.distributed import rank, world_size
from quatrefoil.core.evaluation.retrieval import gather_by_id, shard_indices
from quatrefoil.core.hub import Model


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
