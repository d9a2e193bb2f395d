"""Objectives: a loss bound to the views it reads. A recipe is a list of them; an ablation is a change to that list.

Legend: B rows of the local batch, K pairs or masked positions.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from quatrefoil.core.data import Batch
from quatrefoil.core.distributed import gather_rows
from quatrefoil.core.losses import (
    IGNORE,
    GradientScale,
    LossResult,
    classification,
    contrastive,
    exclusive_contrastive,
    hard_negatives,
    masked_patches,
    masked_tokens,
    matching,
    ranking,
)
from quatrefoil.core.losses.common import widen
from quatrefoil.core.seeding import generator
from quatrefoil.core.views import ViewError, ViewGraph, Views, graph_of


@dataclass(frozen=True)
class StepKey:
    """Names one optimisation step; what is random in it is drawn from `generator` alone, on every rank alike."""

    seed: int
    step: int

    def generator(self, purpose: str) -> torch.Generator:
        return generator(self.seed, self.step, purpose)


@dataclass(frozen=True)
class Objective(ABC):
    """A weighted loss over named views."""

    weight: float = field(default=1.0, kw_only=True)

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """The views and batch fields that the loss reads."""

    @abstractmethod
    def __call__(self, views: Views, step: StepKey) -> LossResult: ...

    def terms(self, batch: Batch) -> Tensor | None:
        """The number of terms that the loss averages, where the batch alone tells it; None where samples are coupled.

        Objectives that can count may be accumulated over micro-batches exactly; a loss that couples the samples of a
        batch (contrast, hard negatives) would be another loss on smaller batches, and accumulation is refused.
        """
        return None

    def check(self, graph: ViewGraph) -> None:  # noqa: B027 - most objectives say all in `needs`
        """Raise `ViewError` where the graph cannot serve this objective in a way that `needs` does not say."""


Scale = str | float
"""What multiplies the cosine, the inverse of a temperature: the view of a learned scale, or a fixed number."""


@dataclass(frozen=True)
class Contrastive(Objective):
    """Symmetric InfoNCE between two views of L2-normalised codes (B, D)."""

    a: str
    b: str
    scale: Scale = "logit_scale"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.a, self.b, *_views_of(self.scale)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        a_BD = views[self.a]
        return contrastive(a_BD, views[self.b], _scalar(self.scale, views, a_BD), groups_B=views["group"])


@dataclass(frozen=True)
class ExclusiveContrastive(Objective):
    """An anchor against all its positives at once (Clover's tri-modal alignment; see `exclusive_contrastive`).

    Args:
        anchor, positives: views of L2-normalised codes (B, D).
    """

    anchor: str
    positives: tuple[str, ...]
    scale: Scale
    gradient_scale: GradientScale = "exact"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.anchor, *self.positives, *_views_of(self.scale)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        anchor_BD = views[self.anchor]
        return exclusive_contrastive(
            anchor_BD,
            [views[name] for name in self.positives],
            _scalar(self.scale, views, anchor_BD),
            groups_B=views["group"],
            gradient_scale=self.gradient_scale,
        )


@dataclass(frozen=True)
class Ranking(Objective):
    """The anchor is to be nearer to the better code than to the worse one, by a margin (see `ranking`).

    Args:
        anchor, better, worse: views of L2-normalised codes (B, D).
        margin: in units of scaled similarity.
        weights: view or batch field of one weight per row, 0 where better and worse are the same; None: all 1.
    """

    anchor: str
    better: str
    worse: str
    scale: Scale
    margin: float
    weights: str | None = None
    gradient_scale: GradientScale = "exact"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.anchor, self.better, self.worse, *_views_of(self.scale), *([self.weights] if self.weights else [])

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        anchor_BD = views[self.anchor]
        return ranking(
            anchor_BD,
            views[self.better],
            views[self.worse],
            _scalar(self.scale, views, anchor_BD),
            self.margin,
            weights_B=None if self.weights is None else widen(views[self.weights]),
            gradient_scale=self.gradient_scale,
        )

    def terms(self, batch: Batch) -> Tensor | None:
        return _rows_with(self.weights, batch)


def _rows_with(weights: str | None, batch: Batch) -> Tensor | None:
    """The rows that count, or their weight; None where a view gives it, which is not known yet."""
    if weights is None:
        return torch.ones_like(batch["group"]).sum()
    return batch[weights].sum() if weights in batch else None


def _views_of(scale: Scale) -> tuple[str, ...]:
    return (scale,) if isinstance(scale, str) else ()


def _scalar(scale: Scale, views: Views, codes_BD: Tensor) -> Tensor:
    """The scale as a scalar tensor; a number is put where the codes lie, without waiting for the device."""
    if isinstance(scale, str):
        value: Tensor = views[scale]
        return value
    return torch.full((), scale, dtype=widen(codes_BD).dtype, device=codes_BD.device)


@dataclass(frozen=True)
class Matching(Objective):
    """Tell true pairs from hard negatives, drawn across ranks by the similarity of two codes.

    Each true pair gives two negatives: the own `a` with a hard `b`, and a hard `a` with the own `b`. They are scored by
    view `scorer`, evaluated with the rows of `swap_a` and `swap_b` exchanged accordingly: 3 B pairs in one pass.

    Args:
        a, b: views of L2-normalised codes by whose similarity negatives are drawn.
        scorer: view of logits (K, 2), class 1 = match. It must depend on the batch through `swap_a` and `swap_b` alone.
        swap_a, swap_b: the views (tensors or tuples of tensors, rows first) that stand for each side in `scorer`.
    """

    a: str
    b: str
    scorer: str
    swap_a: tuple[str, ...]
    swap_b: tuple[str, ...]
    scale: str = "logit_scale"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.a, self.b, self.scale, self.scorer

    def check(self, graph: ViewGraph) -> None:
        swapped = {*self.swap_a, *self.swap_b}
        pending = [self.scorer]
        while pending:
            for need in graph.needs.get(pending.pop(), ()):
                if need in swapped:
                    continue
                if need not in graph.needs:
                    raise ViewError(
                        f"Matching: view `{self.scorer}` reads batch field `{need}` past the exchanged views "
                        f"{sorted(swapped)}; its rows would not follow the pairs: add a view on that path to swap_a or "
                        f"swap_b"
                    )
                pending.append(need)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        a_BD, b_BD = views[self.a], views[self.b]
        negatives = hard_negatives(
            a_BD, b_BD, views[self.scale], groups_B=views["group"], generator=step.generator(f"matching/{self.scorer}")
        )
        pairs = {name: _rows(views[name], None, None, negatives.a_for_b_B) for name in self.swap_a}
        pairs |= {name: _rows(views[name], None, negatives.b_for_a_B, None) for name in self.swap_b}
        logits_K2 = views.replace(**pairs)[self.scorer]
        true_B = torch.ones_like(negatives.has_a_B)
        labels_K = torch.cat([true_B, ~true_B, ~true_B]).long()
        weights_K = torch.cat([true_B, negatives.has_b_B, negatives.has_a_B]).float()
        return matching(logits_K2, labels_K, weights_K)


def _rows(value: Any, *choices: Tensor | None) -> Any:
    """Stack the own rows (None) or chosen rows of the global batch, for a tensor or a tuple of tensors."""

    def stack(own: Tensor) -> Tensor:
        everyone = gather_rows(own, pad_trailing=True)
        width = everyone.rows.shape[1:]
        padded = own if own.shape[1:] == width else everyone.rows[everyone.start : everyone.start + len(own)]
        return torch.cat([padded if choice is None else everyone.rows[choice] for choice in choices])

    return pytree.tree_map(stack, value)


@dataclass(frozen=True)
class MaskedTokens(Objective):
    """Cross-entropy at masked positions.

    Args:
        logits: view of logits (K, V) at the positions where field `labels` (B, L) is not -100, in row-major order.
    """

    logits: str
    labels: str

    @property
    def needs(self) -> tuple[str, ...]:
        return self.logits, self.labels

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        labels_BL = views[self.labels]
        return masked_tokens(views[self.logits], labels_BL[labels_BL != IGNORE])

    def terms(self, batch: Batch) -> Tensor:
        count: Tensor = (batch[self.labels] != IGNORE).sum()
        return count


@dataclass(frozen=True)
class FocalMaskedTokens(MaskedTokens):
    """Masked tokens where those that are predicted well count less: (1 - p)^gamma * cross-entropy.

    Args:
        gamma: at least 0 (Clover: 2).
    """

    gamma: float = field(kw_only=True)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        labels_BL = views[self.labels]
        return masked_tokens(views[self.logits], labels_BL[labels_BL != IGNORE], focal_gamma=self.gamma)


@dataclass(frozen=True)
class MaskedPatches(Objective):
    """Regression of masked patches (see `masked_patches`).

    Args:
        predicted, target: views of the masked patches (B, M, P).
        present: view or batch field (B,), False for a row that lacks what is masked; None: every row has it.
        normalised: the target is each patch less its mean, over its deviation.
    """

    predicted: str
    target: str
    present: str | None = None
    normalised: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return self.predicted, self.target, *([self.present] if self.present else [])

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        return masked_patches(
            views[self.predicted],
            views[self.target],
            weights_B=None if self.present is None else widen(views[self.present]),
            normalised=self.normalised,
        )

    def terms(self, batch: Batch) -> Tensor | None:
        return _rows_with(self.present, batch)


@dataclass(frozen=True)
class Classification(Objective):
    """Cross-entropy of one class per sample.

    Args:
        logits: view of logits (B, K).
        label: batch field of classes (B,), 0 .. K-1.
    """

    logits: str
    label: str

    @property
    def needs(self) -> tuple[str, ...]:
        return self.logits, self.label

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        return classification(views[self.logits], views[self.label])

    def terms(self, batch: Batch) -> Tensor:
        return torch.ones_like(batch[self.label]).sum()


class Step(nn.Module):
    """Model and objectives as one module: the unit that data-parallel engines wrap, so that all work is in `forward`.

    Args:
        model: a module with `@view` methods.
        objectives: name -> objective; evaluated in this order on every rank, in every step.

    Raises:
        ValueError: no objectives; ViewError: one that the model's graph cannot serve.
    """

    def __init__(self, model: nn.Module, objectives: Mapping[str, Objective], seed: int = 0) -> None:
        super().__init__()
        if not objectives:
            raise ValueError("nothing to train: the recipe has no objectives (were they all switched off?)")
        for objective in objectives.values():
            objective.check(graph_of(model))
        self.model, self.objectives, self.seed = model, dict(objectives), seed

    def forward(self, batch: Batch, step: int, shares: Mapping[str, float] | None = None) -> dict[str, Tensor]:
        """Losses and metrics of one batch.

        Args:
            batch: the local rows of the global batch.
            step: number of the optimisation step; names the random draws of objectives.
            shares: objective -> share of its terms that this micro-batch holds, under gradient accumulation.

        Returns:
            `loss` (weighted sum, to be minimised) and `<objective>/<metric>` (detached), all scalars.
        """
        views, key = Views(self.model, batch), StepKey(self.seed, step)
        results = {name: objective(views, key) for name, objective in self.objectives.items()}
        share = shares or dict.fromkeys(results, 1.0)
        weighted = [self.objectives[name].weight * share[name] * result.loss for name, result in results.items()]
        logged = {f"{name}/{metric}": v for name, result in results.items() for metric, v in result.metrics().items()}
        return {"loss": torch.stack(weighted).sum(), **logged}
