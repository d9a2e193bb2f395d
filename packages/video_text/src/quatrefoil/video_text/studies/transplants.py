"""TABLE's and VLSA's part of the study of transplants."""

from quatrefoil.core.ablation.study import Level, Measure, Subject
from quatrefoil.core.ablation.transplants import transplanted, transplants
from quatrefoil.video_text.studies.stage import STAGE

STUDY = transplants(
    Subject(
        model="TABLE",
        domain="Stage",
        recipe="table/stage",
        data_version=STAGE,
        measures=(Measure("text-to-video/R@1"),),
        factors=transplanted(
            Level("plain contrast alone", ("objectives.vtm=off", "objectives.mlm=off")),
            Level("GeneBERT's matching", recipe="table/stage-kinds"),
        ),
    ),
    Subject(
        model="VLSA",
        domain="Stage",
        recipe="vlsa/stage-pretrain",
        data_version=STAGE,
        measures=(Measure("text-to-audio/R@1"), Measure("audio-to-video/R@1")),
        factors=transplanted(
            Level("plain contrast alone", recipe="vlsa/stage-pretrain-contrast"),
            Level("plain contrast of whole sides", recipe="vlsa/stage-pretrain-whole"),
            Level("Clover's exclusive contrast", recipe="vlsa/stage-pretrain-exclusive"),
            Level("Clover's exclusive contrast and ranking", recipe="vlsa/stage-pretrain-exclusive-ranking"),
        ),
    ),
)
