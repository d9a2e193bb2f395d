"""Heads: a scale that can come back, a decoder that is the embedding."""

import pytest
import torch
from torch import nn

from quatrefoil.core.nn.heads import LogitScale, PairClassifier, TokenHead


def test_logit_scale_equals_exp_below_its_maximum() -> None:
    scale = LogitScale(initial=20.0)
    value = scale()
    assert value.shape == ()
    assert value.item() == pytest.approx(20.0, rel=1e-6)
    assert torch.autograd.grad(value, scale.log_scale)[0].item() == pytest.approx(20.0, rel=1e-6)


@pytest.mark.parametrize("excess", [0.0, 0.5])
def test_logit_scale_never_exceeds_its_maximum_and_can_come_back(excess: float) -> None:
    scale = LogitScale(initial=100.0, maximum=100.0)
    scale.log_scale.data += excess
    assert scale().item() == pytest.approx(100.0, rel=1e-6)
    (outward,) = torch.autograd.grad(-scale(), scale.log_scale)
    (inward,) = torch.autograd.grad(scale(), scale.log_scale)
    assert outward.item() == 0
    assert inward.item() == pytest.approx(100.0, rel=1e-6)


@pytest.mark.parametrize("initial", [0.0, -1.0, 100.5])
def test_logit_scale_refuses_a_start_outside_its_range(initial: float) -> None:
    with pytest.raises(ValueError, match="starts in"):
        LogitScale(initial=initial)


def test_pairs_are_judged_two_ways() -> None:
    assert PairClassifier(8)(torch.randn(0, 8)).shape == (0, 2)
    assert PairClassifier(8)(torch.randn(5, 8)).shape == (5, 2)


def test_token_head_shares_its_decoder_with_the_embedding_and_leaves_it_as_it_was() -> None:
    embedding = nn.Embedding(11, 6)
    before = embedding.weight.detach().clone()
    head = TokenHead(8, embedding.weight)
    assert head.decoder.weight is embedding.weight
    assert torch.equal(embedding.weight, before)
    x = torch.randn(5, 8)
    hidden = head.norm(nn.functional.gelu(head.dense(x)))
    torch.testing.assert_close(head(x), hidden @ embedding.weight.T + head.decoder.bias)
    with pytest.raises(ValueError, match="not a copy"):
        TokenHead(8, embedding.weight[:5])
    head(x).sum().backward()
    assert embedding.weight.grad is not None
