"""What can be measured: an entry is a recipe under the name that the tables show."""

from collections.abc import Sequence
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
    """A way of pre-training Clover, and all that starts from it.

    `zero_shot` is scored as pre-training leaves it, if there was any; `tasks` by the name of their question.
    """

    zero_shot: Entry | None
    retrieval: Entry
    tasks: dict[str, Entry]


def _clover(name: str, recipe: str, note: str) -> Arm:
    start = Entry(f"{name}, zero-shot", recipe, note)
    retrieval = Entry(name, "clover/stage-retrieval", f"{note}; fine-tuned", start=start)
    return Arm(start, retrieval, {task: _question(name, task, start) for task in QUESTIONS})


def _question(name: str, task: str, start: Entry | None) -> Entry:
    return Entry(name, f"clover/stage-qa-{task}", "answers after pre-training" if start else "answers", start=start)


QUESTIONS = ("action", "transition", "frame", "mc", "fib")
CLOVER = _clover("Clover", "clover/stage-pretrain", "tri-modal alignment, masks, ranking")
CLOVER_PAIRWISE = _clover("Clover, pair-wise", "clover/stage-pretrain-pairwise", "contrast of pairs alone")
CLOVER_NO_MASKS = _clover("Clover without masks", "clover/stage-pretrain-no-masks", "no masked copies, no ranking")
CLOVER_NO_RANKING = _clover("Clover without ranking", "clover/stage-pretrain-no-ranking", "no ranking")
CLOVER_SCRATCH = Arm(
    None,
    Entry("Clover, no pre-training", "clover/stage-retrieval", "from random weights"),
    {task: _question("Clover, no pre-training", task, None) for task in QUESTIONS},
)
CLOVER_ARMS = (CLOVER, CLOVER_PAIRWISE, CLOVER_NO_MASKS, CLOVER_NO_RANKING, CLOVER_SCRATCH)
