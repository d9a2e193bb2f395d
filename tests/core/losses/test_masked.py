"""Masked-token prediction. Legend: K masked positions, V vocabulary."""

import pytest
import torch

from quatrefoil.core.losses import IGNORE, MaskedTokensResult, masked_tokens
from tests.core.losses.worlds import Sizes, TermsOf, Towers, assert_independent_of_world_size, mine


def _terms(towers: Towers, sizes: Sizes) -> MaskedTokensResult:
    return masked_tokens(towers.codes(sizes)[0] * towers.scale, mine(towers.labels, sizes))


def _focal_terms(towers: Towers, sizes: Sizes) -> MaskedTokensResult:
    return masked_tokens(towers.codes(sizes)[0] * towers.scale, mine(towers.labels, sizes), focal_gamma=2.0)


@pytest.mark.parametrize("terms", [_terms, _focal_terms])
def test_metrics_and_gradients_do_not_depend_on_world_size(terms: TermsOf) -> None:
    assert_independent_of_world_size(terms)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 3.5])
def test_focal_terms_equal_the_plain_reference(gamma: float) -> None:
    logits_KV, labels_K = torch.randn(20, 9, dtype=torch.float64), torch.randint(9, (20,))
    p_K = logits_KV.softmax(1).gather(1, labels_K[:, None])[:, 0]
    result = masked_tokens(logits_KV, labels_K, focal_gamma=gamma)
    torch.testing.assert_close(result.loss, ((1 - p_K) ** gamma * -p_K.log()).mean(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_focal_term_vanishes_with_its_gradient_where_the_token_is_certain(gamma: float) -> None:
    logits_KV = torch.tensor([[200.0, 0.0]], requires_grad=True)
    loss = masked_tokens(logits_KV, torch.tensor([0]), focal_gamma=gamma).loss
    loss.backward()
    assert loss == 0
    assert not logits_KV.grad.any()


def test_gamma_zero_is_plain_cross_entropy_and_below_it_is_an_error() -> None:
    logits_KV, labels_K = torch.randn(20, 9), torch.randint(9, (20,))
    zero = masked_tokens(logits_KV, labels_K, focal_gamma=0.0)
    assert torch.equal(zero.loss, masked_tokens(logits_KV, labels_K).loss)
    for gamma in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="focal_gamma must be at least 0"):
            masked_tokens(logits_KV, labels_K, focal_gamma=gamma)


def test_value_equals_the_plain_reference() -> None:
    logits_KV, labels_K = torch.randn(20, 9, dtype=torch.float64), torch.randint(9, (20,))
    rows = [logits.exp().sum().log() - logits[label] for logits, label in zip(logits_KV, labels_K, strict=True)]
    result = masked_tokens(logits_KV, labels_K)
    torch.testing.assert_close(result.loss, torch.stack(rows).mean(), rtol=1e-13, atol=0)
    assert result.accuracy.item() == pytest.approx((logits_KV.argmax(1) == labels_K).double().mean().item())


def test_bf16_logits_give_an_fp32_loss() -> None:
    logits_KV, labels_K = torch.randn(20, 9).bfloat16(), torch.randint(9, (20,))
    result = masked_tokens(logits_KV, labels_K)
    assert result.loss.dtype == torch.float32
    assert torch.equal(result.loss, masked_tokens(logits_KV.float(), labels_K).loss)


def test_nothing_masked_gives_a_zero_that_carries_gradient() -> None:
    logits_KV = torch.zeros(0, 5, requires_grad=True)
    loss = masked_tokens(logits_KV, torch.zeros(0, dtype=torch.int64)).loss
    loss.backward()
    assert loss == 0
    assert logits_KV.grad.shape == (0, 5)


@pytest.mark.parametrize("label", [IGNORE, 5])
def test_labels_outside_the_vocabulary_are_an_error(label: int) -> None:
    with pytest.raises(ValueError, match=rf"1 of 2 labels outside 0 .. 4: the first is {label}"):
        masked_tokens(torch.zeros(2, 5), torch.tensor([0, label]))
