"""Classes of sequences, for any labelled set: `genebert/classify data.train=FILE data.validation=FILE data.test=FILE`.

All recipes differ in the model, its optimiser and how many readings have a loss. Settings are ours, see
docs/genebert.md; the paper's are not known.
"""

from dataclasses import replace

from quatrefoil.core.evaluation.tasks import Classification as ClassScores
from quatrefoil.core.objectives import Classification, Objective
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.genomics.datasets.labelled.module import LabelledData
from quatrefoil.genomics.models.expert_classifier import ExpertClassifierConfig
from quatrefoil.genomics.models.kmer_logistic import KmerLogisticConfig
from quatrefoil.genomics.models.motif_cnn import MotifCnnConfig
from quatrefoil.genomics.models.one_hot_cnn import OneHotCnnConfig
from quatrefoil.genomics.models.placed_classifier import PlacedClassifierConfig
from quatrefoil.genomics.models.placed_cnn import PlacedCnnConfig
from quatrefoil.genomics.models.sequence_classifier import SequenceClassifierConfig
from quatrefoil.genomics.models.stem_classifier import StemClassifierConfig


def _train(lr: float, ema: float | None = None) -> TrainConfig:
    optimizer = OptimizerConfig(lr=lr, weight_decay=0.01, betas=(0.9, 0.98))
    return TrainConfig(
        steps=1500, batch_size=64, optimizer=optimizer, ema=ema, evaluate_every=150, log_every=50, select="MCC"
    )


def _loss_for_each(*readings: str) -> dict[str, Objective]:
    """One loss a reading; a model's answer is their mean (`mean_opinion`)."""
    return {name: Classification(f"{name}_logits", "label") for name in readings}


def classify() -> Recipe:
    """A transformer on k-mers behind convolutions, from random weights or those of a `sequence-pretrain`, and motif
    filters beside it."""
    return replace(
        classify_encoder(), model=ExpertClassifierConfig(), objectives=_loss_for_each("encoder", "whole", "placed")
    )


def classify_encoder() -> Recipe:
    """A transformer on k-mers behind convolutions, from random weights or those of a `sequence-pretrain`."""
    return Recipe(
        model=StemClassifierConfig(),
        data=LabelledData(),
        objectives={"classes": Classification("class_logits", "label")},
        train=_train(lr=3e-3, ema=0.99),
        evaluate={"classification": ClassScores("class_logits", "sequence", batch_size=256)},
    )


def classify_placed() -> Recipe:
    """As `classify-encoder`, and it keeps where in a sequence its motifs stand: splice sites."""
    return replace(classify_encoder(), model=PlacedClassifierConfig())


def classify_bert() -> Recipe:
    """A plain BERT on k-mers, as the paper's sequence encoder is described, from random weights, those of a
    pre-training or DNABERT's."""
    return replace(classify_encoder(), model=SequenceClassifierConfig(), train=_train(lr=5e-4))


def classify_cnn() -> Recipe:
    """A one-hot convolutional network on labelled sequences."""
    return replace(classify_encoder(), model=OneHotCnnConfig(), train=_train(lr=2e-3, ema=0.99))


def classify_placed_cnn() -> Recipe:
    """A one-hot convolutional network that keeps where in a sequence its motifs stand: splice sites, promoters."""
    return replace(classify_cnn(), model=PlacedCnnConfig())


def classify_motif_cnn() -> Recipe:
    """A convolutional network whose filters become motifs."""
    return replace(
        classify_encoder(),
        model=MotifCnnConfig(),
        objectives=_loss_for_each("whole", "placed"),
        train=_train(lr=5e-3, ema=0.99),
    )


def classify_kmer_logistic() -> Recipe:
    """Logistic regression on counts of 3- to 6-mers of labelled sequences."""
    return replace(classify_encoder(), model=KmerLogisticConfig(), train=_train(lr=1e-2))
