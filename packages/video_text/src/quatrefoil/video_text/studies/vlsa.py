"""VLSA's pre-training, one part at a time, scored as it is: nothing is fine-tuned."""

from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, Subject, levels
from quatrefoil.video_text.studies.stage import STAGE

OBJECTIVES = Factor(
    "objectives",
    "local and global",
    (
        Level("local alone", recipe="vlsa/stage-pretrain-local-only"),
        Level("global alone", recipe="vlsa/stage-pretrain-global-only"),
        Level("video with text in place of audio", recipe="vlsa/stage-pretrain-vtm"),
        Level("no matching", ("objectives.audio_video_match=off", "objectives.audio_text_match=off")),
    ),
)
CODES = Factor(
    "global codes", "of each modality alone", (Level("of the joint pass", recipe="vlsa/stage-pretrain-joint"),)
)
HIDDEN = Factor("patches hidden", "0.75", levels((0.5, 0.9), "data.hiding.video", "data.hiding.audio"))
SHARING = Factor(
    "sharing",
    "encoder and decoder",
    (
        Level("encoder alone", ("model.decoder_shared=[]",)),
        Level("decoder alone", ("model.encoder_shared=[]",)),
        Level("nothing", recipe="vlsa/stage-pretrain-unshared"),
    ),
)
LOCAL = ("masked_video", "masked_text", "masked_audio")
WEIGHT = Factor(
    "weight of what is restored", "1", levels((0.1, 10.0), *(f"objectives.{name}.weight" for name in LOCAL))
)
DEPTH = Factor("layers of the encoder", "3", levels((1, 6), "model.encoder.layers"))
STUDY = Study(
    question="Which parts of VLSA's pre-training matter for retrieval on Stage, without fine-tuning?",
    subjects=(
        Subject(
            model="VLSA",
            domain="Stage",
            recipe="vlsa/stage-pretrain",
            data_version=STAGE,
            measures=(Measure("text-to-audio/R@1"), Measure("audio-to-video/R@1"), Measure("text-to-video/R@1")),
            factors=(OBJECTIVES, CODES, HIDDEN, SHARING, WEIGHT, DEPTH),
        ),
    ),
    equal="data, steps, batch, rates and seeds; separate encoders have more weights, not more work; "
    "other depths compute more or less",
)
