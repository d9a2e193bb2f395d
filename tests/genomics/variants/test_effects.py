"""Effects say what the alternative allele adds: positive where it makes more of what the model likes."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from quatrefoil.genomics.datasets.openness.config import OpennessSizes
from quatrefoil.genomics.datasets.openness.module import RegionReader
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.sequence.kmers import KmerVocabulary
from quatrefoil.genomics.variants.effects import ClassEffects, OpennessEffects, Scorer, effects
from quatrefoil.genomics.variants.vcf import Variant
from tests.genomics.variants.toy import write_genome

SEGMENT = 10


class LikesG:
    """Log odds of the second class are the number of G that it reads."""

    classes = ("no", "yes")

    def encode(self, batch: dict[str, Tensor], view: str) -> Tensor:
        field, g = {"class_logits": ("bases", 2), "openness": ("ids", int(KmerVocabulary(1).encode("G")[0]))}[view]
        count_B = (batch[field] == g).sum(1).double()
        return torch.stack([torch.zeros_like(count_B), count_B], 1)


class NoRegions(RegionReader):
    def region_fields(self, *_: object) -> dict[str, Tensor]:
        return {"matrix": torch.zeros(1, 1), "region_mask": torch.ones(1, dtype=torch.bool)}


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    return Genome.open(write_genome(tmp_path_factory.mktemp("genome")))


@pytest.fixture(params=["classifier", "openness"])
def scorer(request: pytest.FixtureRequest, genome: Genome) -> Scorer:
    model = cast(Any, LikesG())
    if request.param == "classifier":
        return ClassEffects(model, genome, 3 * SEGMENT)
    sizes = OpennessSizes(k=1, segment=SEGMENT, shift=0)
    return OpennessEffects(model, NoRegions(genome, cast(Any, None), sizes), "liver")


def test_a_variant_that_creates_what_the_model_likes_has_a_positive_effect_and_its_loss_a_negative_one(
    scorer: Scorer, genome: Genome
) -> None:
    letters = LETTERS[genome.fetch("chr1", 0, 300)].tobytes().decode()
    places = [place for place in range(100, 200) if letters[place] != "N"]
    for alternative in "GT":
        variants = [Variant("v", "chr1", place, letters[place], alternative, "here") for place in places]
        expected = [(alternative == "G") - (letters[place] == "G") for place in places]
        assert {*expected} == ({0, 1} if alternative == "G" else {0, -1})
        np.testing.assert_allclose(effects(scorer, variants)[:, 0], expected, atol=1e-9)
