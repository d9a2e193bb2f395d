"""What micro-batches are held against: the graph of a whole batch, encoded in the same parts. Legend: B rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils import _pytree as pytree

from quatrefoil.core.objectives import Objective, Step
from quatrefoil.core.training.cached import seed_part
from quatrefoil.core.training.microbatches import MicroBatches, split
from quatrefoil.core.views import Views, graph_of

Numbers = dict[str, Tensor]


class Bare:
    """An engine of one process, or DDP that counts how often gradients are exchanged."""

    def __init__(self, step: Step, ranks: int = 1) -> None:
        self.module: Any = DistributedDataParallel(step) if ranks > 1 else step
        self.exchanges = 0
        if ranks > 1:
            self.module.register_comm_hook(None, self._mean)

    def _mean(self, state: None, bucket: torch.distributed.GradBucket) -> torch.futures.Future[Tensor]:
        self.exchanges += 1
        ranks = torch.distributed.get_world_size()
        summed = torch.distributed.all_reduce(bucket.buffer(), async_op=True)
        assert summed is not None
        return summed.get_future().then(lambda future: future.value()[0] / ranks)

    def accumulating(self) -> Any:
        return self.module.no_sync() if isinstance(self.module, DistributedDataParallel) else nullcontext()

    def backward(self, loss: Tensor) -> None:
        loss.backward()


def by_micro_batches(step: Step, batch: Mapping[str, Any], parts: int, updater: Any = None) -> Numbers:
    """Losses, metrics and gradients, as the trainer has them."""
    cut = MicroBatches(step, parts, "plain", bf16=False, probe=dict(split(batch, 2)[0]))
    step.zero_grad()
    return _numbers(cut.backward(updater or Bare(step), dict(batch), step=3), step)


def whole(step: Step, batch: Mapping[str, Any], parts: int) -> Numbers:
    """The same of one graph, which holds each part as it is encoded with its own random numbers."""
    step.zero_grad()
    encoded = [_encoded(step, part, number) for number, part in enumerate(split(batch, parts))]
    rows = [name for name in encoded[0] if graph_of(step.model).fields([name])]
    joined = {name: pytree.tree_map(lambda *leaves: torch.cat(leaves), *(e[name] for e in encoded)) for name in rows}
    result = step.losses(Views(nn.Module(), {**encoded[0], **batch, **joined}), 3)
    result["loss"].backward()
    return _numbers(result, step)


def _encoded(step: Step, part: dict[str, Any], number: int) -> dict[str, Any]:
    coupled = [o for o in step.objectives.values() if o.terms(part) is None]
    seed_part(step.seed, 3, number)
    needs = [need for o in [*coupled, *step.objectives.values()] for need in o.needs]
    return step.encode(part, [name for name in dict.fromkeys(needs) if name in graph_of(step.model).needs])


def _numbers(result: Mapping[str, Tensor], step: Step) -> Numbers:
    gradients = {name: p.grad.clone() for name, p in step.named_parameters() if p.grad is not None}
    return {**gradients, **{f"logged {name}": value.detach() for name, value in result.items()}}


def assert_same(one: Numbers, other: Numbers, tolerance: float = 1e-12) -> None:
    assert one.keys() == other.keys()
    size = torch.stack([value.norm() for name, value in one.items() if not name.startswith("logged")]).norm()
    for name, value in one.items():
        scale = value.norm() if name.startswith("logged") else size
        assert (value - other[name]).norm() <= tolerance * scale, name


def double(step: Step, batch: Mapping[str, Any]) -> tuple[Step, dict[str, Any]]:
    """Both in fp64, pictures too, which models make fp32 of."""
    for module in step.modules():
        module.register_forward_pre_hook(lambda _, args, kwargs: (_wide(args), _wide(kwargs)), with_kwargs=True)
    return step.double(), _wide(dict(batch))


def _wide(values: Any) -> Any:
    def widened(leaf: Any) -> Any:
        return leaf.double() if isinstance(leaf, Tensor) and leaf.is_floating_point() else leaf

    return pytree.tree_map(widened, values)


@contextmanager
def counted_calls(module: nn.Module) -> Iterator[list[bool]]:
    """For each call of the module's `forward`, whether it made a graph."""
    calls: list[bool] = []
    handle = module.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    yield calls
    handle.remove()


def chosen(objectives: Mapping[str, Objective], names: Sequence[str]) -> dict[str, Objective]:
    return {name: objectives[name] for name in names}
