"""Recipes: a named function returns all that a run is made of; it is changed and checked here, before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from quatrefoil.core.config import HOW_NOT_WHAT, ConfigError, fingerprint, nearest, override, to_plain
from quatrefoil.core.data import DataConfig, DataModule
from quatrefoil.core.evaluation.tasks import Evaluation, metric_names
from quatrefoil.core.hub import Model
from quatrefoil.core.installed import find as find
from quatrefoil.core.installed import names as names
from quatrefoil.core.objectives import Objective
from quatrefoil.core.training.settings import RunConfig, TrainConfig
from quatrefoil.core.views import ViewGraph, graph_of


class ModelConfig(Protocol):
    """A frozen dataclass that makes a model."""

    @property
    def model_type(self) -> type[Model]: ...

    def build(self) -> Model: ...


@runtime_checkable
class FitsData(Protocol):
    """A model configuration that leaves open what only the data know, the number of classes, say."""

    def fitted(self, data: DataModule) -> ModelConfig:
        """The configuration without gaps. Raises ValueError where it does not fit the data."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that a run is made of.

    Args:
        model, data: configurations that build the model and open the data.
        objectives: name -> weighted objective.
        train: steps, batch size, optimiser, ...
        evaluate: name -> what is scored, on validation while training and on every split at the end.
        seed: of initialisation, order, augmentation, masks and negatives.
        run: where the run is kept and how it is shown; not part of what is learned.
        resume: `never`, `auto` (go on from the newest valid checkpoint of run.dir, or start), or a checkpoint folder.
    """

    model: ModelConfig
    data: DataConfig
    objectives: Mapping[str, Objective]
    train: TrainConfig
    evaluate: Mapping[str, Evaluation]
    seed: int = 0
    run: RunConfig = field(default_factory=RunConfig, metadata=HOW_NOT_WHAT)
    resume: str = field(default="never", metadata=HOW_NOT_WHAT)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, not {self.seed}")

    @property
    def graph(self) -> ViewGraph:
        return graph_of(self.model.model_type)

    def model_for(self, data: DataModule) -> ModelConfig:
        """The model's configuration, with what it leaves to the data."""
        return self.model.fitted(data) if isinstance(self.model, FitsData) else self.model

    @property
    def train_fields(self) -> frozenset[str]:
        """The batch fields that the objectives need, and no others."""
        return self.graph.fields(need for objective in self.objectives.values() for need in objective.needs)

    @property
    def config_hash(self) -> str:
        """Hash of all that decides what is learned: without the seed, and without fields marked `HOW_NOT_WHAT`.

        Weights to start from count as what they are, not as where they lie (`core/runs/start.py`).
        """
        plain = to_plain(self, what_only=True)
        return fingerprint({key: value for key, value in plain.items() if key != "seed"})

    def check(self) -> None:
        """Raise where a view, field or metric that someone needs cannot be had, or an objective cannot be served."""
        asked = {f"objective `{name}`": objective.needs for name, objective in self.objectives.items()}
        asked |= {f"evaluation `{name}`": evaluation.needs for name, evaluation in self.evaluate.items()}
        self.graph.check(asked, [*self.data.fields, "id", "group"])
        for objective in self.objectives.values():
            objective.check(self.graph)
        self._check_taught()
        measured, select = metric_names(self.evaluate), self.train.select
        if select is not None and select not in measured:
            raise ConfigError(
                f"train.select={select}: no evaluation measures that{nearest(select, measured)}; "
                f"there are {', '.join(measured) or 'none'}"
            )

    def _check_taught(self) -> None:
        """Raise where a part of what the model says would stay as it was drawn."""
        needed = {need for objective in self.objectives.values() for need in objective.needs}
        if untaught := [view for view in self.model.model_type.taught if view not in needed]:
            raise ConfigError(
                f"{self.model.model_type.__name__} answers by `{untaught[0]}`, which no objective teaches: its weights "
                f"would stay random and be heard; add an objective for it, or take a model without it"
            )


def load(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Recipe `name` with overrides applied, checked.

    Raises:
        ConfigError: unknown recipe, key or value; ViewError: something needs a view or field that cannot be had.
    """
    recipe: Recipe = override(find(name).load()(), overrides)
    recipe.check()
    return recipe
