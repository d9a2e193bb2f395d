"""GeneBERT that starts from DNABERT's weights predicts masked k-mers as transformers' BertForMaskedLM does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.bert import bert_transformer
from quatrefoil.core.views import Views
from quatrefoil.genomics.models.genebert import GeneBert
from quatrefoil.genomics.models.sequence_classifier import SequenceClassifierConfig
from quatrefoil.genomics.sequence.kmers import KmerVocabulary
from tests.genomics.models.test_genebert import ENCODERS, K, batch, config_of

transformers = pytest.importorskip("transformers")
CONFIG = {
    "vocab_size": KmerVocabulary(K).size,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
}


def dnabert(folder: Path, **options: Any) -> Any:
    """A random model in the files in which DNABERT comes, whose weights are large enough for every path to matter."""
    torch.manual_seed(0)
    model = transformers.BertForMaskedLM(transformers.BertConfig(**CONFIG | options)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(KmerVocabulary(K).tokens))
    return model


def ours_from(folder: Path, **changes: Any) -> GeneBert:
    return replace(config_of(ENCODERS["deep-sets"]), dnabert=str(folder), **changes).build().eval()


@torch.no_grad()
def test_logits_of_masked_kmers_equal_those_of_transformers(tmp_path: Path) -> None:
    theirs, given = dnabert(tmp_path), batch()
    given["token_mask"] = torch.arange(21) < torch.tensor([21, 9, 21, 15, 7, 12])[:, None]
    given["labels"] = given["labels"].masked_fill(~given["token_mask"], IGNORE)
    logits = theirs(given["masked_ids"], given["token_mask"].long(), given["segments"]).logits
    want, got = logits[given["labels"] != IGNORE], Views(ours_from(tmp_path), given)["token_logits"]
    assert (got - want).abs().max() <= 1e-5


def test_the_pooler_starts_as_it_would_without_dnabert(tmp_path: Path) -> None:
    dnabert(tmp_path)
    torch.manual_seed(5)
    started = ours_from(tmp_path).bert.pooler
    torch.manual_seed(5)
    plain = config_of(ENCODERS["deep-sets"]).build().bert.pooler
    assert started is not None
    assert plain is not None
    assert torch.equal(started.weight, plain.weight)


@pytest.mark.parametrize(
    ("changes", "message"), [({"k": 4}, "vocab_size=69"), ({"max_positions": 40}, "max_positions=32")]
)
def test_weights_of_another_shape_are_refused_by_name(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    dnabert(tmp_path)
    with pytest.raises(ValueError, match=message):
        ours_from(tmp_path, **changes)


def test_a_vocabulary_that_numbers_kmers_otherwise_is_refused(tmp_path: Path) -> None:
    dnabert(tmp_path)
    tokens = list(KmerVocabulary(K).tokens)
    tokens[6], tokens[7] = tokens[7], tokens[6]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    with pytest.raises(ValueError, match=r"vocab.txt:7: token `AAC`, where ours has `AAT`"):
        ours_from(tmp_path)


@pytest.mark.parametrize("headless", [False, True])
@torch.no_grad()
def test_a_classifier_starts_from_them_with_head_or_without(headless: bool, tmp_path: Path) -> None:
    theirs = dnabert(tmp_path).bert
    if headless:
        theirs.save_pretrained(tmp_path)
    model = SequenceClassifierConfig(
        classes=2, k=K, max_positions=32, transformer=bert_transformer(16, 2, 2), dnabert=str(tmp_path)
    ).build()
    assert model.started_from == f"{tmp_path} (DNABERT), fresh: what is not of its encoder"
    ids = torch.randint(5, KmerVocabulary(K).size, (3, 20))
    mask = torch.arange(20) < torch.tensor([20, 11, 5])[:, None]
    want = theirs(ids, mask.long()).last_hidden_state
    got = model.eval().bert(ids, mask)
    assert (got - want)[mask].abs().max() <= 1e-5


def test_a_classifier_starts_from_one_source() -> None:
    with pytest.raises(ValueError, match="start from pretrained=a, or from dnabert=b, not from both"):
        SequenceClassifierConfig(pretrained="a", dnabert="b")


def test_weights_without_a_head_are_refused(tmp_path: Path) -> None:
    transformers.BertModel(transformers.BertConfig(**CONFIG)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no head for masked k-mers"):
        ours_from(tmp_path)
