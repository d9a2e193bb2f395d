"""A stack of blocks computes what torch's own computes, and its conveniences change nothing."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import Transformer, TransformerConfig

SMALL = TransformerConfig(width=16, layers=3, heads=4)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def variant(**changes: object) -> Transformer:
    return dataclasses.replace(SMALL, **changes).build()  # type: ignore[arg-type]


def gradients(model: Transformer, x_BTD: Tensor, **options: Tensor) -> list[Tensor]:
    torch.manual_seed(1)  # dropout
    return list(torch.autograd.grad(model(x_BTD, **options).square().sum(), list(model.parameters())))


def torch_stack(model: Transformer) -> nn.ModuleList:
    """torch.nn.TransformerEncoderLayer with the weights of `model`."""
    config, names = model.config, {"qkv.": "in_proj_", "out.": "out_proj."}
    layers = nn.ModuleList()
    for block in model.blocks:
        pre = config.norm_order == "pre"
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.hidden, 0.0, "gelu", batch_first=True, norm_first=pre
        )
        weights = {}
        for name, value in block.state_dict().items():
            for ours, theirs in {
                "attention_norm": "norm1",
                "feed_forward_norm": "norm2",
                "feed_forward.expand": "linear1",
                "feed_forward.contract": "linear2",
                **{f"attention.{a}": f"self_attn.{b}" for a, b in names.items()},
            }.items():
                name = name.replace(ours, theirs)
            weights[name] = value
        layer.load_state_dict(weights)
        layers.append(layer)
    return layers


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_blocks_equal_torch_encoder_layers(norm_order: str, dtype: torch.dtype, tolerance: float) -> None:
    model = variant(norm_order=norm_order).to(dtype)
    mask_BT = torch.arange(7) < torch.tensor([[7], [4]])
    x_BTD = torch.randn(2, 7, 16, dtype=dtype, requires_grad=True)
    ours, theirs = model(x_BTD, mask_BT=mask_BT), x_BTD
    for layer in torch_stack(model).to(dtype):
        theirs = layer(theirs, src_key_padding_mask=~mask_BT)
    assert (ours - theirs)[mask_BT].abs().max() <= tolerance
    # Not the sum of squares, which a last layer norm holds constant: its gradient would be rounding.
    upstream_BTD = torch.randn_like(x_BTD)
    pair = [torch.autograd.grad((out * upstream_BTD)[mask_BT].sum(), x_BTD)[0] for out in (ours, theirs)]
    assert (pair[0] - pair[1]).abs().max() <= 10 * tolerance * pair[1].abs().max()


@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_padding_changes_nothing(norm_order: str) -> None:
    model, x_BTD = variant(norm_order=norm_order), torch.randn(2, 5, 16)
    mask_BT = torch.arange(9).expand(2, -1) < 5
    padded = model(torch.cat([x_BTD, 100 * torch.randn(2, 4, 16)], 1), mask_BT=mask_BT)
    torch.testing.assert_close(padded[:, :5], model(x_BTD), atol=1e-5, rtol=0)


def test_rows_do_not_see_one_another() -> None:
    model, x_BTD = SMALL.build(), torch.randn(4, 5, 16)
    alone = torch.cat([model(row[None]) for row in x_BTD])
    torch.testing.assert_close(model(x_BTD), alone, atol=1e-5, rtol=0)


def test_causal_states_do_not_depend_on_what_follows() -> None:
    model, x_BTD = SMALL.build(), torch.randn(2, 6, 16)
    torch.testing.assert_close(model(x_BTD, causal=True)[:, :4], model(x_BTD[:, :4], causal=True), atol=1e-5, rtol=0)
    assert not torch.allclose(model(x_BTD)[:, :4], model(x_BTD[:, :4]), atol=1e-3)


@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_checkpointing_gives_the_same_gradients_to_the_bit(norm_order: str) -> None:
    habits = {"norm_order": norm_order, "dropout": 0.3, "attention_dropout": 0.3}
    plain, saving = variant(**habits), variant(**habits, checkpoint=True)
    saving.load_state_dict(plain.state_dict())
    x_BTD, mask_BT = torch.randn(2, 6, 16), torch.arange(6) < torch.tensor([[6], [3]])
    pairs = zip(gradients(plain, x_BTD, mask_BT=mask_BT), gradients(saving, x_BTD, mask_BT=mask_BT), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_row_of_padding_alone_leaves_gradients_finite() -> None:
    model, x_BTD = SMALL.build(), torch.randn(2, 4, 16)
    mask_BT = torch.tensor([[True] * 4, [False] * 4])
    assert all(gradient.isfinite().all() for gradient in gradients(model, x_BTD, mask_BT=mask_BT))


@pytest.mark.parametrize("masked", [False, True])
def test_an_empty_batch_passes_forward_and_backward(masked: bool) -> None:
    model = SMALL.build()
    options = {"mask_BT": torch.ones(0, 5, dtype=torch.bool)} if masked else {}
    assert model(torch.randn(0, 5, 16), **options).shape == (0, 5, 16)
    assert all((gradient == 0).all() for gradient in gradients(model, torch.randn(0, 5, 16), **options))


def test_bfloat16_stays_close_to_float32() -> None:
    model, x_BTD, bias = SMALL.build(), torch.randn(2, 6, 16), torch.randn(1, 4, 6, 6)
    exact = model(x_BTD, bias=bias)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(x_BTD, bias=bias)
    assert (rough - exact).abs().max() <= 0.02 * exact.abs().max()


def test_depth_scaling_shrinks_only_what_writes_to_the_residual_stream() -> None:
    config = TransformerConfig(width=64, layers=8, heads=4)
    plain, scaled = (
        dict(dataclasses.replace(config, depth_scaled=choice).build().named_parameters()) for choice in (False, True)
    )
    for name, parameter in scaled.items():
        if name.endswith("weight") and "norm" not in name:
            writes = "attention.out" in name or "contract" in name
            expected = plain[name].std().item() / (4 if writes else 1)
            assert parameter.std().item() == pytest.approx(expected, rel=0.1)
            assert parameter.abs().max().item() <= 2 * parameter.shape[1] ** -0.5


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"layers": 0}, {"activation": "relu"}, {"norm_order": "sandwich"}])
def test_impossible_sizes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        variant(**wrong)
