"""Downstream of GeneBERT's pre-training on Regulome: promoters, binding, splice sites, variants and openness.

`model.pretrained=RUN` starts from a run of `genebert/regulome-*`; without it a task is its own untrained twin. The
bounds of the benchmark are in every `metrics.json`. Settings are ours, minutes of one core.
"""

from dataclasses import replace
from pathlib import Path

from quatrefoil.core.evaluation.tasks import Classification as ClassScores
from quatrefoil.core.objectives import Classification, PairClassification
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.genomics.datasets.openness.config import ALL, VARYING, OpennessData, RegulomeOpenness
from quatrefoil.genomics.datasets.regulome.tasks import (
    RegulomeBinding,
    RegulomePromoters,
    RegulomeSplice,
    RegulomeWindows,
)
from quatrefoil.genomics.datasets.variants.config import RegulomeVariants
from quatrefoil.genomics.models.openness import OpennessConfig
from quatrefoil.genomics.models.stem_classifier import StemClassifierConfig
from quatrefoil.genomics.models.variant_classifier import VariantClassifierConfig
from quatrefoil.genomics.recipes.classify import classify_cnn, classify_encoder, classify_placed, classify_placed_cnn
from quatrefoil.genomics.recipes.genebert import REGIONS_RATE, REGULOME_ENCODER, REGULOME_REGIONS, regulome_parts


def _train(steps: int) -> TrainConfig:
    optimizer = OptimizerConfig(lr=1e-3, weight_decay=0.01, betas=(0.9, 0.98))
    return TrainConfig(steps=steps, batch_size=64, optimizer=optimizer, evaluate_every=0, log_every=50)


def _on(recipe: Recipe, data: RegulomeWindows, steps: int) -> Recipe:
    """As it tells classes of any labelled set apart, on Regulome."""
    return replace(recipe, data=data, train=replace(recipe.train, steps=steps, evaluate_every=steps // 5))


def _classify(data: RegulomeWindows) -> Recipe:
    return _on(classify_encoder(), data, steps=200)


def _by_placed_cnn(data: RegulomeWindows) -> Recipe:
    return _on(classify_placed_cnn(), data, steps=600)  # in 200, as the others have, it has not ended


def regulome_promoter() -> Recipe:
    """Promoters; tested within and across the three rules of negatives: data.negatives, .length, .promoter_class."""
    return _classify(RegulomePromoters())


def regulome_tfbs() -> Recipe:
    """Windows bound by a factor: data.factor."""
    return _classify(RegulomeBinding())


def regulome_splice() -> Recipe:
    """Acceptor, donor or neither, by the classifier that keeps places."""
    return _on(classify_placed(), RegulomeSplice(), steps=200)


def regulome_promoter_cnn() -> Recipe:
    """`regulome-promoter` by a one-hot convolutional network."""
    return _by_placed_cnn(RegulomePromoters())


def regulome_tfbs_cnn() -> Recipe:
    """`regulome-tfbs` by a one-hot convolutional network."""
    return _on(classify_cnn(), RegulomeBinding(), steps=1500)  # in fewer it has not begun


def regulome_splice_cnn() -> Recipe:
    """`regulome-splice` by a one-hot convolutional network."""
    return _by_placed_cnn(RegulomeSplice())


def regulome_variants() -> Recipe:
    """Which variants close an element in the cell type of the disease, from both alleles in their window."""
    return Recipe(
        model=VariantClassifierConfig(reader=StemClassifierConfig(encoder=REGULOME_ENCODER, hidden=0.0)),
        data=RegulomeVariants(),
        objectives={"breaking": Classification("class_logits", "label")},
        train=_train(300),  # no step is chosen: 13 breaking ones validate, too few to choose a step by
        evaluate={"variants": ClassScores("class_logits", "variant", batch_size=128)},
    )


def _openness(logits: str) -> Recipe:
    optimizer = OptimizerConfig(
        lr=3e-3, weight_decay=0.01, betas=(0.9, 0.98), multipliers=(("region_encoder", REGIONS_RATE),)
    )
    return Recipe(
        model=OpennessConfig(**regulome_parts()),
        data=RegulomeOpenness(k=REGULOME_ENCODER.k, regions=REGULOME_REGIONS),
        objectives={"openness": PairClassification(f"{logits}_of_pairs", "open_in_pairs")},
        train=replace(_train(300), optimizer=optimizer),
        evaluate={
            "openness": ClassScores(logits, ALL, batch_size=128),
            "openness-varying": ClassScores(logits, VARYING, batch_size=128),
        },
    )


def regulome_openness() -> Recipe:
    """Open or closed in held-out cell types on held-out chromosomes, from the sequence and the peaks about it."""
    return _openness("openness")


def openness() -> Recipe:
    """Open or closed in new cell types, on a genome, peaks and tables of one's own: see docs/genebert.md, "Openness".

    The small model of Regulome; set model.regions.grid and model.known_motifs to hold one's own motifs.
    """
    data = OpennessData(
        genome=Path("data/genome.fa"),
        matrix=Path("data/matrix"),
        train=Path("data/train.tsv"),
        validation=Path("data/validation.tsv"),
        k=REGULOME_ENCODER.k,
        regions=REGULOME_REGIONS,
    )
    return replace(regulome_openness(), data=data)


def regulome_openness_sequence() -> Recipe:
    """The same from the sequence alone, which cannot tell cell types apart."""
    return _openness("openness_of_sequence")
