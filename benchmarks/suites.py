"""What is run: suites of entries, an entry being a recipe under the name that the tables show."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

MAIN_MODEL = "TABLE"
"""The model that the others are subtracted from in the tables of paired differences."""

CORPORA = "QUATREFOIL_DATA"
"""Environment variable: the folder that holds real corpora, each in a folder of its name."""


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
    """

    model: str
    recipe: str
    seeds: Sequence[int]
    note: str
    overrides: tuple[str, ...] = ()
    embedded: bool = True
    data_version: str = f"v{STAGE_VERSION}"


@dataclass(frozen=True)
class Suite:
    """Entries measured together.

    Args:
        committed: the results belong to the repository; else to a folder under runs/.
        gallery: the data set of which samples are drawn, to look at beside the table.
    """

    name: str
    entries: Sequence[Entry]
    committed: bool
    gallery: str | None = None


ONE_SEED, THREE_SEEDS = (0,), (0, 1, 2)

FRAMES = Entry("Frames only", "table/stage-frames", THREE_SEEDS, "the same encoders, no tags")
BRUTE_FORCE = Entry("Brute force", "table/stage-brute-force", THREE_SEEDS, "tags concatenated, no cross encoder")
TABLE = Entry(MAIN_MODEL, "table/stage", THREE_SEEDS, "frames guided by tags, three objectives")

ABLATIONS = (
    Entry("TABLE without tags", "table/stage-no-tags", THREE_SEEDS, "its encoder over frames alone"),
    Entry("TABLE without VTM", "table/stage-no-vtm", THREE_SEEDS, "no matching"),
    Entry("TABLE without MLM", "table/stage-no-mlm", THREE_SEEDS, "no masked words"),
    *(
        Entry(f"TABLE without {expert}", f"table/stage-without-{expert}", THREE_SEEDS, f"no {expert} tags")
        for expert in ("object", "person", "motion", "scene", "audio", "ocr")
    ),
)

_MINUTES = ("train.steps=250", "train.evaluate_every=0", "data.frames.frames=2")
_SECONDS = ("data.size=tiny", "train.steps=20", "train.batch_size=8")


def suites(environment: Mapping[str, str] = os.environ) -> dict[str, Suite]:
    """The suites by name; real corpora are measured where the environment says that they lie.

    Raises:
        FileNotFoundError: the folder named there does not exist.
    """
    core, real = (FRAMES, BRUTE_FORCE, TABLE), real_entries(environment)
    return {
        suite.name: suite
        for suite in (
            Suite("quick", [replace(e, seeds=ONE_SEED, overrides=_SECONDS) for e in (FRAMES, TABLE)], committed=False),
            Suite("demo", [replace(e, seeds=ONE_SEED, overrides=_MINUTES) for e in (FRAMES, TABLE)], False, "stage"),
            Suite("default", [*core, *real], committed=True),
            Suite("full", [*core, *ABLATIONS, *real], committed=True),
        )
    }


def real_entries(environment: Mapping[str, str]) -> list[Entry]:
    """TABLE on each real corpus that is there."""
    if CORPORA not in environment:
        return []
    root = Path(environment[CORPORA])
    if not root.is_dir():
        raise FileNotFoundError(f"{CORPORA}={root} is no folder; set it to the one that holds msrvtt/ and msvd/")
    return [_real_entry(root / name) for name in ("msrvtt", "msvd") if (root / name).is_dir()]


def _real_entry(folder: Path) -> Entry:
    recipe, overrides = f"table/{folder.name}", (f"data.root={folder}",)
    return Entry(MAIN_MODEL, recipe, THREE_SEEDS, "full size", overrides, embedded=False, data_version="as found")
