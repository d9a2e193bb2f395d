"""Gradient caching: losses that couple the samples of a batch, with the graph of one micro-batch in memory at a time.

Every micro-batch is encoded without a graph; the losses of the codes of all give each code its gradient; when a
micro-batch is encoded again, with the same random numbers, its codes are led back from there. Source: GradCache, Gao et
al. 2021, arXiv 2101.06983.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from quatrefoil.core.data import Batch
from quatrefoil.core.distributed import rank
from quatrefoil.core.objectives import Step
from quatrefoil.core.objectives.step import Values
from quatrefoil.core.seeding import seed_of
from quatrefoil.core.views import Views, graph_of


class CachedObjectives:
    """Objectives that couple samples, over a batch of which never more than a part is in memory with its graph.

    Args:
        step: model and objectives, before an engine wraps them; what no objective reaches is frozen.
        names: of the objectives.
        bf16: whether the step runs under autocast.
        probe: a micro-batch.

    Raises:
        ValueError: for an objective whose loss needs more than the codes of each sample.
    """

    def __init__(self, step: Step, names: Sequence[str], bf16: bool, probe: Batch) -> None:
        self._step, self._names, self._bf16 = step, list(names), bf16
        self._check_objectives()
        graph = graph_of(step.model)
        needs = dict.fromkeys(need for name in names for need in step.objectives[name].needs)
        self._views = [name for name in needs if name in graph.needs]
        self._constant = {name for name in self._views if not graph.fields([name])}
        seen = step.encode(probe, self._views)
        self._check_rows(seen)
        self._led_back = pytree.tree_map(lambda leaf: leaf.requires_grad, seen)

    def _check_objectives(self) -> None:
        if anew := [name for name in self._names if self._step.objectives[name].recomputes]:
            raise ValueError(
                f"{', '.join(anew)} compute views of pairs that lie in no micro-batch, for which all of a batch must "
                f"be in memory: set train.accumulate=1, with more processes or a smaller batch, or switch them off"
            )

    def _check_rows(self, seen: Values) -> None:
        for name in self._views:
            if name not in self._constant and any(leaf.dim() == 0 for leaf in pytree.tree_leaves(seen[name])):
                raise ValueError(
                    f"view `{name}` is one number of a whole batch, that of its parts is another: objectives that "
                    f"compare samples ({', '.join(self._names)}) can be had of parts only where views are made of rows"
                )

    def evaluate(self, batch: Batch, parts: Sequence[Batch], step: int) -> tuple[dict[str, Tensor], list[Values]]:
        """Losses and metrics of a batch, as `Step.losses`, and for each part the gradients of its views."""
        with torch.no_grad():
            encoded = [self._encoded(part, step, number) for number, part in enumerate(parts)]
        whole = {name: self._joined(name, encoded) for name in self._views}
        pytree.tree_map(lambda leaf, led: leaf.requires_grad_(led), whole, self._led_back)
        with self._autocast(batch):
            logged = self._step.losses(Views(_Encoded(), {**batch, **whole}), step, dict.fromkeys(self._names, 1.0))
        if logged["loss"].requires_grad:  # not where the encoders of what is compared are frozen
            torch.autograd.backward(logged["loss"])
        gradients = [{name: self._cut(name, whole, encoded, n) for name in self._views} for n in range(len(parts))]
        return {name: value.detach() for name, value in logged.items()}, gradients

    def _encoded(self, part: Batch, step: int, number: int) -> Values:
        seed_part(self._step.seed, step, number)
        with self._autocast(part):
            return self._step.encode(part, self._views)

    def _autocast(self, batch: Batch) -> torch.autocast:
        return torch.autocast(batch["group"].device.type, torch.bfloat16, enabled=self._bf16)

    def _joined(self, name: str, encoded: Sequence[Values]) -> Any:
        """The view of the whole batch."""
        if name in self._constant:
            return pytree.tree_map(torch.clone, encoded[0][name])
        return pytree.tree_map(lambda *leaves: torch.cat(leaves), *(views[name] for views in encoded))

    def _cut(self, name: str, whole: Values, encoded: Sequence[Values], number: int) -> Any:
        """The gradient of a view that falls to a part."""

        def cut(leaf: Tensor, *parts: Tensor) -> Tensor:
            # What a loss made no use of has no gradient; engines wait for that of every parameter.
            gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            if name in self._constant:
                return gradient / len(parts)
            return torch.split(gradient, [len(part) for part in parts])[number]

        return pytree.tree_map(cut, whole[name], *(views[name] for views in encoded))


class _Encoded(nn.Module):
    """The model of a batch that is encoded: it has no views, so that nothing is computed of all samples unawares."""


def seed_part(seed: int, step: int, number: int) -> None:
    """Give a micro-batch its random numbers (dropout), the same ones each time."""
    torch.manual_seed(seed_of(seed, "step", step, rank(), number))
