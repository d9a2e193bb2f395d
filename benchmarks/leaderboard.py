"""`python -m benchmarks.leaderboard SUITE`: run what is missing, store rows, write LEADERBOARD.md and index.html.

Exit status: 0 done, 1 a run failed (the others were made and are shown), 2 the store or the environment is wrong.
"""

import argparse
import csv
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.claims import CLAIMS, find_claims
from benchmarks.entries import BRUTE_FORCE, FRAMES, TABLE
from benchmarks.report.confusions import draw_confusions, read_confusions, tells_confusions
from benchmarks.report.groups import Group, group
from benchmarks.report.markdown import claims_markdown, markdown
from benchmarks.report.page import page
from benchmarks.report.runners import runner_sections
from benchmarks.report.sections import Section, claims_section, group_sections, papers_section
from benchmarks.report.spending import spending_sections
from benchmarks.report.studies import STUDIES, study_folders, study_sections
from benchmarks.report.verdicts import Verdict, claim_table, verdicts
from benchmarks.suites import Suite, claimed, suites
from quatrefoil.core.files import replace_text
from quatrefoil.core.measuring.jobs import Job, RunFailed, plan
from quatrefoil.core.measuring.launch import Launch, add_where, launcher
from quatrefoil.core.measuring.make import attempt, make
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.store import Results, Store, read
from quatrefoil.video_text.datasets.stage import make as make_stage

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
    def root(self) -> str:
        """The way from the page to the folder of the table, from which links are named."""
        return "../" * len(self.page.parent.relative_to(self.leaderboard.parent).parts)

    @property
    def gallery(self) -> Path:
        """Samples to look at; the page shows them where they have been drawn."""
        return self.page.with_name("gallery.png")

    @property
    def confusions(self) -> Path:
        """The folder of what a run got wrong; the page shows it where it has been brought together."""
        return self.page.with_name("confusions")


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
        parser.add_argument(
            "--claim",
            action="append",
            metavar="NAME",
            help="of the suite `claims` this one alone, e.g. T1; again for more",
        )
        add_where(parser)
        given = parser.parse_args(arguments)
        suite = available[given.suite]
        if given.claim:
            if suite.name != "claims":
                parser.error("--claim goes with the suite claims")
            suite = replace(suite, entries=claimed(find_claims(given.claim)))
        for said in suite.left_out:
            print(said, flush=True)
        with launcher(given.on, given.processes) as launch:
            return run(suite, place_of(suite), launch)
    except (ValueError, FileNotFoundError) as error:
        print(f"leaderboard: {error}", file=sys.stderr)
        return 2


def run(suite: Suite, place: Place, launch: Launch) -> int:
    """Make a suite's runs, store their rows and write the pages; 1 if a run failed."""
    failures = make(suite.entries, place.store, launch)
    results = place.store.read()  # a broken store ends this before anything is drawn
    paths = {"rows": place.store.folder, "table": place.leaderboard, "page": place.page}
    paths |= {"claims": place.claims} if place.claims else {}
    if suite.gallery:
        paths["gallery"] = place.gallery
        failures += attempt(draw_gallery, suite.gallery, place.gallery)
        paths["model"], paths["clip"] = (place.page.with_name(name) for name in ("table", "clip.mp4"))
        failures += attempt(keep_to_try, suite, paths["model"], paths["clip"])
    if shown := confusable(suite, results):
        paths["wrong"] = place.confusions
        failures += attempt(draw_confusions, shown.entry.model, shown.folder, place.confusions)
    elif not place.confusions.exists():
        print("no clips to show: no run of this suite that told what it found lies here", flush=True)
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
    shutil.copytree(_table_run(suite) / "model", model, dirs_exist_ok=True)
    stage = make_stage("default")
    with (stage / "annotation" / "MSRVTT_JSFUSION_test.csv").open() as rows:
        first = next(csv.DictReader(rows))["video_id"]
    shutil.copyfile(stage / "videos" / f"{first}.mp4", clip)


def _table_run(suite: Suite) -> Path:
    """Where a suite's TABLE of the first seed lies."""
    entry = next(entry for entry in suite.entries if entry.model == TABLE.model)
    return plan(entry, entry.seeds[0], Results()).folder


def confusable(suite: Suite, results: Results) -> Job | None:
    """The run of which wrong answers are shown: of TABLE, else of one of its baselines; None where none lies here."""
    known = [entry.model for entry in (TABLE, BRUTE_FORCE, FRAMES)]
    entries = [entry for entry in suite.entries if entry.embedded and entry.model in known]
    for entry in sorted(entries, key=lambda each: known.index(each.model)):
        with suppress(RunFailed):  # that it cannot be planned has been told
            job = plan(entry, entry.seeds[0], results)
            if tells_confusions(job.folder):
                return job
    return None


def draw_gallery(dataset: str, out: Path) -> None:
    """Draw samples of a data set as PNG.

    Raises:
        RunFailed: the command line's own words, such as that the data set has no gallery.
    """
    quatrefoil = Path(sys.executable).with_name("quatrefoil")
    command = [str(quatrefoil), "data", "gallery", dataset, f"out={out}"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RunFailed(f"gallery of {dataset}\n  command: {shlex.join(command)}\n  {done.stderr.strip()}")


def write_pages(place: Place, results: Results) -> str:
    """Write the table and the page; the table's text. The same results give the same bytes."""
    groups = group(results)
    found = verdicts(CLAIMS, groups) if place.claims else []
    if place.claims:
        replace_text(place.claims, claims_markdown(claim_table(found)))
    text = markdown(sections(place, results, groups, found, whole=False))
    replace_text(place.leaderboard, text)
    gallery = place.gallery.name if place.gallery.exists() else None
    wrong = read_confusions(place.confusions)
    replace_text(place.page, page(sections(place, results, groups, found, whole=True), place.root, gallery, wrong))
    return text


def sections(
    place: Place, results: Results, groups: Sequence[Group], found: Sequence[Verdict], whole: bool
) -> list[Section]:
    """All that is told: the rows, what lies beside them in the store's folder, the claims, and what papers print."""
    studies = place.store.folder / STUDIES
    return [
        *group_sections(groups),
        *runner_sections(place.store.folder),
        *([claims_section(found, whole)] if found else []),
        *study_sections(studies),
        *spending_sections([results, *(Store(folder).read() for folder in study_folders(studies))], whole),
        *papers_section(place.papers),
    ]


if __name__ == "__main__":
    sys.exit(main())
