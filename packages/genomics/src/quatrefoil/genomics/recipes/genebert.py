"""GeneBERT's pre-training and its ablations, on Regulome and on a genome with peaks of one's own.

The paper's settings could not be read: the full-size ones are those of DNABERT and Swin, where they are known.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from quatrefoil.core.evaluation.tasks import Classification, Evaluation
from quatrefoil.core.nn.swin import SwinConfig, swin_t
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.objectives import Classification as ClassificationLoss
from quatrefoil.core.objectives import MaskedPatches, MaskedTokens, Objective
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.schedules import ScheduleConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.datasets.pretraining.regulome import RegulomePretraining
from quatrefoil.genomics.models.genebert import GeneBertConfig
from quatrefoil.genomics.models.genebert_columns import ColumnGeneBertConfig
from quatrefoil.genomics.models.region_encoders import (
    DeepSetsRegions,
    RegionsConfig,
    SwinRegions,
    TransformerRegions,
)
from quatrefoil.genomics.models.stem_encoder import Stem, StemEncoderConfig
from quatrefoil.genomics.tasks.pretraining import MaskedAccuracy, MatchByKind

ALL: Mapping[str, Objective] = {
    "mgm": MaskedTokens("token_logits", "labels"),
    "ngsp": ClassificationLoss("next_segment", "next_label"),
    "srm": ClassificationLoss("match", "match_label"),
}
"""Masked genome modelling, next genome segment prediction, sequence-region matching."""

EVALUATIONS: Mapping[str, Mapping[str, Evaluation]] = {
    "mgm": {"mgm": MaskedAccuracy("masked_hits", "next_segment")},
    "ngsp": {"ngsp": Classification("next_segment", "next_segment")},
    "srm": {"srm": MatchByKind("match", "match"), "srm-without-own": MatchByKind("match", "match_without_own")},
}
REGULOME_MOTIFS = 60
REGULOME_REGIONS = 96
"""A third to a half of a chromosome's peaks. Fewer do not tell which factors are active (docs/genebert-results.md), and
windows that hold no peak of the sequence need room beside those that do."""
REGIONS_RATE = 0.25
"""Of the learning rate: at the full one the Swin's code is soon the same for every window."""
SWIN_RATIO = 1.87
"""FLOPs of a step of `regulome-pretrain` over those of one without regions, by `quatrefoil describe --flops`."""

SMALL_SWIN = SwinRegions(
    grid=(64, REGULOME_REGIONS),
    swin=SwinConfig(
        in_channels=1,
        patch=(4, 12),
        width=48,
        depths=(2, 2),
        heads=(3, 6),
        window=(8, 8),
        merged=(0, 1),
        shift_together=True,
    ),
)
REGULOME_STEM = Stem()
LONGEST_MOTIF = 13
REGULOME_ENCODER = StemEncoderConfig(**asdict(REGULOME_STEM))
"""That of `genebert/classify`, downstream the same: in minutes a plain BERT on 6-mers learns nothing of Regulome."""
REGULOME = RegulomePretraining(k=REGULOME_ENCODER.k, segment=100, regions=REGULOME_REGIONS, evaluated=400)
REGULOME_MODEL = GeneBertConfig(
    k=REGULOME_ENCODER.k,
    transformer=REGULOME_ENCODER.transformer,
    stem=REGULOME_STEM,
    known_motifs=LONGEST_MOTIF,
    regions=SMALL_SWIN,
)


def regulome_parts() -> dict[str, Any]:
    """What the configuration of GeneBERT on Regulome holds, for a model that has more."""
    return {part.name: getattr(REGULOME_MODEL, part.name) for part in fields(GeneBertConfig)}


def _tasks(*names: str) -> tuple[Mapping[str, Objective], Mapping[str, Evaluation]]:
    """The objectives of these names, and what measures them."""
    evaluations = {key: task for name in names for key, task in EVALUATIONS[name].items()}
    return {name: ALL[name] for name in names}, evaluations


def regulome_pretrain() -> Recipe:
    """GeneBERT, small, on the embedded benchmark: some five minutes of one CPU core."""
    objectives, evaluate = _tasks(*ALL)
    return Recipe(
        model=REGULOME_MODEL,
        data=REGULOME,
        objectives=objectives,
        train=TrainConfig(
            steps=600,
            batch_size=32,
            optimizer=OptimizerConfig(lr=2e-3, betas=(0.9, 0.98), multipliers=(("region_encoder", REGIONS_RATE),)),
            schedule=ScheduleConfig(name="linear"),
        ),
        evaluate=evaluate,
    )


def _only(recipe: Recipe, *names: str) -> Recipe:
    objectives, evaluate = _tasks(*names)
    return replace(recipe, objectives=objectives, evaluate=evaluate)


def regulome_no_mgm() -> Recipe:
    """Without the prediction of masked k-mers; k-mers are masked all the same."""
    return _only(regulome_pretrain(), "ngsp", "srm")


def regulome_no_ngsp() -> Recipe:
    """Without the prediction of the next segment; half of the segments are false all the same."""
    return _only(regulome_pretrain(), "mgm", "srm")


def regulome_no_srm() -> Recipe:
    """Without matching of sequence and regions, and so without the second modality, in as many steps.

    It knows the motifs that made the matrix all the same, as the next segment is told with them, too.
    """
    return _only(regulome_pretrain(), "mgm", "ngsp")


def regulome_sequence_only() -> Recipe:
    """The sequence alone, with as much compute as both modalities take: in more steps."""
    recipe = regulome_no_srm()
    return replace(recipe, train=replace(recipe.train, steps=round(SWIN_RATIO * recipe.train.steps)))


def _reading_regions(recipe: Recipe, regions: RegionsConfig) -> Recipe:
    assert isinstance(recipe.model, GeneBertConfig)
    return replace(recipe, model=replace(recipe.model, regions=regions))


def regulome_columns() -> Recipe:
    """Beside the paper's three tasks, the masked sequence tells the matrix's column of its own region. Ours.

    The encoder finds motifs alone here: known ones would nearly be the answer.
    """
    recipe, told = regulome_pretrain(), MaskedPatches("column_told", "column_target")
    return replace(
        recipe,
        model=ColumnGeneBertConfig(**{**regulome_parts(), "known_motifs": None}, motifs=REGULOME_MOTIFS),
        objectives={**recipe.objectives, "own_column": told},
    )


def regulome_region_transformer() -> Recipe:
    """A transformer over regions, in no order, in place of the Swin."""
    transformer = TransformerConfig(width=128, layers=4, heads=4)
    return _reading_regions(regulome_pretrain(), TransformerRegions(motifs=REGULOME_MOTIFS, transformer=transformer))


def regulome_deep_sets() -> Recipe:
    """Regions that do not see each other, in place of the Swin."""
    return _reading_regions(regulome_pretrain(), DeepSetsRegions(motifs=REGULOME_MOTIFS, set_width=128))


def atac_pretrain() -> Recipe:
    """GeneBERT, full size, on a genome, peaks and a matrix of one's own: set data.genome and data.matrix."""
    objectives, evaluate = _tasks(*ALL)
    return Recipe(
        model=GeneBertConfig(regions=SwinRegions(grid=(288, 288), swin=swin_t(in_channels=1, window=9))),
        data=PretrainingData(
            genome=Path("data/hg38.fa"),
            matrix=Path("data/atac-matrix"),
            validation_chromosomes=("chr10",),
            test_chromosomes=("chr8", "chr9"),
            held_out_cell_types=(),
        ),
        objectives=objectives,
        train=TrainConfig(
            steps=120_000,
            batch_size=256,
            precision="bf16",
            optimizer=OptimizerConfig(lr=1e-4, betas=(0.9, 0.98), eps=1e-6),
            schedule=ScheduleConfig(name="linear", warmup=10_000),
            evaluate_every=5000,
            checkpoint_every=5000,
        ),
        evaluate=evaluate,
    )


_ATAC_MOTIFS = 282
"""GET's clusters of motifs, for which the grid has 288 rows; a matrix of others is refused, and the setting named."""


def atac_region_transformer() -> Recipe:
    """As `atac-pretrain`, with a transformer over regions, in no order, of about the Swin's parameters."""
    transformer = TransformerConfig(width=384, layers=15, heads=6)
    return _reading_regions(atac_pretrain(), TransformerRegions(motifs=_ATAC_MOTIFS, transformer=transformer))


def atac_deep_sets() -> Recipe:
    """As `atac-pretrain`, with regions that do not see each other in place of the Swin."""
    return _reading_regions(atac_pretrain(), DeepSetsRegions(motifs=_ATAC_MOTIFS, set_width=768))
