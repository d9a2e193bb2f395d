"""Our BERT with the weights of transformers' BertModel and BertForMaskedLM computes what they compute."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from quatrefoil.core.nn.bert import BERT_BASE, Bert, BertConfig, bert_transformer
from quatrefoil.core.nn.bert_weights import (
    bert_config,
    bert_state,
    initialise_from_bert,
    load_bert,
    load_blocks,
    read_bert,
)
from quatrefoil.core.nn.heads import TokenHead

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
LARGER = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 192}
TABLES = {"vocab_size": 60, "max_position_embeddings": 12, "type_vocab_size": 3}
every_size = pytest.mark.parametrize("size", [SMALL, LARGER], ids=["small", "larger"])


def their_model(size: dict[str, Any], kind: str = "BertForMaskedLM", **options: Any) -> Any:
    """A random model whose weights are large enough for every path to matter."""
    torch.manual_seed(0)
    model = getattr(transformers, kind)(transformers.BertConfig(**TABLES, **size, **options)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def ours_from(folder: Path) -> tuple[Bert, TokenHead]:
    bert = read_bert(folder).config.build().eval()
    head = head_of(bert)
    initialise_from_bert(bert, folder, head)
    return bert, head


def head_of(bert: Bert) -> TokenHead:
    return TokenHead(bert.config.transformer.width, bert.token_embedding.weight, norm_eps=1e-12)


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and types of rows of different lengths."""
    draw = torch.Generator().manual_seed(0)
    ids_BL = torch.randint(1, TABLES["vocab_size"], (4, 12), generator=draw)
    types_BL = torch.randint(0, TABLES["type_vocab_size"], (4, 12), generator=draw)
    mask_BL = torch.arange(12) < torch.tensor([[12], [7], [3], [1]])
    return ids_BL.masked_fill(~mask_BL, 0), mask_BL, types_BL


def difference(ours: Tensor, theirs: Tensor) -> float:
    return (ours - theirs).abs().max().item()


@torch.no_grad()
@every_size
def test_states_and_pooled_codes_equal_transformers(size: dict[str, Any], tmp_path: Path) -> None:
    theirs = their_model(size, "BertModel")
    ours, (ids_BL, mask_BL, types_BL) = read_bert(saved(theirs, tmp_path)).config.build().eval(), inputs()
    initialise_from_bert(ours, tmp_path)
    for types in (None, types_BL):
        want, got = theirs(ids_BL, mask_BL.long(), types), ours(ids_BL, mask_BL, types)
        assert difference(got[mask_BL], want.last_hidden_state[mask_BL]) <= 1e-5
        assert difference(ours.pool(got), want.pooler_output) <= 1e-5
    assert difference(ours(ids_BL[:1]), theirs(ids_BL[:1]).last_hidden_state) <= 1e-5


@every_size
def test_masked_token_logits_and_gradients_equal_transformers(size: dict[str, Any], tmp_path: Path) -> None:
    theirs = their_model(size)
    (bert, head), (ids_BL, mask_BL, types_BL) = ours_from(saved(theirs, tmp_path)), inputs()
    want = theirs(ids_BL, mask_BL.long(), types_BL).logits[mask_BL]
    got = head(bert(ids_BL, mask_BL, types_BL)[mask_BL])
    assert difference(got, want) <= 1e-5
    for logits in (want, got):
        logits.log_softmax(-1)[:, 3].mean().backward()
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    mirror = Bert(bert.config)  # its parameters take our gradients' names to theirs
    mirror_head = head_of(mirror)
    load_bert(mirror, bert_state(gradients), mirror_head)
    for module, reference in ((bert, mirror), (head, mirror_head)):
        for ours, mirrored in zip(module.parameters(), reference.parameters(), strict=True):
            assert ours.grad is not None
            assert difference(ours.grad, mirrored) <= 1e-5 * max(1.0, mirrored.abs().max().item())


def test_padding_changes_nothing() -> None:
    bert, (ids_BL, mask_BL, types_BL) = small().build().eval(), inputs()
    alone = bert(ids_BL[1:2, :7], None, types_BL[1:2, :7])
    torch.testing.assert_close(bert(ids_BL, mask_BL, types_BL)[1:2, :7], alone, atol=1e-5, rtol=0)


def test_prefixes_and_the_names_of_old_norms_change_nothing(tmp_path: Path) -> None:
    state = saved_state(tmp_path)
    plain = ours_from(tmp_path)
    old = {key.replace("LayerNorm.weight", "LayerNorm.gamma"): value for key, value in state.items()}
    old = {key.replace("LayerNorm.bias", "LayerNorm.beta"): value for key, value in old.items()}
    bare = {key.removeprefix("bert."): value for key, value in old.items()}
    for spelling in (old, bare, bare | {"embeddings.position_ids": torch.arange(12)[None]}):
        save_file(spelling, tmp_path / "model.safetensors")
        for ours, again in zip(plain, ours_from(tmp_path), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), again.parameters(), strict=True))


def saved_state(folder: Path) -> dict[str, Tensor]:
    return dict(load_file(saved(their_model(SMALL), folder) / "model.safetensors"))


def small(**changes: Any) -> BertConfig:
    blocks = bert_transformer(32, 2, 4, mlp_ratio=2.0)
    config = BertConfig(vocab_size=60, max_positions=12, type_vocab_size=3, transformer=blocks)
    return dataclasses.replace(config, **changes)


def test_weights_saved_by_torch_are_read_as_safetensors_are(tmp_path: Path) -> None:
    state = saved_state(tmp_path)
    first = ours_from(tmp_path)[0].state_dict()
    (tmp_path / "model.safetensors").unlink()
    for wrapped in (state, {"meta": {"epoch": 3}, "state_dict": state}):
        torch.save(wrapped, tmp_path / "pytorch_model.bin")
        again = ours_from(tmp_path)[0].state_dict()
        assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_pickle_of_anything_but_weights_is_refused(tmp_path: Path) -> None:
    saved(their_model(SMALL), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no model\.safetensors.*no pytorch_model\.bin"):
        read_bert(tmp_path)
    torch.save({"weight": Path("a")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="more than weights"):
        read_bert(tmp_path)
    torch.save([1, 2], tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="no mapping"):
        read_bert(tmp_path)


def test_a_short_configuration_means_transformers_defaults() -> None:
    """What save_pretrained leaves out is what transformers would fill in."""
    short = json.loads(transformers.BertConfig().to_json_string(use_diff=True))
    assert bert_config(short) == bert_config(transformers.BertConfig().to_dict()) == BertConfig()


def test_the_default_has_the_published_size() -> None:
    with torch.device("meta"):
        ours = sum(p.numel() for p in BertConfig(pooler=True).build().parameters())
    assert ours == 109_482_240  # bert-base-uncased's


def test_every_stray_key_is_named_and_nothing_is_copied(tmp_path: Path) -> None:
    state = bert_state(saved_state(tmp_path))
    bert = small().build()
    before = {name: value.clone() for name, value in bert.state_dict().items()}
    state["classifier.weight"] = state.pop("encoder.layer.1.output.dense.bias")
    with pytest.raises(ValueError, match=r"missing .*layer\.1\.output\.dense\.bias.*unexpected .*classifier\.weight"):
        load_bert(bert, state)
    assert all(torch.equal(before[name], value) for name, value in bert.state_dict().items())


def test_a_pooler_of_ours_must_find_its_weights(tmp_path: Path) -> None:
    saved(their_model(SMALL), tmp_path)
    with pytest.raises(ValueError, match=r"missing keys \['pooler\.dense"):
        initialise_from_bert(small(pooler=True).build(), tmp_path)


@pytest.mark.parametrize("wrong", [{"heads": 8}, {"activation": "gelu_tanh"}, {"norm_eps": 1e-5}])
def test_habits_that_the_weights_do_not_show_are_compared(wrong: dict[str, Any], tmp_path: Path) -> None:
    saved(their_model(SMALL), tmp_path)
    blocks = dataclasses.replace(read_bert(tmp_path).config.transformer, **wrong)
    with pytest.raises(ValueError, match=rf"transformer\.{next(iter(wrong))}="):
        initialise_from_bert(small(transformer=blocks).build(), tmp_path)


def test_a_decoder_of_its_own_is_not_poured_into_the_embedding(tmp_path: Path) -> None:
    theirs = their_model(SMALL, tie_word_embeddings=False)
    saved(theirs, tmp_path)
    with pytest.raises(ValueError, match="copy of its own"):
        ours_from(tmp_path)
    bert = small().build().eval()
    head = TokenHead(32, torch.nn.Parameter(bert.token_embedding.weight.detach().clone()), norm_eps=1e-12).eval()
    initialise_from_bert(bert, tmp_path, head)
    ids_BL = inputs()[0][:1]
    assert difference(head(bert(ids_BL)), theirs(ids_BL).logits) <= 1e-5


def test_a_shorter_stack_starts_as_the_first_layers(tmp_path: Path) -> None:
    state = bert_state(saved_state(tmp_path))
    whole = ours_from(tmp_path)[0]
    first = dataclasses.replace(whole.config.transformer, layers=1).build()
    load_blocks(first, state)
    pairs = zip(first.blocks[0].parameters(), whole.transformer.blocks[0].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    with pytest.raises(ValueError, match=r"missing keys .*layer\.2"):
        load_blocks(dataclasses.replace(whole.config.transformer, layers=3).build(), state)


def test_mistakes_are_named() -> None:
    bert = small().build()
    with pytest.raises(ValueError, match="max_positions 12"):
        bert(torch.zeros(1, 13, dtype=torch.long))
    with pytest.raises(ValueError, match="no pooler"):
        bert.pool(torch.zeros(1, 2, 32))
    with pytest.raises(ValueError, match="norm_order=post"):
        small(transformer=dataclasses.replace(BERT_BASE, norm_order="pre"))
    with pytest.raises(ValueError, match="needs a row"):
        small(vocab_size=0)
    with pytest.raises(ValueError, match="absolute positions"):
        bert_config({"position_embedding_type": "relative_key"})
    with pytest.raises(ValueError, match="hidden_act `relu`"):
        bert_config({"hidden_act": "relu"})


def test_the_folder_of_another_model_is_no_bert(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"classes": 2, "width": 64}')
    with pytest.raises(ValueError, match=r"without vocab_size and model_type is of no BERT; give the folder of one"):
        read_bert(tmp_path)
