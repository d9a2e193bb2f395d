"""A small model of two sides, for tests of everything that is not about a model."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.hub import Model
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.heads import LogitScale
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
    """`count` samples in groups of two; sample i is a function of (epoch, i)."""

    def __init__(self, count: int = 64, vocabulary: int = 11) -> None:
        self.count, self.vocabulary = count, vocabulary

    @property
    def groups_N(self) -> Tensor:
        return torch.arange(self.count) // 2

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: Any) -> dict[str, Any]:
        from quatrefoil.core.seeding import generator

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
    from quatrefoil.core.data import SampleKey
    from quatrefoil.core.data.collate import collate

    return collate([ToySamples()[SampleKey(0, 3 * row)] for row in range(rows)], {"right_labels": IGNORE})
