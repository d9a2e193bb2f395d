"""The kinds of Clover fail where a value differs, of every sort that their files hold."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.golden.__main__ import main


@pytest.mark.parametrize(
    ("name", "tensor", "factor"),
    [
        ("pretrain_small", "out.video_tokens.1", 1 + 1e-3),
        ("pretrain_small", "out.fusion_last_hidden.0", 1 + 1e-3),
        ("pretrain_small", "loss.mlm_loss", 1 + 1e-4),
        ("pretrain_small", "loss.rank_v_vm_loss", 1 + 1e-4),
        ("pretrain_small", "gradnorm.multimodal_backbone.token_type_embeddings.weight", 1 + 1e-2),
        ("pretrain_small", "weight.text_backbone.bert.encoder.layer.1.attention.self.key.weight", 1 + 1e-1),
        ("qa_open_ended", "out.logits", 1 + 1e-3),
        ("qa_multiple_choice", "loss.qa", 1 + 1e-4),
    ],
)
def test_a_perturbed_tensor_fails(
    name: str, tensor: str, factor: float, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = shared / "golden" / "clover" / f"{name}.safetensors"
    tensors = load_file(source)
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
    save_file(tensors | {tensor: tensors[tensor] * factor}, tmp_path / source.name, metadata)
    assert main([str(tmp_path / source.name)]) == 1
    assert ": FAIL " in capsys.readouterr().out


def test_a_weight_that_no_part_takes_is_named(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = shared / "golden" / "clover" / "qa_open_ended.safetensors"
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
    save_file(load_file(source) | {"weight.stray": torch.ones(1)}, tmp_path / source.name, metadata)
    assert main([str(tmp_path / source.name)]) == 1
    assert "unexpected keys ['stray']" in capsys.readouterr().out
