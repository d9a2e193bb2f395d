"""Objectives: what they need, what they count, and that they are the losses on the views that they name."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from quatrefoil.core.config import fingerprint, override, to_plain
from quatrefoil.core.losses import IGNORE, classification, exclusive_contrastive, masked_tokens, ranking
from quatrefoil.core.objectives import (
    Classification,
    Contrastive,
    ExclusiveContrastive,
    FocalMaskedTokens,
    MaskedTokens,
    Objective,
    Ranking,
    StepKey,
)
from quatrefoil.core.views import Views, view
from tests.core.toy import OBJECTIVES, Toy, ToyConfig, toy_batch

KEY = StepKey(0, 0)


class Sides(nn.Module):
    """Three codes of a batch and a scale."""

    @view
    def first(self, raw: Tensor) -> Tensor:
        return normalize(raw[:, 0], dim=-1)

    @view
    def second(self, raw: Tensor) -> Tensor:
        return normalize(raw[:, 1], dim=-1)

    @view
    def third(self, raw: Tensor) -> Tensor:
        return normalize(raw[:, 2], dim=-1)

    @view
    def learned(self) -> Tensor:
        return torch.tensor(20.0)

    @view
    def changed(self, raw: Tensor) -> Tensor:
        return raw[:, 0, 0] > 0


def _views() -> Views:
    raw = torch.randn(6, 3, 5, generator=torch.Generator().manual_seed(0))
    return Views(Sides(), {"raw": raw, "group": torch.tensor([0, 1, 0, 2, 3, 4])})


def test_exclusive_contrast_reads_its_views_and_honours_groups() -> None:
    views = _views()
    objective = ExclusiveContrastive("first", ("second", "third"), "learned")
    expected = exclusive_contrastive(
        views["first"], [views["second"], views["third"]], torch.tensor(20.0), groups_B=views["group"]
    )
    assert torch.equal(objective(views, KEY).loss, expected.loss)
    assert objective.needs == ("first", "second", "third", "learned")
    assert objective.terms({"group": views["group"]}) is None


def test_ranking_weighs_rows_by_a_view() -> None:
    views = _views()
    objective = Ranking("first", "second", "third", "learned", 5.0, weights="changed")
    anchor, better, worse = (views[name] for name in ("first", "second", "third"))
    expected = ranking(anchor, better, worse, torch.tensor(20.0), 5.0, weights_B=views["changed"].float())
    assert torch.equal(objective(views, KEY).loss, expected.loss)
    assert objective.needs == ("first", "second", "third", "learned", "changed")


@pytest.mark.parametrize(
    ("fixed", "learned"),
    [
        (Contrastive("first", "second", 20.0), Contrastive("first", "second", "learned")),
        (ExclusiveContrastive("first", ("second",), 20.0), ExclusiveContrastive("first", ("second",), "learned")),
        (Ranking("first", "second", "third", 20.0, 5.0), Ranking("first", "second", "third", "learned", 5.0)),
    ],
)
def test_a_number_in_the_place_of_a_scale_needs_no_view_and_gives_the_same(
    fixed: Objective, learned: Objective
) -> None:
    assert torch.equal(fixed(_views(), KEY).loss, learned(_views(), KEY).loss)
    assert set(learned.needs) - set(fixed.needs) == {"learned"}


def test_ranking_counts_rows_or_their_weights_where_the_batch_holds_them() -> None:
    batch = {"group": torch.arange(4), "weight": torch.tensor([0.0, 1.0, 1.0, 0.5])}
    counted = [Ranking("a", "b", "c", 20.0, 5.0, weights=weights).terms(batch) for weights in (None, "weight", "view")]
    assert counted == [4, 2.5, None]


def test_focal_tokens_are_the_focal_loss_at_masked_positions() -> None:
    batch = toy_batch()
    views = Views(Toy(ToyConfig()), batch)
    objective = FocalMaskedTokens("token_logits", "right_labels", gamma=2.0)
    labels_K = batch["right_labels"][batch["right_labels"] != IGNORE]
    expected = masked_tokens(views["token_logits"], labels_K, focal_gamma=2.0)
    assert torch.equal(objective(views, KEY).loss, expected.loss)
    assert objective.terms(batch) == len(labels_K)


def test_focal_tokens_leave_the_hashes_of_plain_ones_alone() -> None:
    assert set(to_plain(MaskedTokens("x", "y"))) == {"_type", "weight", "logits", "labels"}
    assert set(to_plain(OBJECTIVES["contrast"])) == {"_type", "weight", "a", "b", "scale"}
    focal = FocalMaskedTokens("x", "y", gamma=2.0)
    assert fingerprint(to_plain(focal)) != fingerprint(to_plain(MaskedTokens("x", "y")))


def test_scales_and_conventions_can_be_overridden_as_numbers_views_and_names() -> None:
    objectives = {"tri": ExclusiveContrastive("first", ("second",), 20.0)}
    assert override(objectives, ["tri.scale=30"])["tri"].scale == 30.0
    assert override(objectives, ["tri.scale=learned"])["tri"].scale == "learned"
    assert override(objectives, ["tri.gradient_scale=local"])["tri"].gradient_scale == "local"
    with pytest.raises(ValueError, match="gradient_scale"):
        override(objectives, ["tri.gradient_scale=both"])


def test_classes_are_learned_from_a_view_and_a_field_and_every_row_is_a_term() -> None:
    batch = {**toy_batch(rows=4), "label": torch.tensor([0, 2, 1, 1])}
    views, objective = Views(Toy(ToyConfig()), batch), Classification("right_state", "label")
    assert torch.equal(objective(views, KEY).loss, classification(views["right_state"], batch["label"]).loss)
    assert objective.terms(batch) == 4
