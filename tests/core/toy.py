"""A small model of two sides, for tests of everything that is not about a model."""

import os
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.config import override
from quatrefoil.core.data import Batch, SampleError, SampleKey
from quatrefoil.core.data.collate import collate
from quatrefoil.core.evaluation.tasks import Retrieval, Side
from quatrefoil.core.hub import Model
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.heads import LogitScale
from quatrefoil.core.objectives import Contrastive, MaskedTokens, Matching
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.seeding import generator
from quatrefoil.core.training.engine import start_engine
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.run import Run
from quatrefoil.core.training.settings import RunConfig, TrainConfig
from quatrefoil.core.training.trainer import Trainer
from quatrefoil.core.views import view


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    width: int = 8
    vocabulary: int = 11

    @property
    def model_type(self) -> type["Toy"]:
        return Toy

    def build(self) -> "Toy":
        return Toy(self)


class Toy(Model):
    """left (B, 5) and right tokens (B, L), their codes, a scorer of pairs, and a head for masked tokens."""

    def __init__(self, config: ToyConfig) -> None:
        super().__init__()
        self.left_encoder = nn.Linear(5, config.width)
        self.right_encoder = nn.Embedding(config.vocabulary, config.width)
        self.pair_head = nn.Linear(2 * config.width, 2)
        self.token_head = nn.Linear(config.width, config.vocabulary)
        self.scale = LogitScale()

    @view
    def left_state(self, left: Tensor) -> Tensor:
        return self.left_encoder(left)

    @view
    def left_code(self, left_state: Tensor) -> Tensor:
        return nnf.normalize(left_state, dim=-1)

    @view
    def right_state(self, right: Tensor) -> Tensor:
        return self.right_encoder(right).mean(1)

    @view
    def right_code(self, right_state: Tensor) -> Tensor:
        return nnf.normalize(right_state, dim=-1)

    @view
    def logit_scale(self) -> Tensor:
        return self.scale()

    @view
    def match(self, left_state: Tensor, right_state: Tensor) -> Tensor:
        return self.pair_head(torch.cat([left_state, right_state], -1).tanh())

    @view
    def token_logits(self, left_state: Tensor, right_masked: Tensor, right_labels: Tensor) -> Tensor:
        states = self.right_encoder(right_masked) + left_state[:, None]
        return self.token_head(states[right_labels != IGNORE])


class ToySamples:
    """`count` samples in groups of two; sample i is a function of (epoch, i). Every `corrupt`-th is (0: none)."""

    def __init__(self, count: int = 64, vocabulary: int = 11, corrupt: int = 0) -> None:
        self.count, self.vocabulary, self.corrupt = count, vocabulary, corrupt

    @property
    def groups_N(self) -> Tensor:
        return torch.arange(self.count) // 2

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: Any) -> dict[str, Any]:
        if self.corrupt and key.index % self.corrupt == 3:
            raise SampleError(f"sample{key.index} cannot be read")
        fixed, drawn = generator(key.index, "fixed"), generator(key.epoch, key.index, "drawn")
        right = torch.randint(3, self.vocabulary, (4,), generator=fixed)
        labels = torch.full((4,), IGNORE)
        place = int(torch.randint(4, (1,), generator=drawn))
        labels[place] = right[place]
        masked = right.index_fill(0, torch.tensor(place), 1)
        left = torch.randn(5, generator=fixed)
        sample = {"left": left, "right": right, "right_masked": masked, "right_labels": labels}
        return {**sample, "id": f"sample{key.index}", "group": key.index // 2}


def toy_batch(rows: int = 6) -> dict[str, Any]:
    return collate([ToySamples()[SampleKey(0, 3 * row)] for row in range(rows)], {"right_labels": IGNORE})


@dataclass(frozen=True, kw_only=True)
class ToyData:
    count: int = 64
    corrupt: int = 0

    @property
    def fields(self) -> tuple[str, ...]:
        return "left", "right", "right_masked", "right_labels"

    def build(self, seed: int) -> "ToyModule":
        return ToyModule(self.count, self.corrupt)


class ToyModule:
    splits = ("val", "test")
    fill: Mapping[str, float] = {"right_labels": IGNORE}

    def __init__(self, count: int, corrupt: int = 0) -> None:
        self.count, self.samples = count, ToySamples(count, corrupt=corrupt)

    def train(self, fields: Iterable[str]) -> ToySamples:
        return self.samples

    def items(self, split: str, unit: str, fields: Iterable[str]) -> ToySamples:
        return ToySamples(30 if split == "val" else 31)

    def describe(self) -> dict[str, Any]:
        return {"name": "toy", "protocol": "toy-v1", "fingerprint": f"toy{self.count}", "splits": {}}

    def assets(self) -> dict[str, str]:
        return {}


OBJECTIVES = {
    "contrast": Contrastive("left_code", "right_code"),
    "match": Matching("left_code", "right_code", "match", swap_a=("left_state",), swap_b=("right_state",)),
    "tokens": MaskedTokens("token_logits", "right_labels"),
}


def toy_recipe(overrides: Iterable[str] = ()) -> Recipe:
    recipe = Recipe(
        model=ToyConfig(),
        data=ToyData(),
        objectives=OBJECTIVES,
        train=TrainConfig(steps=12, batch_size=8, log_every=1, optimizer=OptimizerConfig(lr=1e-2)),
        evaluate={"retrieval": Retrieval(many=Side("right_code", "item"), one=Side("left_code", "item"))},
        run=RunConfig(workers=0, progress=False),
    )
    recipe = override(recipe, list(overrides))
    recipe.check()
    return recipe


def toy_run(overrides: Iterable[str]) -> Path:
    """Train the toy as `quatrefoil train` trains a recipe."""
    recipe = toy_recipe(overrides)
    run = Run("toy", recipe, list(overrides), start_engine(recipe.train, recipe.run))
    run.to_the_end()
    return run.folder.path


def die_at(step: int) -> None:
    """Kill this process (SIGKILL) when it comes to `step`, as a scheduler or a power cut would."""
    train_step = Trainer.train_step

    def dying(self: Trainer, batch: Batch, at: int) -> dict[str, float]:
        if at == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return train_step(self, batch, at)

    Trainer.train_step = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    if "DIE_AT" in os.environ:
        die_at(int(os.environ["DIE_AT"]))
    toy_run(sys.argv[1:])
