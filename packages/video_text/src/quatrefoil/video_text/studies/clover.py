"""Clover's pre-training, one part at a time, scored as it is: nothing is fine-tuned."""

from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, Subject, levels
from quatrefoil.video_text.studies.stage import STAGE

ALIGNMENT = Factor(
    "alignment",
    "tri-modal, with masked copies and ranking",
    (
        Level("no ranking", recipe="clover/stage-pretrain-no-ranking"),
        Level("no masked copies", recipe="clover/stage-pretrain-no-masks"),
        Level("pair-wise contrast alone", recipe="clover/stage-pretrain-pairwise"),
        Level("no masked words", ("objectives.mlm=off",)),
    ),
)
PAIRING = Factor(
    "pairing", "with the other side's fusion", (Level("the first version's", recipe="clover/stage-pretrain-early"),)
)
READ_OUT = Factor("read-out", "mean of visual states", (Level("joint state", ("model.fused_readout=text_cls",)),))
KINDS = Factor("kinds of words masked", "nouns and verb phrases", (Level("any", ('data.masks.words=["ANY"]',)),))
MASKS = Factor("words masked", "0.3", levels((0.15, 0.45, 0.6), "data.mask_rate"))
MARGIN = Factor(
    "margin of ranking",
    "0.25 of cosine",
    tuple(
        Level(
            f"{margin / 20} of cosine",
            (f"objectives.rank_text.margin={margin}", f"objectives.rank_video.margin={margin}"),
        )
        for margin in (1.0, 10.0)
    ),
)
WEIGHT = Factor(
    "weight of ranking",
    "that of contrast",
    levels((0.1, 5.0), "objectives.rank_text.weight", "objectives.rank_video.weight", named="{} of it"),
)
DEPTH = Factor("layers of fusion", "2", levels((1, 4), "model.fusion.transformer.layers"))
STUDY = Study(
    question="Which parts of Clover's pre-training matter for retrieval on Stage, without fine-tuning?",
    subjects=(
        Subject(
            model="Clover",
            domain="Stage",
            recipe="clover/stage-pretrain",
            data_version=STAGE,
            measures=(Measure("text-to-video/R@1"), Measure("video-to-text/R@1")),
            factors=(ALIGNMENT, PAIRING, READ_OUT, KINDS, MASKS, MARGIN, WEIGHT, DEPTH),
        ),
    ),
    equal="data, steps, batch, rates and seeds; an arm without a masked copy, or of another depth, also computes less "
    "or more",
)
