"""Weights of others: names translated, every key accounted for; adapters are tested beside what they adapt."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.weights import (
    Names,
    check_keys,
    copy_weights,
    described_transformer,
    keys_of,
    places,
    read_described,
    read_state,
    require_same,
)

NAMES = Names((("attention.out", "self.o"), ("norm.", "LayerNorm.")), tuple(f".self.{part}." for part in "qkv"))
DESCRIBED = {
    "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 12,
    "hidden_act": "gelu_new", "layer_norm_eps": 1e-3,
}  # fmt: skip


@dataclass(frozen=True)
class Tower:
    """A configuration with one inside."""

    rows: int
    transformer: TransformerConfig


TOWER = Tower(3, TransformerConfig(width=8, layers=2, heads=4))


def test_one_matrix_of_ours_is_the_concatenation_of_three_of_theirs() -> None:
    assert NAMES.keys("blocks.0.attention.qkv.bias") == (
        "blocks.0.self.q.bias",
        "blocks.0.self.k.bias",
        "blocks.0.self.v.bias",
    )
    assert NAMES.keys("blocks.0.attention.out.bias") == ("blocks.0.self.o.bias",)


def test_weights_are_copied_all_or_none() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    found, names = places(module, Names((), ())), [name for name, _ in module.named_parameters()]
    assert keys_of(found) == set(names)
    state = {name: torch.full_like(value, 7) for name, value in module.named_parameters()}
    with pytest.raises(ValueError, match=r"1\.bias: \(5,\) for \(2,\)"):
        copy_weights(found, {**state, "1.bias": torch.zeros(5)})
    assert not any((parameter == 7).any() for parameter in module.parameters())
    copy_weights(found, state)
    assert all((parameter == 7).all() for parameter in module.parameters())


def test_keys_are_wanted_or_ignored_or_named() -> None:
    state = {"a": torch.ones(1), "b": torch.ones(1)}
    check_keys("thing", {"a"}, state, {"b"})
    with pytest.raises(ValueError, match=r"not this thing: missing keys \['c'\], unexpected keys \['b'\]"):
        check_keys("thing", {"a", "c"}, state)


def test_settings_that_fit_any_weights_may_differ_and_others_are_named_with_their_place() -> None:
    dropping = Tower(3, TransformerConfig(width=8, layers=2, heads=4, dropout=0.5, checkpoint=True))
    require_same("here", TOWER, dropping)
    other = Tower(4, TransformerConfig(width=8, layers=2, heads=2))
    require_same("here", TOWER, other, free=("rows", "heads"))
    with pytest.raises(
        ValueError, match=r"here of another shape; set rows=4 \(not 3\), transformer\.heads=2 \(not 4\)"
    ):
        require_same("here", TOWER, other)


def test_a_described_transformer_has_its_sizes() -> None:
    wanted = TransformerConfig(width=8, layers=2, heads=4, mlp_ratio=1.5, activation="gelu_tanh", norm_eps=1e-3)
    assert described_transformer(DESCRIBED) == wanted
    with pytest.raises(ValueError, match="hidden_act `relu` is not one of"):
        described_transformer({**DESCRIBED, "hidden_act": "relu"})


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_what_lies_beside_the_weights_in_a_checkpoint_is_passed_over(tmp_path: Path, key: str) -> None:
    torch.save({"epoch": 3, key: {"a": torch.ones(2)}, "optimizer": {"lr": 0.1}}, tmp_path / "saved.pth")
    assert torch.equal(read_state(tmp_path / "saved.pth")["a"], torch.ones(2))
    torch.save({"epoch": 3, key: "a string"}, tmp_path / "saved.pth")
    with pytest.raises(ValueError, match="is no mapping from names to tensors"):
        read_state(tmp_path / "saved.pth")


def test_weights_that_are_called_as_wrappers_are_stay_weights(tmp_path: Path) -> None:
    torch.save({"model": torch.ones(2)}, tmp_path / "saved.pth")
    assert torch.equal(read_state(tmp_path / "saved.pth")["model"], torch.ones(2))


def test_safetensors_come_before_what_torch_saved(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "pytorch_model.bin")
    assert torch.equal(read_state(tmp_path)["a"], torch.zeros(2))
    save_file({"a": torch.ones(2)}, tmp_path / "model.safetensors")
    assert torch.equal(read_state(tmp_path)["a"], torch.ones(2))
    assert torch.equal(read_state(tmp_path / "pytorch_model.bin")["a"], torch.zeros(2))


@pytest.mark.parametrize("name", ["saved.pth", "saved.safetensors"])
@pytest.mark.parametrize("kept", [0, 7, 300, -1])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, name: str, kept: int) -> None:
    path = tmp_path / name
    save = save_file if path.suffix == ".safetensors" else torch.save
    save({"a": torch.ones(200)}, path)
    path.write_bytes(path.read_bytes()[:kept])
    said = rf"{name} cannot be read as weights: it is damaged, or not of torch.*fetch or save it again"
    with pytest.raises(ValueError, match=said):
        read_state(path)


def test_what_lies_beside_weights_and_is_no_plain_data_is_named(tmp_path: Path) -> None:
    torch.save({"meta": {"best": Path("x")}, "state_dict": {"a": torch.ones(2)}}, tmp_path / "saved.pth")
    with pytest.raises(ValueError, match=r"holds more than weights \(pathlib\..*\), which is not loaded; .*save its"):
        read_state(tmp_path / "saved.pth")


def test_a_text_in_place_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved.pth").write_text("hello")
    with pytest.raises(ValueError, match=r"saved\.pth cannot be read as weights|holds more than weights"):
        read_state(tmp_path / "saved.pth")


def test_a_file_of_weights_is_described_by_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 4}')
    (tmp_path / "some.safetensors").touch()
    assert read_described(tmp_path / "some.safetensors") == read_described(str(tmp_path)) == {"hidden_size": 4}
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match=r"has no config\.json"):
        read_described(tmp_path / "some.safetensors")
