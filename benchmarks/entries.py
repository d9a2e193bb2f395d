"""What can be measured: an entry is a recipe under the name that the tables show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

STAGE = f"v{STAGE_VERSION}"
ONE_SEED, THREE_SEEDS, FIVE_SEEDS = (0,), (0, 1, 2), (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Entry:
    """A model to measure.

    Args:
        model: the name that the tables show.
        recipe, overrides: what is trained.
        seeds: one run each.
        embedded: trained on data that the project made itself.
        data_version: of those data; "as found" for a real corpus.
        note: what the model is for, in a few words.
        start: what is trained before, with the same seed; this one goes on from there (`model.pretrained`).
    """

    model: str
    recipe: str
    note: str
    seeds: Sequence[int] = THREE_SEEDS
    overrides: tuple[str, ...] = ()
    embedded: bool = True
    data_version: str = STAGE
    start: "Entry | None" = None

    def with_seeds(self, seeds: Sequence[int]) -> "Entry":
        """The same entry, and what it starts from, with other seeds."""
        return replace(self, seeds=seeds, start=self.start and self.start.with_seeds(seeds))


TABLE = Entry("TABLE", "table/stage", "frames guided by tags, three objectives")
FRAMES = Entry("Frames only", "table/stage-frames", "the same encoders, no tags")
BRUTE_FORCE = Entry("Brute force", "table/stage-brute-force", "tags concatenated, no cross encoder")
NO_VTM_MLM = Entry(
    "TABLE, contrast only",
    "table/stage",
    "neither matching nor masked words",
    overrides=("objectives.vtm=off", "objectives.mlm=off"),
)
TABLE_WITHOUT = {
    expert: Entry(f"TABLE without {expert}", f"table/stage-without-{expert}", f"no {expert} tags")
    for expert in ("object", "person", "motion", "scene", "audio", "ocr")
}
TABLE_ABLATIONS = (
    Entry("TABLE without tags", "table/stage-no-tags", "its encoder over frames alone"),
    Entry("TABLE without VTM", "table/stage-no-vtm", "no matching"),
    Entry("TABLE without MLM", "table/stage-no-mlm", "no masked words"),
    *TABLE_WITHOUT.values(),
)


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
) -> Arm:
    """What starts from a pre-training `recipe`, or from random weights where there is none.

    Args:
        tasks: name of the task -> its recipe.
        zero_shot: tasks on which pre-training itself is scored, nothing having been trained for them.
        model: overrides by which the tasks' model is that of the pre-training.
    """
    start = Entry(f"{name}, zero-shot", recipe, note) if recipe else None
    as_is = dict.fromkeys(zero_shot, start) if start else {}
    return Arm({**as_is, **{task: Entry(name, of, note, overrides=model, start=start) for task, of in tasks.items()}})


_QUESTIONS = {f"{kind} questions": f"clover/stage-qa-{kind}" for kind in ("action", "transition", "frame", "mc", "fib")}
_CLOVER_TASKS = {"retrieval": "clover/stage-retrieval", **_QUESTIONS}


def _clover(name: str, note: str, suffix: str | None) -> Arm:
    recipe = None if suffix is None else f"clover/stage-pretrain{suffix}"
    return _arm(name, note, recipe, _CLOVER_TASKS, ["zero-shot retrieval"])


CLOVER = _clover("Clover", "tri-modal alignment, masks, ranking", "")
CLOVER_PAIRWISE = _clover("Clover, pair-wise", "contrast of pairs alone", "-pairwise")
CLOVER_NO_MASKS = _clover("Clover without masks", "no masked copies, no ranking", "-no-masks")
CLOVER_NO_RANKING = _clover("Clover without ranking", "no ranking", "-no-ranking")
CLOVER_SCRATCH = _clover("Clover, no pre-training", "from random weights", None)
CLOVER_ARMS = (CLOVER, CLOVER_PAIRWISE, CLOVER_NO_MASKS, CLOVER_NO_RANKING, CLOVER_SCRATCH)

_VLSA_TASKS = {f"{task} retrieval": f"vlsa/stage-{task}" for task in ("text-video", "text-audio", "audio-video")}


def _vlsa(name: str, note: str, suffix: str | None, model: tuple[str, ...] = ()) -> Arm:
    recipe = None if suffix is None else f"vlsa/stage-pretrain{suffix}"
    return _arm(name, note, recipe, _VLSA_TASKS, ["zero-shot text-audio retrieval"], model)


_UNSHARED = ("model.encoder_shared=[]", "model.decoder_shared=[]")
VLSA = _vlsa("VLSA", "masked patches and tokens, audio matched with video and text", "")
VLSA_LOCAL = _vlsa("VLSA, local only", "masked patches and tokens alone", "-local-only")
VLSA_GLOBAL = _vlsa("VLSA, global only", "audio matched with video and text, nothing decoded", "-global-only")
VLSA_VTM = _vlsa("VLSA, video-text matching", "video matched with text in place of audio", "-vtm")
VLSA_UNSHARED = _vlsa("VLSA, unshared", "an encoder and a decoder for each modality", "-unshared", _UNSHARED)
VLSA_JOINT = _vlsa("VLSA, joint", "global codes from the joint pass, which leak", "-joint")
VLSA_SCRATCH = _vlsa("VLSA, no pre-training", "from random weights", None)
VLSA_ARMS = (VLSA, VLSA_LOCAL, VLSA_GLOBAL, VLSA_VTM, VLSA_UNSHARED, VLSA_JOINT, VLSA_SCRATCH)
