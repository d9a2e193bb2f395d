"""GeneBERT's pre-training, one part at a time, scored by its own tasks on held-out chromosomes."""

from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, Subject
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
KNOWN = Factor(
    "motifs of the sequence",
    "known ones as filters",
    (
        Level("found by the encoder alone", ("model.known_motifs=null",)),
        Level("found by the encoder, which is told its own column", recipe="genebert/regulome-columns"),
    ),
)
OWN_COLUMN = Factor(
    "own column taken out",
    "in half of the samples",
    (Level("never", ("data.drop_own_column=0.0",)), Level("always", ("data.drop_own_column=1.0",))),
)


def _subject(task: str, measures: tuple[Measure, ...], *factors: Factor) -> Subject:
    recipe = "genebert/regulome-pretrain"
    model = f"GeneBERT's {task}"
    return Subject(
        model=model, domain="Regulome", recipe=recipe, data_version=REGULOME, measures=measures, factors=factors
    )


STUDY = Study(
    question="Which parts of GeneBERT's pre-training matter for its own tasks on Regulome?",
    subjects=(
        _subject("matching", MATCHING, _tasks("mgm", "ngsp"), ENCODER, TELLING, KNOWN, OWN_COLUMN),
        _subject("masked k-mers", (Measure("mgm/accuracy"),), _tasks("ngsp", "srm")),
        _subject("next segment", (Measure("ngsp/ROC-AUC"),), _tasks("mgm", "srm")),
    ),
    equal="data, steps, batch, rates and seeds; an arm without a task or with a smaller encoder also computes less. "
    "The quarter of the rate was set for the Swin; other encoders of regions have it too",
)
