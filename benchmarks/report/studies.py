"""Ablation studies that are stored beside the leaderboard's rows, as `quatrefoil ablate` told them."""

from pathlib import Path

from benchmarks.report.sections import Link, Plot, Section
from quatrefoil.core.measuring.store import Store
from quatrefoil.core.measuring.tables import read_tables

STUDIES, TOLD, DRAWN = "ablations", "effects.md", "effects.svg"


def study_sections(folder: Path) -> list[Section]:
    """A section for each study of a folder of studies, in order of their names; none where there is no folder."""
    return [_section(study) for study in study_folders(folder)]


def study_folders(folder: Path) -> list[Path]:
    """The folders of the studies in a folder, in order of their names."""
    return [told.parent for told in sorted(folder.glob(f"*/{TOLD}"))]


def _section(folder: Path) -> Section:
    text = (folder / TOLD).read_text(encoding="utf-8")
    above = text.partition("\n### ")[0].splitlines()
    made, trained = above[0], [line.removeprefix("- ") for line in above if line.startswith("- ")]
    embedded = all(row.embedded for row in Store(folder).read().rows)
    return Section(
        f"Ablations: {folder.name} ({'EMBEDDED benchmarks, not real corpora' if embedded else 'real corpora'})",
        embedded,
        [made],
        read_tables(text),
        [f"trained, before any level: {said}" for said in trained],
        plots=[Plot("effects in units of the reference's spread over seeds", _inner(folder / DRAWN))],
        links=[Link("how to read it", "docs/ablations.md")],
    )


def _inner(path: Path) -> str:
    """The picture without its style, which would be that of the whole page."""
    head, _, rest = path.read_text(encoding="utf-8").partition("<style>")
    return head + rest.partition("</style>")[2]
