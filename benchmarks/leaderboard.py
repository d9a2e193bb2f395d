"""`python -m benchmarks.leaderboard SUITE`: run what is missing, store rows, write LEADERBOARD.md and index.html.

Exit status: 0 done, 1 a run failed (the others were made and are shown), 2 the store or the environment is wrong, 143
or 130 ended by SIGTERM or Ctrl-C (its runs have saved, and the same command goes on).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.beside import confusable, copy_in_place, draw_gallery, keep_to_try, picturable
from benchmarks.claims import CLAIMS, Claim, find_claims
from benchmarks.entries import TABLE
from benchmarks.report.claims_table import claim_line
from benchmarks.report.confusions import draw_confusions, read_confusions
from benchmarks.report.groups import Group, group
from benchmarks.report.markdown import claims_markdown, markdown
from benchmarks.report.page import page
from benchmarks.report.pictures import draw_pictures, read_pictures
from benchmarks.report.runners import RUNNERS, runner_sections
from benchmarks.report.sections import Section, claims_section, corpora_section, group_sections, papers_section
from benchmarks.report.short_runners import SHORT_RUNNERS
from benchmarks.report.short_scores import short_group_sections
from benchmarks.report.short_sections import short_claims, short_papers, short_spending, short_studies
from benchmarks.report.speeds import speed_sections
from benchmarks.report.spending import spending_sections
from benchmarks.report.standing import Standing
from benchmarks.report.studies import STUDIES, StoredStudy, read_studies
from benchmarks.report.verdicts import Verdict, verdicts
from benchmarks.suites import Suite, claimed, suites
from quatrefoil.core.config import nearest
from quatrefoil.core.files import replace_text
from quatrefoil.core.measuring.launch import Launch, launcher
from quatrefoil.core.measuring.make import attempt, make, tell
from quatrefoil.core.measuring.options import add_where
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.store import Results, Store, read

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

    @property
    def pictures(self) -> Path:
        """The folder of what a run of VLSA has learned; the page shows it where it has been drawn."""
        return self.page.with_name("pictures")

    @property
    def kept(self) -> Path | None:
        """Where the repository keeps a copy of the confusions, for machines on which no run lies."""
        return self.store.folder / "confusions" if self.claims else None


def place_of(suite: Suite) -> Place:
    """The repository's own files for committed suites; a folder under runs/, without paper rows, for the others."""
    if suite.committed:
        if not PAPERS.is_file():
            raise FileNotFoundError(f"{PAPERS} is not there: what papers print; bring it back")
        store, papers = Store(Path("benchmarks/results")), read(PAPERS, PaperRow)
        return Place(store, Path("LEADERBOARD.md"), Path("site/index.html"), Path("CLAIMS.md"), papers)
    folder = Path("runs") / suite.name
    return Place(Store(folder / "results"), folder / "LEADERBOARD.md", folder / "index.html", None, [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit status."""
    try:
        if not Path("benchmarks").is_dir():
            raise ValueError(f"rows and pages lie in the repository, of which {Path.cwd()} is not the root; go there")
        available = suites()
        parser = argparse.ArgumentParser(
            prog="python -m benchmarks.leaderboard",
            description=__doc__,
            epilog="suites:\n" + "".join(f"  {suite.name:9}{suite.what}\n" for suite in available.values()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("suite", metavar="SUITE", help="one of those below")
        parser.add_argument(
            "--claim",
            action="append",
            metavar="NAME",
            help="of the suite `claims` this one alone, e.g. T1, or all that begin so, e.g. C2; again for more",
        )
        add_where(parser)
        given = parser.parse_args(arguments)
        if given.suite not in available:
            unknown = f"no suite `{given.suite}`{nearest(given.suite, available)}"
            parser.error(f"{unknown}; there are {', '.join(available)}")
        suite = available[given.suite].with_corpora()
        if given.claim:
            if suite.name != "claims":
                parser.error("--claim goes with the suite claims")
            asked = find_claims(given.claim)
            suite = replace(suite, claims=asked, entries=claimed(asked))
        for said in suite.left_out:
            print(said, flush=True)
        with launcher(given.on, given.processes, gpus=given.gpus, cores=given.cores) as launch:
            return run(suite, place_of(suite), launch)
    except (ValueError, FileNotFoundError) as error:
        print(f"leaderboard: {error}", file=sys.stderr)
        return 2


def run(suite: Suite, place: Place, launch: Launch) -> int:
    """Make a suite's runs, store their rows and write the pages; 1 if a run failed."""
    failures = make(suite.entries, place.store, launch)
    results = place.store.read()  # a broken store ends this before anything is drawn
    if not suite.entries and not results.rows:
        raise ValueError(f"{place.store.folder} holds no rows to draw; bring them back (git checkout), or run a suite")
    paths = {"rows": place.store.folder, "table": place.leaderboard, "page": place.page}
    paths |= {"claims": place.claims} if place.claims else {}
    for laid, wrong in (_lay_samples(suite, place), lay_answers(suite, place, results)):
        paths, failures = paths | laid, failures + wrong
    told = told_of(place, results)
    text = write_pages(place, told)
    if suite.claims:
        text = claims_text(suite.claims, told.found)
    elif suite.committed and not suite.entries:
        text = ""  # who only draws looks at the files
    print(f"\n{text}\n" + "\n".join(f"{name + ':':9}{path}" for name, path in paths.items()), flush=True)
    return tell(failures)


def claims_text(claims: Sequence[Claim], found: Sequence[Verdict]) -> str:
    """The verdicts on these claims, a line each."""
    return "".join(claim_line(verdict) for verdict in found if verdict.claim in claims)


Laid = tuple[dict[str, Path], list[Exception]]
"""What lies beside a page, by the name that it is told under, and what went wrong."""


def _lay_samples(suite: Suite, place: Place) -> Laid:
    """Samples of the data, a model and a clip to try it on, where the suite asks for them."""
    if not suite.gallery:
        return {}, []
    model, clip = (place.page.with_name(name) for name in ("table", "clip.mp4"))
    wrong = attempt(draw_gallery, suite.gallery, place.gallery) + attempt(keep_to_try, suite, model, clip)
    return {"gallery": place.gallery, "model": model, "clip": clip}, wrong


def lay_answers(suite: Suite, place: Place, results: Results) -> Laid:
    """What runs of the suite that lie here got wrong, else what is kept of others; and what they have learned."""
    paths, wrong = dict[str, Path](), list[Exception]()
    if shown := confusable(suite, results):
        wrong += attempt(draw_confusions, shown.entry.model, shown.folder, place.confusions)
        if place.kept and not wrong and shown.entry.model == TABLE.model:
            copy_in_place(place.confusions, place.kept)
    elif place.kept and place.kept.exists():
        copy_in_place(place.kept, place.confusions)
    if place.confusions.exists():
        paths["wrong"] = place.confusions
    else:
        print("no clips to show: no run of this suite that told what it found lies here", flush=True)
    if learned := picturable(suite, results):
        paths["learned"] = place.pictures
        wrong += attempt(draw_pictures, learned.entry.model, learned.folder, place.pictures)
    return paths, wrong


def write_pages(place: Place, told: "Told") -> str:
    """Write the table and the page; the table's text. The same results give the same bytes."""
    if place.claims:
        replace_text(place.claims, claims_markdown(claims_section(told.found)))
    way = place.page.relative_to(place.leaderboard.parent).as_posix()
    text = markdown(short_sections(place, told), way, judged=bool(place.claims))
    replace_text(place.leaderboard, text)
    gallery = place.gallery.name if place.gallery.exists() else None
    wrong, learned = read_confusions(place.confusions), read_pictures(place.pictures)
    replace_text(place.page, page(sections(place, told), place.root, gallery, wrong, learned))
    return text


@dataclass(frozen=True)
class Told:
    """What the page and its short form are made of.

    Attributes:
        found: the verdicts; none for stores that are not of the repository.
        stored: what runs left, those of studies included.
    """

    groups: Sequence[Group]
    found: Sequence[Verdict]
    studies: Sequence[StoredStudy]
    stored: Sequence[Results]


def told_of(place: Place, results: Results) -> Told:
    """The rows brought together, with the studies beside them."""
    groups, studies = group(results), read_studies(place.store.folder / STUDIES)
    found = verdicts(CLAIMS, groups, Standing(results)) if place.claims else []
    return Told(groups, found, studies, [results, *(study.stored for study in studies)])


def sections(place: Place, told: Told) -> list[Section]:
    """All that is told: the rows, what lies beside them in the store's folder, the claims, and what papers print."""
    return [
        *([claims_section(told.found)] if told.found else []),
        *group_sections(told.groups),
        *(corpora_section(told.groups) if told.found else []),
        *runner_sections(place.store.folder, RUNNERS),
        *(study.section for study in told.studies),
        *speed_sections(place.store.folder),
        *spending_sections(told.stored),
        *papers_section(place.papers),
    ]


def short_sections(place: Place, told: Told) -> list[Section]:
    """The same in short."""
    return [
        *([short_claims(told.found)] if told.found else []),
        *short_group_sections(told.groups, told.found),
        *(corpora_section(told.groups) if told.found else []),
        *runner_sections(place.store.folder, SHORT_RUNNERS),
        *short_studies(told.studies),
        *short_spending(told.stored),
        *short_papers(place.papers),
    ]


if __name__ == "__main__":
    sys.exit(main())
