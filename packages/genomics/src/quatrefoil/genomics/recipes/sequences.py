"""Pre-training on sequences alone: `genebert/sequence-pretrain data.sequences=[FILES] data.exclude=[FILES]`."""

from quatrefoil.core.objectives import MaskedTokens
from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.optimizer import OptimizerConfig
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.genomics.datasets.unlabelled.config import UnlabelledData
from quatrefoil.genomics.models.masked_sequences import MaskedSequencesConfig
from quatrefoil.genomics.tasks.pretraining import MaskedAccuracy


def sequence_pretrain() -> Recipe:
    """Masked genome modelling on unlabelled sequences; `genebert/classify model.pretrained=RUN` starts from it."""
    return Recipe(
        model=MaskedSequencesConfig(),
        data=UnlabelledData(),
        objectives={"mgm": MaskedTokens("base_logits", "labels")},
        train=TrainConfig(
            steps=3000,
            batch_size=64,
            optimizer=OptimizerConfig(lr=1e-3, betas=(0.9, 0.98)),
            ema=0.995,
            evaluate_every=1000,
            checkpoint_every=1000,
            log_every=50,
        ),
        evaluate={"mgm": MaskedAccuracy("masked_hits", "sequence", batch_size=256)},
    )
