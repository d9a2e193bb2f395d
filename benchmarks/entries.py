"""What the leaderboard and the claims measure, by the names that the tables show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from quatrefoil.core.measuring.entries import Entry
from quatrefoil.genomics.datasets.regulome.world import REGULOME_VERSION
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

on_stage = partial(Entry, data_version=f"v{STAGE_VERSION}")
on_regulome = partial(Entry, data_version=f"v{REGULOME_VERSION}")

TABLE = on_stage("TABLE", "table/stage", "frames guided by tags, three objectives")
FRAMES = on_stage("Frames only", "table/stage-frames", "the same encoders, no tags")
FRAMES_AS_LONG = on_stage(
    "Frames only, TABLE's compute",
    "table/stage-frames",
    "2.43 times the steps, as many FLOPs as TABLE's 300",
    overrides=("train.steps=728",),
)
BRUTE_FORCE = on_stage("Brute force", "table/stage-brute-force", "tags concatenated, no cross encoder")
NO_VTM_MLM = on_stage(
    "TABLE, contrast only",
    "table/stage",
    "neither matching nor masked words",
    overrides=("objectives.vtm=off", "objectives.mlm=off"),
)
TABLE_WITHOUT = {
    expert: on_stage(f"TABLE without {expert}", f"table/stage-without-{expert}", f"no {expert} tags")
    for expert in ("object", "person", "motion", "scene", "audio", "ocr")
}
TABLE_NO_TAGS = on_stage("TABLE without tags", "table/stage-no-tags", "its encoder over frames alone")
TABLE_ABLATIONS = (
    TABLE_NO_TAGS,
    on_stage("TABLE without VTM", "table/stage-no-vtm", "no matching"),
    on_stage("TABLE without MLM", "table/stage-no-mlm", "no masked words"),
    *TABLE_WITHOUT.values(),
)


ZERO_SHOT = "zero-shot "
"""Before the name of a task on which pre-training itself is scored."""


@dataclass(frozen=True)
class Arm:
    """A way of pre-training, and all that is measured of it: by the name of the task."""

    tasks: dict[str, Entry]


def _arm(
    name: str,
    note: str,
    recipe: str | None,
    tasks: Mapping[str, str],
    zero_shot: Sequence[str] = (),
    model: tuple[str, ...] = (),
    before: tuple[str, ...] = (),
    on: Callable[..., Entry] = on_stage,
) -> Arm:
    """What starts from a pre-training `recipe`, or from random weights where there is none.

    Args:
        tasks: name of the task -> its recipe.
        zero_shot: tasks on which pre-training itself is scored, nothing having been trained for them.
        model: overrides by which the tasks' model is that of the pre-training.
        before: overrides of the pre-training alone.
        on: makes entries on the benchmark that all of it is trained on.
    """
    called = f"{name}, {'zero-shot' if zero_shot else 'pre-training'}"
    start = on(called, recipe, note, overrides=before) if recipe else None
    as_is = dict.fromkeys(zero_shot, start) if start else {}
    tuned = {task: on(name, of, note, overrides=model, start=start) for task, of in tasks.items()}
    return Arm({**as_is, **tuned})


_QUESTIONS = {f"{kind} questions": f"clover/stage-qa-{kind}" for kind in ("action", "transition", "frame", "mc", "fib")}
_CLOVER_TASKS = {"retrieval": "clover/stage-retrieval", **_QUESTIONS}


def _clover(name: str, note: str, suffix: str | None, before: tuple[str, ...] = ()) -> Arm:
    recipe = None if suffix is None else f"clover/stage-pretrain{suffix}"
    return _arm(name, note, recipe, _CLOVER_TASKS, [f"{ZERO_SHOT}retrieval"], before=before)


CLOVER = _clover("Clover", "tri-modal alignment, masks, ranking", "")
CLOVER_PAIRWISE = _clover("Clover, pair-wise", "contrast of pairs alone", "-pairwise")
CLOVER_NO_MASKS = _clover("Clover without masks", "nothing is masked: no masked words, copies or ranking", "-no-masks")
CLOVER_ANY_WORDS = _clover(
    "Clover, any words masked", "masks of all words, not of nouns and verbs", "", ('data.masks.words=["ANY"]',)
)
CLOVER_NO_RANKING = _clover("Clover without ranking", "no ranking", "-no-ranking")
CLOVER_SCRATCH = _clover("Clover, no pre-training", "from random weights", None)
CLOVER_ARMS = (
    CLOVER,
    CLOVER_PAIRWISE,
    CLOVER_NO_MASKS,
    CLOVER_ANY_WORDS,
    CLOVER_NO_RANKING,
    CLOVER_SCRATCH,
)

_VLSA_TASKS = {f"{task} retrieval": f"vlsa/stage-{task}" for task in ("text-video", "text-audio", "audio-video")}


def _vlsa(name: str, note: str, suffix: str | None, model: tuple[str, ...] = ()) -> Arm:
    recipe = None if suffix is None else f"vlsa/stage-pretrain{suffix}"
    return _arm(name, note, recipe, _VLSA_TASKS, [f"{ZERO_SHOT}text-audio retrieval"], model)


_UNSHARED = ("model.encoder_shared=[]", "model.decoder_shared=[]")
VLSA = _vlsa("VLSA", "masked patches and tokens, audio matched with video and text", "")
VLSA_LOCAL = _vlsa("VLSA, local only", "masked patches and tokens alone", "-local-only")
VLSA_GLOBAL = _vlsa("VLSA, global only", "audio matched with video and text, nothing decoded", "-global-only")
VLSA_VTM = _vlsa("VLSA, video-text matching", "video matched with text in place of audio", "-vtm")
VLSA_UNSHARED = _vlsa("VLSA, unshared", "an encoder and a decoder for each modality", "-unshared", _UNSHARED)
VLSA_JOINT = _vlsa("VLSA, joint", "global codes from the joint pass, which leak", "-joint")
VLSA_NO_SOUND = _arm(
    "VLSA without sound",
    "frames and words alone, hidden and matched with one another; no clip is heard",
    "vlsa/stage-pretrain-vtm",
    {"text-video retrieval": _VLSA_TASKS["text-video retrieval"]},
    before=("data.sound.silence=10.0", "objectives.masked_audio=off"),  # no peak is so high: all is silence
)
VLSA_SCRATCH = _vlsa("VLSA, no pre-training", "from random weights", None)
VLSA_ARMS = (VLSA, VLSA_LOCAL, VLSA_GLOBAL, VLSA_VTM, VLSA_UNSHARED, VLSA_JOINT, VLSA_NO_SOUND, VLSA_SCRATCH)

PROMOTERS, OPENNESS, VARIANTS = "promoters", "openness in unseen cell types", "disease variants"
_REGULOME_TASKS = {
    PROMOTERS: "genebert/regulome-promoter",
    "binding of a factor": "genebert/regulome-tfbs",
    "splice sites": "genebert/regulome-splice",
    VARIANTS: "genebert/regulome-variants",
    OPENNESS: "genebert/regulome-openness",
}


def _genebert(name: str, note: str, suffix: str | None) -> Arm:
    recipe = None if suffix is None else f"genebert/regulome-{suffix}"
    return _arm(name, note, recipe, _REGULOME_TASKS, on=on_regulome)


OPENNESS_VARYING = "openness-varying/ROC-AUC"
"""Among the regions that are open in some cell types only."""
METRICS: Mapping[str, str] = {
    "retrieval": "text-to-video/R@1",
    "text-video retrieval": "text-to-video/R@1",
    "text-audio retrieval": "text-to-audio/R@1",
    "audio-video retrieval": "audio-to-video/R@1",
    **dict.fromkeys(_QUESTIONS, "accuracy"),
    **dict.fromkeys(_REGULOME_TASKS, "MCC"),
    VARIANTS: "ROC-AUC",
    OPENNESS: OPENNESS_VARYING,
}
"""What a task is judged by, of retrieval the first direction; without fine-tuning by the same."""
METRIC_KNOWN: Mapping[str, tuple[int, str]] = {
    VARIANTS: (
        1,
        "the area in place of MCC, since fewer than one variant in ten does something, and at even odds the models "
        "name next to none",
    )
}
"""Task -> how many seeds had been seen when its metric was chosen, and why it was."""

GENEBERT = _genebert("GeneBERT", "sequence and regions, three tasks", "pretrain")
GENEBERT_SEQUENCE = _genebert("GeneBERT, sequence alone", "as much compute as both modalities take", "sequence-only")
GENEBERT_NO_MGM = _genebert("GeneBERT without MGM", "no masked k-mers", "no-mgm")
GENEBERT_NO_NGSP = _genebert("GeneBERT without NGSP", "no next segment", "no-ngsp")
GENEBERT_NO_SRM = _genebert("GeneBERT without SRM", "no matching of sequence and regions", "no-srm")
GENEBERT_SCRATCH = _genebert("GeneBERT, no pre-training", "from random weights", None)
GENEBERT_ARMS = (
    GENEBERT,
    GENEBERT_SEQUENCE,
    GENEBERT_NO_MGM,
    GENEBERT_NO_NGSP,
    GENEBERT_NO_SRM,
    GENEBERT_SCRATCH,
)
REGULOME_BASELINES = (
    *(
        on_regulome("One-hot CNN", f"genebert/regulome-{task}-cnn", "convolutions over bases")
        for task in ("promoter", "tfbs", "splice")
    ),
    OPENNESS_OF_SEQUENCE := on_regulome(
        "Sequence of the region alone", "genebert/regulome-openness-sequence", "it cannot tell cell types apart"
    ),
)
PROMOTERS_AMONG_OTHERS = tuple(
    replace(entry, overrides=(f"data.negatives={rule}",))
    for rule in ("dinuc_shuffle", "subst12of20")
    for entry in (GENEBERT.tasks[PROMOTERS], GENEBERT_SCRATCH.tasks[PROMOTERS], REGULOME_BASELINES[0])
)
"""Trained on negatives of the other two rules, too; all are tested on those of all three."""
