"""Attention equals its definition, whatever is hidden from whom."""

import pytest
import torch
from torch import Tensor

from quatrefoil.core.nn.attention import Attention, Visibility, attend

B, H, T, D = 3, 2, 6, 4
CASES = [(mask, bias, causal) for mask in (False, True) for bias in (False, True) for causal in (False, True)]


def plain(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor, bias: Tensor) -> Tensor:
    """softmax(q k' / sqrt(d) + bias) v, with the weights of hidden keys zero and no division by zero."""
    weights = (q @ k.mT * q.shape[-1] ** -0.5 + bias).exp().masked_fill(hidden, 0.0)
    total = weights.sum(-1, keepdim=True)
    out: Tensor = weights / total.masked_fill(total == 0, 1.0) @ v
    return out


def inputs(dtype: torch.dtype) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(B, H, T, D, generator=draw, dtype=dtype, requires_grad=True) for _ in range(3))
    bias = torch.randn(1, H, T, T, generator=draw, dtype=dtype, requires_grad=True)
    mask_BT = torch.tensor([[1] * 6, [1, 1, 1, 0, 0, 0], [0] * 6]).bool()
    return (q, k, v), bias, mask_BT


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize(("masked", "biased", "causal"), CASES)
def test_values_and_gradients_equal_the_definition(
    dtype: torch.dtype, tolerance: float, masked: bool, biased: bool, causal: bool
) -> None:
    qkv, bias, mask_BT = inputs(dtype)
    leaves = [*qkv, bias] if biased else [*qkv]
    hidden = torch.zeros(B, 1, T, T, dtype=torch.bool)
    hidden = hidden | ~mask_BT[:, None, None] if masked else hidden
    hidden = hidden | torch.ones(T, T).triu(1).bool() if causal else hidden
    seen = Visibility.of(mask_BT if masked else None, bias if biased else None, causal=causal)
    ours = attend(*qkv, seen)
    theirs = plain(*qkv, hidden, bias if biased else torch.zeros((), dtype=dtype))
    assert (ours - theirs).abs().max() <= tolerance
    upstream = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    pairs = zip(*(torch.autograd.grad(out, leaves, upstream) for out in (ours, theirs)), strict=True)
    assert all((a - b).abs().max() <= tolerance for a, b in pairs)


def test_a_query_that_sees_no_key_gets_zero_and_gives_zero_gradient() -> None:
    qkv, bias, _ = inputs(torch.float32)
    out = attend(*qkv, Visibility.of(torch.zeros(B, T, dtype=torch.bool), bias, causal=True))
    assert (out == 0).all()
    assert all((gradient == 0).all() for gradient in torch.autograd.grad(out.sum(), [*qkv, bias]))


def test_left_padding_under_causality_stays_finite() -> None:
    qkv, _, _ = inputs(torch.float32)
    mask_BT = torch.tensor([[False, False, True, True, True, True]]).expand(B, -1)
    out = attend(*qkv, Visibility.of(mask_BT, causal=True))
    assert (out[:, :, :2] == 0).all()
    assert out.isfinite().all()


def test_attention_to_a_context_equals_attention_to_oneself_when_the_context_is_oneself() -> None:
    torch.manual_seed(0)
    own, cross = Attention(8, 2), Attention(8, 2, context_width=8)
    weights = own.state_dict()
    for kind in ("weight", "bias"):
        fused = weights.pop(f"qkv.{kind}")
        weights |= {f"q.{kind}": fused[:8], f"kv.{kind}": fused[8:]}
    cross.load_state_dict(weights)
    x_BTD = torch.randn(2, 5, 8)
    torch.testing.assert_close(cross(x_BTD, context_BSD=x_BTD), own(x_BTD))


def test_context_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    cross = Attention(8, 2, context_width=6)
    x_BTD, context_BSD = torch.randn(2, 5, 8), torch.randn(2, 7, 6)
    mask_BS = torch.arange(7).expand(2, -1) < 4
    padded = cross(x_BTD, Visibility.of(mask_BS), context_BSD=context_BSD)
    torch.testing.assert_close(padded, cross(x_BTD, context_BSD=context_BSD[:, :4]))


def test_dropout_of_weights_acts_in_training_only() -> None:
    torch.manual_seed(0)
    attention, x_BTD = Attention(8, 2, dropout=0.5), torch.randn(2, 5, 8)
    assert not torch.equal(attention(x_BTD), attention(x_BTD))
    attention.eval()
    assert torch.equal(attention(x_BTD), attention(x_BTD))


def test_mistakes_are_named() -> None:
    qkv, _, _ = inputs(torch.float32)
    with pytest.raises(ValueError, match="boolean"):
        Visibility.of(torch.ones(B, T))
    with pytest.raises(ValueError, match="6 keys"):
        attend(*qkv, Visibility.of(torch.ones(B, 1, dtype=torch.bool)))
    with pytest.raises(ValueError, match="as many queries"):
        attend(qkv[0][:, :, :2], *qkv[1:], Visibility.of(causal=True))
    with pytest.raises(ValueError, match="multiple of heads"):
        Attention(10, 3)
    with pytest.raises(ValueError, match="context_width"):
        Attention(8, 2)(torch.randn(1, 2, 8), context_BSD=torch.randn(1, 2, 8))
