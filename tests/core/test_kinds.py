"""Matching with negatives of several kinds."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from quatrefoil.core.distributed import rank
from quatrefoil.core.losses import hard_negatives, matching
from quatrefoil.core.objectives import MatchingOfKinds, NegativeKind, StepKey
from quatrefoil.core.views import ViewError, Views, graph_of, view
from tests.distributed_harness import run_ranks

KEY = StepKey(0, 3)
KINDS = (
    NegativeKind("any text", swap=("text",), scale=0.0),
    NegativeKind("a near text", swap=("text",), scale=9.0),
    NegativeKind("another place", swap=("place",), scale=0.0),
)
KINDS_MATCHING = MatchingOfKinds("scene", "text", "match", KINDS)


class Scenes(nn.Module):
    """A scene is made of two parts; a text is of one width with it."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.head = nn.Parameter(torch.randn(12, 2, generator=draw, dtype=torch.float64))

    @view
    def place(self, raw_place: Tensor) -> Tensor:
        return raw_place

    @view
    def scene(self, place: Tensor, raw_actor: Tensor) -> Tensor:
        return normalize(place + raw_actor.square(), dim=-1)

    @view
    def text(self, raw_text: Tensor) -> Tensor:
        return normalize(raw_text, dim=-1)

    @view
    def match(self, scene: Tensor, text: Tensor) -> Tensor:
        return torch.cat([scene * text, scene], 1) @ self.head


def batch(rows: int = 8, groups: Tensor | None = None) -> dict[str, Any]:
    draw = torch.Generator().manual_seed(1)
    fields = {name: torch.randn(rows, 6, generator=draw, dtype=torch.float64) for name in ("place", "actor", "text")}
    group = torch.arange(rows) if groups is None else groups
    return {**{f"raw_{name}": value for name, value in fields.items()}, "group": group}


def plain(given: dict[str, Any], model: Scenes) -> Tensor:
    """Each pair made and scored by itself, the classes weighed alike."""
    true = Views(model, given)
    logits, labels, weights = [true["match"]], [torch.ones(8)], [torch.ones(8)]
    for kind in KINDS:
        generator = KEY.generator(f"matching/match/{kind.name}")
        scale = torch.tensor(kind.scale, dtype=torch.float64)
        drawn = hard_negatives(true["scene"], true["text"], scale, groups_B=given["group"], generator=generator)
        changed = {"text": "raw_text", "place": "raw_place"}[kind.swap[0]]
        false = Views(model, {**given, changed: given[changed][drawn.b_for_a_B]})
        logits.append(false["match"])
        labels.append(torch.zeros(8))
        weights.append(torch.full((8,), 1 / 3))
    return matching(torch.cat(logits), torch.cat(labels).long(), torch.cat(weights)).loss


def test_the_loss_is_that_of_pairs_made_one_by_one() -> None:
    model, given = Scenes(), batch()
    loss = KINDS_MATCHING(Views(model, given), KEY).loss
    torch.testing.assert_close(loss, plain(given, model))


def test_what_is_exchanged_alone_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    scene = Scenes.scene

    def counting(self: Scenes, place: Tensor, raw_actor: Tensor) -> Tensor:
        counted.append("scene")
        return scene(self, place, raw_actor)

    views = Views(Scenes(), batch())
    monkeypatch.setattr(Scenes, "scene", counting)
    KINDS_MATCHING(views, KEY)
    assert len(counted) == 2  # the true one, and the one with another place


def test_no_negative_is_of_the_own_group_and_rows_without_one_weigh_nothing() -> None:
    model, lonely = Scenes(), batch(groups=torch.zeros(8, dtype=torch.int64))
    result = KINDS_MATCHING(Views(model, lonely), KEY)
    true = matching(Views(model, lonely)["match"], torch.ones(8, dtype=torch.int64)).loss
    torch.testing.assert_close(result.loss, true)


def test_a_kind_on_which_the_scorer_does_not_depend_is_refused() -> None:
    odd = replace(KINDS_MATCHING, kinds=(NegativeKind("nothing", swap=("scene_of_old",), scale=0.0),))
    with pytest.raises(ViewError, match="kind `nothing` exchanges `scene_of_old`"):
        odd.check(graph_of(Scenes))
    KINDS_MATCHING.check(graph_of(Scenes))


def test_without_a_kind_there_is_nothing_to_tell_apart() -> None:
    with pytest.raises(ValueError, match="one kind"):
        MatchingOfKinds("scene", "text", "match", ())


def gradient(slices: list[slice]) -> Tensor:
    """The head's gradient from the rows of this rank."""
    model, own = Scenes(), {name: value[slices[rank()]] for name, value in batch().items()}
    KINDS_MATCHING(Views(model, own), KEY).loss.backward()
    assert model.head.grad is not None
    return model.head.grad


def test_the_mean_gradient_of_two_ranks_is_that_of_one() -> None:
    alone = gradient([slice(None)])
    for cut in (3, 8):  # ragged, and one rank empty
        parts = run_ranks(2, gradient, [slice(0, cut), slice(cut, 8)])
        torch.testing.assert_close(torch.stack(parts).mean(0), alone)
