"""GeneBERT's pre-training and its read-out of openness, one part at a time, scored by their own tasks on held-out
chromosomes."""

from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, Subject, levels
from quatrefoil.genomics.studies.regulome import MATCHING, REGULOME


def _tasks(*names: str) -> Factor:
    """Without each of these tasks."""
    return Factor(
        "tasks", "all three", tuple(Level(f"no {name}", recipe=f"genebert/regulome-no-{name}") for name in names)
    )


ENCODER = Factor(
    "encoder of regions",
    "Swin",
    (
        Level("transformer", recipe="genebert/regulome-region-transformer"),
        Level("deep sets", recipe="genebert/regulome-deep-sets"),
    ),
)
TELLING = Factor(
    "which motifs the regions hit",
    "named rows, and what is unusual",
    (Level("no names", ("model.regions.named_rows=false",)), Level("nothing unusual", ("model.enrichment=false",))),
)
ALONE = Level("found by the encoder alone", ("model.known_motifs=null",))
TOLD = Level("found by the encoder, which is told its own column", recipe="genebert/regulome-columns")


def _known(*found: Level) -> Factor:
    """Without the motifs that made the matrix as filters."""
    return Factor("motifs of the sequence", "known ones as filters", found)


OWN_COLUMN = Factor(
    "own column taken out",
    "in half of the samples",
    (Level("never", ("data.drop_own_column=0.0",)), Level("always", ("data.drop_own_column=1.0",))),
)
WEIGHT = Factor(
    "weight of next segment and matching",
    "that of masked k-mers",
    levels((0.1, 0.3), "objectives.ngsp.weight", "objectives.srm.weight", named="{} of it"),
)
DEPTH = Factor("layers of the transformer", "2", levels((1, 4), "model.transformer.layers"))


def _subject(task: str, measures: tuple[Measure, ...], *factors: Factor, recipe: str = "pretrain") -> Subject:
    return Subject(
        model=f"GeneBERT's {task}",
        domain="Regulome",
        recipe=f"genebert/regulome-{recipe}",
        data_version=REGULOME,
        measures=measures,
        factors=factors,
    )


STUDY = Study(
    question="Which parts of GeneBERT matter for its own tasks on Regulome?",
    subjects=(
        _subject("matching", MATCHING, _tasks("mgm", "ngsp"), ENCODER, TELLING, _known(ALONE, TOLD), OWN_COLUMN),
        _subject("masked k-mers", (Measure("mgm/accuracy"),), _tasks("ngsp", "srm"), WEIGHT, DEPTH),
        _subject("next segment", (Measure("ngsp/ROC-AUC"),), _tasks("mgm", "srm")),
        _subject(
            "openness",
            (Measure("openness-varying/ROC-AUC"), Measure("openness/ROC-AUC")),
            TELLING,
            _known(ALONE),
            recipe="openness",
        ),
    ),
    equal="data, steps, batch, rates and seeds; an arm without a task, with another encoder or of another depth also "
    "computes less, or more. The quarter of the rate was set for the Swin; other encoders of regions have it too",
)
