"""Scores of a model on a split, as configurations that a recipe holds.

Legend: Q queries, G gallery items, N items, K classes, D width.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.data import DataModule, SampleSet
from quatrefoil.core.evaluation import confusion
from quatrefoil.core.evaluation.breakdown import TellsKinds, ranks_and_rivals, recall_by_kind
from quatrefoil.core.evaluation.classification import (
    AREAS,
    Predictions,
    classification_intervals,
    classification_metrics,
)
from quatrefoil.core.evaluation.encode import EncodingRun, encode_items
from quatrefoil.core.evaluation.retrieval import (
    COLUMNS,
    DUAL_SOFTMAX,
    RECALLED,
    CodeSimilarity,
    Rivals,
    dual_softmax,
    rank_blocks,
    recall,
    retrieval_metrics,
)
from quatrefoil.core.evaluation.statistics import recall_interval
from quatrefoil.core.hub import Model
from quatrefoil.core.views import graph_of

ACCURACY = "accuracy"


@dataclass(frozen=True)
class Scores:
    """Numbers of one split.

    Attributes:
        metrics: name -> value, e.g. `a-to-b/R@1` in percent.
        intervals: name -> 95 % bootstrap interval over the queries (the spread over seeds is another one).
        ranks: direction -> rank of every query, from 1.
        predictions: view -> what it said of every item; kept in files of their own, not in `plain`.
        rivals: direction -> for every query the place of the gallery's most alike item of another group.
        known: metric -> who else -> what they score on these items, e.g. chance, or a reader of the question alone; as
            the data tell, so not in `plain`.
    """

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ranks: Mapping[str, Sequence[int]] = field(default_factory=dict)
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    rivals: Mapping[str, Sequence[int]] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        return {
            "metrics": dict(self.metrics),
            "intervals": dict(self.intervals),
            "ranks": {k: list(v) for k, v in self.ranks.items()},
            "rivals": {k: list(v) for k, v in self.rivals.items()},
        }


def beside_known(scores: Mapping[str, Scores], described: Mapping[str, Any]) -> dict[str, Scores]:
    """Scores of splits, and beside each what the data are known to allow (`reference` of `DataModule.describe`)."""
    known = described.get("reference", {})
    return {split: replace(score, known=known.get(split, {})) for split, score in scores.items()}


def merged(parts: Sequence[Scores]) -> Scores:
    """Scores under different names, put together."""
    return Scores(*({k: v for part in parts for k, v in vars(part)[f.name].items()} for f in fields(Scores)))


@dataclass(frozen=True)
class Side:
    """One side of a retrieval: the view that gives its codes, and what it is computed for."""

    view: str
    unit: str


@dataclass(frozen=True)
class Retrieval:
    """Retrieval between two sides, in both directions; items of one group belong together.

    Several items of `many` may belong to one of `one`: then every one of them is a query, and in the other direction
    the best of them counts. Where the data tell kinds of groups (`TellsKinds`), R@1 is also given over those of each,
    as `a-to-b/R@1/KIND`.

    Args:
        dual_softmax: the temperature of `retrieval.dual_softmax`. Its scores then stand beside the plain ones, as
            `a-to-b/dual_softmax/R@1`: it sees all queries at once, which no query of a user does.
        also_within: further K of R@K beside 1, 5 and 10, e.g. 50 as on SoundDescs.

    Raises:
        ValueError: a temperature that is not above 0, or a K that is none, or stands there anyway.
    """

    many: Side
    one: Side
    batch_size: int = field(default=64, metadata=HOW_NOT_WHAT)
    dual_softmax: float | None = field(default=None, metadata=HOW_NOT_WHAT)
    also_within: tuple[int, ...] = field(default=(), metadata=HOW_NOT_WHAT)

    def __post_init__(self) -> None:
        if wrong := [k for k in self.also_within if k < 1 or k in RECALLED]:
            raise ValueError(f"also_within: R@{wrong[0]} is no further recall beside R@1, R@5 and R@10")
        if self.dual_softmax is not None and not self.dual_softmax > 0:
            raise ValueError(f"the temperature of dual_softmax is above 0, not {self.dual_softmax}")

    @property
    def needs(self) -> tuple[str, ...]:
        return self.many.view, self.one.view

    @property
    def metrics(self) -> tuple[str, ...]:
        processed = () if self.dual_softmax is None else tuple(f"{DUAL_SOFTMAX}/{name}" for name in COLUMNS)
        columns = (*COLUMNS, *(f"R@{k}" for k in self.also_within), *processed)
        return tuple(f"{direction}/{column}" for direction in self._directions for column in columns)

    @property
    def _directions(self) -> tuple[str, str]:
        return f"{self.many.view}-to-{self.one.view}", f"{self.one.view}-to-{self.many.view}"

    def __call__(self, model: Model, data: DataModule, split: str, run: EncodingRun) -> Scores:
        kinds = data.kinds(split) if isinstance(data, TellsKinds) else {}
        many = self._encode(self.many, model, data, split, run)
        one = self._encode(self.one, model, data, split, run)
        there, back = self._directions
        return merged(
            [*self._scores(there, many, one, "items", kinds), *self._scores(back, one, many, "groups", kinds)]
        )

    def _scores(
        self, name: str, queries: "_Coded", gallery: "_Coded", rivals: Rivals, kinds: Mapping[int, str]
    ) -> Iterator[Scores]:
        """Of one direction: plain, and where it is wanted post-processed."""
        yield _scores(name, queries, gallery, rivals, kinds, self.also_within)
        if self.dual_softmax is not None:
            yield _scores_of_dual_softmax(name, queries, gallery, rivals, self.dual_softmax)

    def _encode(self, side: Side, model: Model, data: DataModule, split: str, run: EncodingRun) -> "_Coded":
        items = data.items(split, side.unit, graph_of(model).fields([side.view]))
        return _Coded(encode_items(model, items, side.view, data.fill, self.batch_size, run), items.groups_N)


class _Coded(NamedTuple):
    """Codes (N, D) of one side's items, and their groups (N,)."""

    codes_ND: Tensor
    groups_N: Tensor


def _scores(
    name: str, queries: _Coded, gallery: _Coded, rivals: Rivals, kinds: Mapping[int, str], further: Sequence[int]
) -> Scores:
    """Of one direction; whole first, with R@K of further K, then R@1 over the queries of each kind."""
    pair = queries.codes_ND, gallery.codes_ND, queries.groups_N, gallery.groups_N
    ranks, strongest = ranks_and_rivals(*pair, rivals=rivals)
    by_kind = recall_by_kind(ranks, queries.groups_N, kinds)
    told = Scores(
        {f"{name}/R@1/{kind}": share for kind, (share, _) in by_kind.items()},
        {f"{name}/R@1/{kind}": interval for kind, (_, interval) in by_kind.items() if interval},
        rivals={name: strongest.tolist()},
    )
    return merged([_scores_of_ranks(name, ranks, queries, gallery, rivals, further), told])


def _scores_of_dual_softmax(name: str, queries: _Coded, gallery: _Coded, rivals: Rivals, temperature: float) -> Scores:
    """Of one direction, the similarities post-processed."""
    blocks = dual_softmax(CodeSimilarity(queries.codes_ND, gallery.codes_ND), temperature)
    ranks = rank_blocks(blocks, queries.groups_N, gallery.groups_N, rivals=rivals)
    return _scores_of_ranks(f"{name}/{DUAL_SOFTMAX}", ranks, queries, gallery, rivals)


def _scores_of_ranks(
    name: str, ranks_Q: Tensor, queries: _Coded, gallery: _Coded, rivals: Rivals, further: Sequence[int] = ()
) -> Scores:
    size = len(gallery.groups_N) if rivals == "items" else len(set(gallery.groups_N.tolist()))
    row = retrieval_metrics(ranks_Q, size).row() | {f"R@{k}": recall(ranks_Q, k) for k in further}
    return Scores(
        {f"{name}/{column}": value for column, value in row.items()},
        {f"{name}/R@{k}": recall_interval(ranks_Q, queries.groups_N, k) for k in (*RECALLED, *further)},
        {name: ranks_Q.tolist()},
    )


@runtime_checkable
class LabelledSet(SampleSet, Protocol):
    """Samples whose ids and classes are known without making them."""

    @property
    def ids(self) -> Sequence[str]: ...

    @property
    def labels_N(self) -> Tensor: ...


@runtime_checkable
class TellsChoices(Protocol):
    """A `LabelledSet` that says whether its labels are places among candidates that each item brings of its own."""

    @property
    def among_candidates(self) -> bool: ...


@dataclass(frozen=True)
class Classification:
    """One class for each item, from logits; see `classification_metrics`.

    Of items with candidates of their own (`TellsChoices`) only the accuracy is given: the third candidate of one item
    has nothing in common with the third of another, so places are no classes, of which F1, MCC or an area could be.

    Args:
        logits: view of logits (B, K).
        unit: of the items, as `Side.unit`; the data module gives a `LabelledSet` for it.
    """

    logits: str
    unit: str
    batch_size: int = field(default=64, metadata=HOW_NOT_WHAT)

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.logits,)

    @property
    def metrics(self) -> tuple[str, ...]:
        """All of them: only the data tell whether there are classes, and whether an area exists."""
        return *confusion.METRICS, *confusion.OF_POSITIVES, *AREAS

    def items(self, model: Model, data: DataModule, split: str) -> LabelledSet:
        """What is scored; cheap, so that a run asks for it before it trains. Raises ValueError where there is none."""
        items = data.items(split, self.unit, graph_of(model).fields([self.logits]))
        assert isinstance(items, LabelledSet), f"{type(items).__name__} has no labels_N and ids"
        return items

    def __call__(self, model: Model, data: DataModule, split: str, run: EncodingRun) -> Scores:
        items = self.items(model, data, split)
        scores_NK = encode_items(model, items, self.logits, data.fill, self.batch_size, run)
        found = Predictions.of(items.ids, [str(group) for group in items.groups_N.tolist()], items.labels_N, scores_NK)
        if not (isinstance(items, TellsChoices) and items.among_candidates):
            metrics, compared = classification_metrics(found), confusion.METRICS
        else:
            metrics, compared = {ACCURACY: float(found.hits_N.mean())}, (ACCURACY,)
        return Scores(metrics, classification_intervals(found, compared), predictions={self.logits: found})


class Evaluation(Protocol):
    """A frozen dataclass that scores a model on a split."""

    @property
    def needs(self) -> tuple[str, ...]: ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics that it gives, known before any data are read: `train.select` may name one."""

    def __call__(self, model: Model, data: DataModule, split: str, run: EncodingRun) -> Scores: ...


def metric_names(evaluations: Mapping[str, Evaluation]) -> list[str]:
    """The names under which `score_splits` gives the metrics of these evaluations."""
    return [_prefix(key, evaluations) + name for key, task in evaluations.items() for name in task.metrics]


def score_splits(
    model: Model,
    data: DataModule,
    evaluations: Mapping[str, Evaluation],
    splits: Sequence[str],
    run: EncodingRun,
) -> dict[str, Scores]:
    """Every evaluation on every split; metrics carry the evaluation's name where there are several."""
    model.eval()
    found = {}
    for split in splits:
        parts = [
            _named(_prefix(name, evaluations), task(model, data, split, run)) for name, task in evaluations.items()
        ]
        found[split] = merged(parts)
    return found


def _prefix(name: str, evaluations: Mapping[str, object]) -> str:
    return f"{name}/" if len(evaluations) > 1 else ""


def _named(prefix: str, scores: Scores) -> Scores:
    return Scores(*({prefix + key: value for key, value in getattr(scores, f.name).items()} for f in fields(Scores)))
