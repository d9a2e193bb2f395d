"""What is laid beside a page to look at and to try: samples of the data, a model, and runs that lie on this machine."""

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.entries import (
    BRUTE_FORCE,
    FRAMES,
    TABLE,
    VLSA,
    VLSA_JOINT,
    VLSA_LOCAL,
    VLSA_UNSHARED,
    VLSA_VTM,
)
from benchmarks.own_process import quatrefoil
from benchmarks.report.confusions import tells_confusions
from benchmarks.report.pictures import can_be_drawn
from benchmarks.suites import Suite
from quatrefoil.core.files import whole_folder
from quatrefoil.core.measuring.jobs import Job, order, plan, planned
from quatrefoil.core.measuring.store import Results
from quatrefoil.video_text.datasets.stage import make as make_stage

_RESTORING = (VLSA, VLSA_UNSHARED, VLSA_JOINT, VLSA_VTM, VLSA_LOCAL)
"""The pre-trainings that restore frames, sound and words, the one to look at first."""


def keep_to_try(suite: Suite, model: Path, clip: Path) -> None:
    """Copy TABLE, and a clip that it never saw, to where the README's example looks for them.

    Raises:
        RunFailed: TABLE could not be planned.
    """
    shutil.copytree(_table_run(suite) / "model", model, dirs_exist_ok=True)
    stage = make_stage("default")
    with (stage / "annotation" / "MSRVTT_JSFUSION_test.csv").open() as rows:
        first = next(csv.DictReader(rows))["video_id"]
    shutil.copyfile(stage / "videos" / f"{first}.mp4", clip)


def _table_run(suite: Suite) -> Path:
    """Where a suite's TABLE of the first seed lies."""
    entry = next(entry for entry in suite.entries if entry.model == TABLE.model)
    return plan(entry, entry.seeds[0], Results()).folder


def draw_gallery(dataset: str, out: Path) -> None:
    """Draw samples of a data set as PNG.

    Raises:
        RunFailed: the command line's own words, such as that the data set has no gallery.
    """
    quatrefoil(f"gallery of {dataset}", "data", "gallery", dataset, f"out={out}")


def confusable(suite: Suite, results: Results) -> Job | None:
    """The run of which wrong answers are shown: of TABLE, else of one of its baselines; None where none lies here."""
    return _lying([entry.model for entry in (TABLE, BRUTE_FORCE, FRAMES)], tells_confusions, suite, results)


def picturable(suite: Suite, results: Results) -> Job | None:
    """The pre-training of VLSA that is drawn: the whole one, else a baseline's; None where none lies here."""
    return _lying(
        [arm.tasks["zero-shot text-audio retrieval"].model for arm in _RESTORING], can_be_drawn, suite, results
    )


def copy_in_place(folder: Path, to: Path) -> None:
    """Put a copy of a folder in the place of what was there."""
    with whole_folder(to) as part:
        shutil.copytree(folder, part, dirs_exist_ok=True)
        shutil.rmtree(to, ignore_errors=True)


def _lying(models: Sequence[str], shows: Callable[[Path], bool], suite: Suite, results: Results) -> Job | None:
    """The first run of a suite, of these models in their order, that lies here and has something to show."""
    nodes = [(entry, seed) for entry, seed in order(suite.entries) if entry.embedded and entry.model in models]
    for entry, seed in sorted(nodes, key=lambda node: models.index(node[0].model)):
        if (job := planned(entry, seed, results)) and shows(job.folder):
            return job
    return None
