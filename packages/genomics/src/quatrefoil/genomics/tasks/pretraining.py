"""What pre-training has learned, on chromosomes and cell types that are held out.

Legend: N windows.
"""

from dataclasses import dataclass, field

import numpy as np

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.data import DataModule
from quatrefoil.core.evaluation.encode import EncodingRun, encode_items
from quatrefoil.core.evaluation.statistics import Floats, Ints, bootstrap_interval
from quatrefoil.core.evaluation.tasks import Classification, Scores, merged
from quatrefoil.core.hub import Model
from quatrefoil.core.views import graph_of
from quatrefoil.genomics.datasets.pretraining.fields import MATCH_KINDS
from quatrefoil.genomics.datasets.pretraining.samples import EvaluatedSamples


@dataclass(frozen=True)
class MaskedAccuracy:
    """The share of masked k-mers that are told right, in percent: the mean over windows.

    Args:
        hits: view of the share of each sample, (B, 1).
        unit: of the items.
    """

    hits: str
    unit: str
    batch_size: int = field(default=64, metadata=HOW_NOT_WHAT)

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.hits,)

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("accuracy",)

    def __call__(self, model: Model, data: DataModule, split: str, run: EncodingRun) -> Scores:
        items = data.items(split, self.unit, graph_of(model).fields([self.hits]))
        shares_N1 = encode_items(model, items, self.hits, data.fill, self.batch_size, run)
        return _mean("accuracy", 100 * shares_N1[:, 0].double().numpy(), items.groups_N.numpy())


@dataclass(frozen=True)
class MatchByKind(Classification):
    """`Classification`, and the accuracy on each kind of regions; a kind that a split cannot have has none."""

    @property
    def metrics(self) -> tuple[str, ...]:
        return *super().metrics, *MATCH_KINDS

    def __call__(self, model: Model, data: DataModule, split: str, run: EncodingRun) -> Scores:
        scores = super().__call__(model, data, split, run)
        items = self.items(model, data, split)
        assert isinstance(items, EvaluatedSamples), f"{type(items).__name__} has no kinds of regions"
        kinds_N, hits_N = items.kinds_N.numpy(), scores.predictions[self.logits].hits_N
        by_kind = {name: kinds_N == number for number, name in enumerate(MATCH_KINDS) if (kinds_N == number).any()}
        parts = [_mean(name, hits_N[of_N], items.groups_N.numpy()[of_N]) for name, of_N in by_kind.items()]
        return merged([scores, *parts])


def _mean(name: str, values_N: Floats, groups_N: Ints) -> Scores:
    """The mean, with an interval over groups where there are several."""
    several = len(np.unique(groups_N)) > 1
    return Scores({name: float(values_N.mean())}, {name: bootstrap_interval(values_N, groups_N)} if several else {})
