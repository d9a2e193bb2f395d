"""GeneBERT's part of the study of transplants: what masked k-mers and matching gain by others' objectives, on
held-out chromosomes."""

from quatrefoil.core.ablation.study import Level, Measure, Subject, levels
from quatrefoil.core.ablation.transplants import transplanted, transplants
from quatrefoil.genomics.studies.regulome import MATCHING, REGULOME

_CONTRAST = "genebert/regulome-contrast"
_LIGHTER = levels(
    (0.2, 0.02),
    "objectives.contrast.weight",
    named="plain contrast besides, weighing {} in place of 2",
    recipe=_CONTRAST,
)
"""Its loss is of another size than those beside it, which learn less; with less of it they may not."""

STUDY = transplants(
    Subject(
        model="GeneBERT",
        domain="Regulome",
        recipe="genebert/regulome-pretrain",
        data_version=REGULOME,
        measures=(Measure("mgm/accuracy"), *MATCHING),
        factors=transplanted(
            Level("plain contrast besides", recipe=_CONTRAST),
            *_LIGHTER,
            Level("Clover's exclusive contrast besides", recipe="genebert/regulome-exclusive"),
            Level("Clover's exclusive contrast and ranking besides", recipe="genebert/regulome-exclusive-ranking"),
            Level("VLSA's masked patches besides", recipe="genebert/regulome-restoring"),
            Level("TABLE's guidance by tags", recipe="genebert/regulome-tagged"),
        ),
    ),
)
