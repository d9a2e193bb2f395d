"""TABLE's parts, one at a time."""

from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, Subject, levels
from quatrefoil.video_text.studies.stage import STAGE
from quatrefoil.video_text.tags.selection import EXPERTS

OBJECTIVES = Factor(
    "objectives",
    "contrast, matching, masked words",
    (
        Level("no matching", ("objectives.vtm=off",)),
        Level("no masked words", ("objectives.mlm=off",)),
        Level("contrast alone", ("objectives.vtm=off", "objectives.mlm=off")),
    ),
)
TAGS = Factor(
    "tags",
    "guide frames",
    (
        Level("added, without guidance", recipe="table/stage-brute-force"),
        Level("as one sentence", ("model.tag_form=sentence",)),
        Level("none, its encoders over frames", recipe="table/stage-no-tags"),
        Level("none, frames alone", recipe="table/stage-frames"),
    ),
)
STAGED = [expert for expert in EXPERTS if expert != "speech"]  # nobody speaks on Stage
EXPERT = Factor(
    "experts", "all", tuple(Level(f"without {name}", recipe=f"table/stage-without-{name}") for name in STAGED)
)
TEMPERATURE = Factor(
    "temperature of contrast",
    "learned",
    tuple(Level(f"1/{scale}", (f"objectives.vtc.scale={scale}.0",)) for scale in (10, 20, 50, 100)),
)
WEIGHT = Factor(
    "weight of matching and masked words",
    "that of contrast",
    levels((0.1, 0.3), "objectives.vtm.weight", "objectives.mlm.weight", named="{} of it"),
)
DEPTH = Factor(
    "layers of guidance and of the joint encoder",
    "2",
    levels((1, 4), "model.guide_layers", "model.joint_layers"),
)
STUDY = Study(
    question="Which parts of TABLE matter on Stage?",
    subjects=(
        Subject(
            model="TABLE",
            domain="Stage",
            recipe="table/stage",
            data_version=STAGE,
            measures=(Measure("text-to-video/R@1"), Measure("video-to-text/R@1")),
            factors=(OBJECTIVES, WEIGHT, TAGS, EXPERT, TEMPERATURE, DEPTH),
        ),
    ),
    equal="data, steps, batch, rates and seeds; settings were chosen on validation for the full model "
    "alone; other depths compute more or less",
)
