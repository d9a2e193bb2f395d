"""`python -m benchmarks.leaderboard SUITE`: run what is missing, store rows, write LEADERBOARD.md and index.html.

Exit status: 0 done, 1 a run failed (the others were made and are shown), 2 the store or the environment is wrong.
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import ParamSpec

from benchmarks.claims import CLAIMS
from benchmarks.collect import collect
from benchmarks.entries import TABLE
from benchmarks.groups import group
from benchmarks.launch import Launch, Made, first_done, launcher
from benchmarks.markdown import claims_markdown, markdown
from benchmarks.page import page
from benchmarks.rows import PaperRow, RowError
from benchmarks.runner import Job, Node, RunFailed, draw_gallery, order, plan
from benchmarks.store import Results, Store, read
from benchmarks.suites import Suite, suites
from benchmarks.verdicts import claim_table, verdicts
from quatrefoil.core.files import replace_text
from quatrefoil.video_text.datasets.stage import make as make_stage

P = ParamSpec("P")

PAPERS = Path(__file__).parent / "papers.jsonl"


@dataclass(frozen=True)
class Place:
    """Where a suite keeps its rows and writes its pages, and the paper rows that they show."""

    store: Store
    leaderboard: Path
    page: Path
    claims: Path | None
    papers: Sequence[PaperRow]

    @property
    def gallery(self) -> Path:
        """Samples to look at; the page shows them where they have been drawn."""
        return self.page.with_name("gallery.png")


def place_of(suite: Suite) -> Place:
    """The repository's own files for committed suites; a folder under runs/, without paper rows, for the others."""
    if suite.committed:
        store, papers = Store(Path("benchmarks/results")), read(PAPERS, PaperRow)
        return Place(store, Path("LEADERBOARD.md"), Path("site/index.html"), Path("CLAIMS.md"), papers)
    folder = Path("runs") / suite.name
    return Place(Store(folder / "results"), folder / "LEADERBOARD.md", folder / "index.html", None, [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit status."""
    try:
        available = suites()
        parser = argparse.ArgumentParser(prog="python -m benchmarks.leaderboard", description=__doc__)
        parser.add_argument("suite", choices=sorted(available))
        parser.add_argument("--processes", type=int, help="runs at once (default: one for each GPU, or one)")
        parser.add_argument("--on", choices=("local", "slurm"), default="local", help="where runs are made")
        given = parser.parse_args(arguments)
        suite = available[given.suite]
        with launcher(given.on, given.processes) as launch:
            return run(suite, place_of(suite), launch)
    except (ValueError, FileNotFoundError) as error:
        print(f"leaderboard: {error}", file=sys.stderr)
        return 2


def run(suite: Suite, place: Place, launch: Launch) -> int:
    """Make a suite's runs, store their rows and write the pages; 1 if a run failed."""
    failures = make(suite, place.store, launch)
    results = place.store.read()  # a broken store ends this before anything is drawn
    paths = {"rows": place.store.folder, "table": place.leaderboard, "page": place.page}
    paths |= {"claims": place.claims} if place.claims else {}
    if suite.gallery:
        paths["gallery"] = place.gallery
        failures += attempt(draw_gallery, suite.gallery, place.gallery)
        paths["model"], paths["clip"] = (place.page.with_name(name) for name in ("table", "clip.mp4"))
        failures += attempt(keep_to_try, suite, paths["model"], paths["clip"])
    text = write_pages(place, results)
    print(f"\n{text}\n" + "\n".join(f"{name + ':':9}{path}" for name, path in paths.items()), flush=True)
    for failure in failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


def keep_to_try(suite: Suite, model: Path, clip: Path) -> None:
    """Copy TABLE, and a clip that it never saw, to where the README's example looks for them.

    Raises:
        RunFailed: TABLE could not be planned.
    """
    entry = next(entry for entry in suite.entries if entry.model == TABLE.model)
    job = plan(entry, entry.seeds[0], Results())
    shutil.copytree(job.folder / "model", model, dirs_exist_ok=True)
    stage = make_stage("default")
    with (stage / "annotation" / "MSRVTT_JSFUSION_test.csv").open() as rows:
        first = next(csv.DictReader(rows))["video_id"]
    shutil.copyfile(stage / "videos" / f"{first}.mp4", clip)


def make(suite: Suite, store: Store, launch: Launch) -> list[Exception]:
    """Make the runs that the store does not hold, each after what it starts from; what went wrong."""
    failures: list[Exception] = []
    running: dict[Node, tuple[Job, Made]] = {}
    graph = order(suite)
    first, sorter = {node: place for place, node in enumerate(graph)}, TopologicalSorter(graph)
    sorter.prepare()
    ready: list[Node] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=first.__getitem__)
        if ready and len(running) < launch.slots:
            node = ready.pop(0)
            failures += attempt(begin, node, store, launch, running)
            ended = [] if node in running else [node]
        else:
            done = first_done([made for _, made in running.values()])
            ended = [node for node, (_, made) in running.items() if made in done]
            failures += [failure for node in ended for failure in attempt(finish, *running.pop(node), store)]
        sorter.done(*ended)
    return failures


def attempt(action: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> list[Exception]:
    """Do it; what went wrong is said at once and returned."""
    try:
        action(*arguments, **named)
    except (RunFailed, RowError, FileNotFoundError) as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return [error]
    return []


def begin(node: Node, store: Store, launch: Launch, running: dict[Node, tuple[Job, Made]]) -> None:
    """Start one run, if it is missing; what lies there finished is stored.

    Raises:
        RunFailed: it could not be planned; RowError: what it measured may not be stored.
    """
    job = plan(*node, store.read())
    if job.run in store.read().runs:
        print(f"skipped, rows are stored: {job}", flush=True)
    elif job.finished:
        print(f"finished before: {job}", flush=True)
        keep(job, store)
    else:
        print(f"training: {job}: {job.entry.note}", flush=True)
        running[node] = job, launch.start(job)


def finish(job: Job, made: Made, store: Store) -> None:
    """Store the rows of a run that ended.

    Raises:
        RunFailed: it ended with an error; RowError: what it measured may not be stored.
    """
    made.result()
    keep(job, store)


def keep(job: Job, store: Store) -> None:
    """Store the rows of a finished run."""
    store.add(collect(job.folder, job.entry, job.config_hash, job.seed))


def write_pages(place: Place, results: Results) -> str:
    """Write the table and the page; the table's text. The same results give the same bytes."""
    groups = group(results)
    text = markdown(groups, place.papers)
    replace_text(place.leaderboard, text)
    if place.claims:
        replace_text(place.claims, claims_markdown(claim_table(verdicts(CLAIMS, groups))))
    gallery = place.gallery.name if place.gallery.exists() else None
    replace_text(place.page, page(groups, place.papers, gallery))
    return text


if __name__ == "__main__":
    sys.exit(main())
