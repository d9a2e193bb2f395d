"""What a classifier of variants must hold, whatever reads the two alleles."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from quatrefoil.core.nn.bert import bert_transformer
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.views import Views
from quatrefoil.genomics.models.sequence_classifier import SequenceClassifierConfig
from quatrefoil.genomics.models.stem_classifier import StemClassifierConfig
from quatrefoil.genomics.models.stem_encoder import StemEncoderConfig
from quatrefoil.genomics.models.variant_classifier import VariantClassifier, VariantClassifierConfig

STEM = StemClassifierConfig(
    encoder=StemEncoderConfig(transformer=TransformerConfig(width=8, layers=1, heads=2)), hidden=0.0
)
BERT = SequenceClassifierConfig(k=3, max_positions=32, transformer=bert_transformer(8, 1, 2))
every_reader = pytest.mark.parametrize("reader", [BERT, STEM], ids=["bert", "stem"])
Reader = SequenceClassifierConfig | StemClassifierConfig


def built(reader: Reader) -> VariantClassifier:
    torch.manual_seed(0)
    model = VariantClassifierConfig(classes=2, reader=reader).build().eval()
    assert isinstance(model, VariantClassifier)
    return model


def windows() -> tuple[Tensor, Tensor]:
    """Reference and alternative: one base differs in the first two rows, none in the third."""
    reference_BL = torch.randint(0, 4, (3, 21), generator=torch.Generator().manual_seed(1))
    alternative_BL = reference_BL.clone()
    alternative_BL[:2, 10] = (alternative_BL[:2, 10] + 1) % 4
    return reference_BL, alternative_BL


@every_reader
@torch.no_grad()
def test_the_effect_is_the_difference_of_the_alleles_and_changes_its_sign_with_them(reader: Reader) -> None:
    model, (reference, alternative) = built(reader), windows()
    there = Views(model, {"bases": reference, "alternative": alternative})["effect"]
    back = Views(model, {"bases": alternative, "alternative": reference})["effect"]
    torch.testing.assert_close(there, -back, rtol=0, atol=1e-6)
    assert there[:2].abs().amax(1).min() > 1e-4
    assert there[2].abs().max() < 1e-6


@every_reader
def test_every_parameter_is_reached_from_the_logits(reader: Reader) -> None:
    model, (reference, alternative) = built(reader), windows()
    model.compare.weight.data.normal_()
    Views(model, {"bases": reference, "alternative": alternative})["class_logits"].square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_what_belongs_to_the_whole_is_refused_of_the_reader() -> None:
    for wrong in (replace(BERT, classes=2), replace(STEM, pretrained="run")):
        with pytest.raises(ValueError, match=r"set model\.classes and model\.pretrained"):
            VariantClassifierConfig(reader=wrong)
    with pytest.raises(ValueError, match=r"set model\.reader\.hidden=0"):
        VariantClassifierConfig(reader=replace(STEM, hidden=0.1))
    with pytest.raises(ValueError, match="both_strands"):
        VariantClassifierConfig(both_strands=True)
