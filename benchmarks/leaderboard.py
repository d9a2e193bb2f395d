"""`python -m benchmarks.leaderboard SUITE`: run what is missing, store rows, write LEADERBOARD.md and index.html.

Exit status: 0 done, 1 a run failed (the others were made and are shown), 2 the store or the environment is wrong.
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

from benchmarks.collect import collect
from benchmarks.groups import group
from benchmarks.markdown import markdown
from benchmarks.page import page
from benchmarks.rows import PaperRow, RowError
from benchmarks.runner import Job, RunFailed, draw_gallery, jobs, train
from benchmarks.store import Results, Store, read, write_text
from benchmarks.suites import MAIN_MODEL, Suite, suites
from quatrefoil.video_text.datasets.stage import make as make_stage

P = ParamSpec("P")

PAPERS = Path(__file__).parent / "papers.jsonl"


@dataclass(frozen=True)
class Place:
    """Where a suite keeps its rows and writes its pages, and the paper rows that they show."""

    store: Store
    leaderboard: Path
    page: Path
    papers: Sequence[PaperRow]

    @property
    def gallery(self) -> Path:
        """Samples to look at; the page shows them where they have been drawn."""
        return self.page.with_name("gallery.png")


def place_of(suite: Suite) -> Place:
    """The repository's own files for committed suites; a folder under runs/, without paper rows, for the others."""
    if suite.committed:
        store, papers = Store(Path("benchmarks/results")), read(PAPERS, PaperRow)
        return Place(store, Path("LEADERBOARD.md"), Path("site/index.html"), papers)
    folder = Path("runs") / suite.name
    return Place(Store(folder / "results"), folder / "LEADERBOARD.md", folder / "index.html", [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit status."""
    try:
        available = suites()
        parser = argparse.ArgumentParser(prog="python -m benchmarks.leaderboard", description=__doc__)
        parser.add_argument("suite", choices=sorted(available))
        suite = available[parser.parse_args(arguments).suite]
        return run(suite, place_of(suite))
    except (RowError, FileNotFoundError) as error:
        print(f"leaderboard: {error}", file=sys.stderr)
        return 2


def run(suite: Suite, place: Place) -> int:
    """Make a suite's runs, store their rows and write the pages; 1 if a run failed."""
    planned = list(jobs(suite))
    failures = make(planned, place.store)
    results = place.store.read()  # a broken store ends this before anything is drawn
    paths = {"rows": place.store.folder, "table": place.leaderboard, "page": place.page}
    if suite.gallery:
        paths["gallery"] = place.gallery
        failures += attempt(draw_gallery, suite.gallery, place.gallery)
        paths["model"], paths["clip"] = (place.page.with_name(name) for name in ("table", "clip.mp4"))
        failures += attempt(keep_to_try, planned, paths["model"], paths["clip"])
    text = write_pages(place, results)
    print(f"\n{text}\n" + "\n".join(f"{name + ':':9}{path}" for name, path in paths.items()), flush=True)
    for failure in failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


def keep_to_try(planned: Iterable[Job | RunFailed], model: Path, clip: Path) -> None:
    """Copy the main model, and a clip that it never saw, to where the README's example looks for them."""
    job = next(job for job in planned if isinstance(job, Job) and job.entry.model == MAIN_MODEL)
    shutil.copytree(job.folder / "model", model, dirs_exist_ok=True)
    stage = make_stage("default")
    with (stage / "annotation" / "MSRVTT_JSFUSION_test.csv").open() as rows:
        first = next(csv.DictReader(rows))["video_id"]
    shutil.copyfile(stage / "videos" / f"{first}.mp4", clip)


def make(planned: Iterable[Job | RunFailed], store: Store) -> list[Exception]:
    """Make the runs that the store does not hold, one after the other; what went wrong."""
    return [failure for job in planned for failure in attempt(make_one, job, store)]


def attempt(action: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> list[Exception]:
    """Do it; what went wrong is said at once and returned."""
    try:
        action(*arguments, **named)
    except (RunFailed, RowError, FileNotFoundError) as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return [error]
    return []


def make_one(job: Job | RunFailed, store: Store) -> None:
    """Make one run, if it is missing, and store its rows at once.

    Raises:
        RunFailed: it could not be planned or trained; RowError: what it measured may not be stored.
    """
    if isinstance(job, RunFailed):
        raise job
    if job.run in store.read().runs:
        print(f"skipped, rows are stored: {job}", flush=True)
        return
    if job.finished:
        print(f"finished before: {job}", flush=True)
    else:
        print(f"training: {job}: {job.entry.note}", flush=True)
        train(job)
    store.add(collect(job.folder, job.entry, job.config_hash, job.seed))


def write_pages(place: Place, results: Results) -> str:
    """Write the table and the page; the table's text. The same results give the same bytes."""
    groups = group(results)
    text = markdown(groups, place.papers)
    write_text(place.leaderboard, text)
    gallery = place.gallery.name if place.gallery.exists() else None
    write_text(place.page, page(groups, place.papers, gallery))
    return text


if __name__ == "__main__":
    sys.exit(main())
