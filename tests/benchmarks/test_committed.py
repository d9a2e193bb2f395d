"""What is committed: the pages are those of the rows, short, and say which data were made."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.claims import find_claims
from benchmarks.entries import VLSA, VLSA_GLOBAL, VLSA_LOCAL, VLSA_SCRATCH, VLSA_VTM, ZERO_SHOT, Arm
from benchmarks.leaderboard import PAPERS, Place, claims_text, short_sections, told_of, write_pages
from benchmarks.report.short_scores import WIDTH
from benchmarks.screenshots import SHOWN
from quatrefoil.core.evaluation.statistics import interval_over_seeds
from quatrefoil.core.measuring.rows import PaperRow
from quatrefoil.core.measuring.store import Results, Store, read

ROOT = Path(__file__).parents[2]
STORE = Store(ROOT / "benchmarks" / "results")


@pytest.fixture(scope="module")
def stored() -> Results:
    return STORE.read()


def test_the_committed_pages_are_what_the_committed_rows_give(tmp_path: Path, stored: Results) -> None:
    (tmp_path / "site").mkdir()
    claims, leaderboard = tmp_path / "CLAIMS.md", tmp_path / "LEADERBOARD.md"
    place = Place(STORE, leaderboard, tmp_path / "site/index.html", claims, read(PAPERS, PaperRow))
    write_pages(place, told_of(place, stored))
    for made in (claims, leaderboard):
        committed = (ROOT / made.name).read_text(encoding="utf-8")
        assert made.read_text(encoding="utf-8") == committed, f"{made.name}: `make bench` writes it anew"


def test_what_is_pictured_is_on_the_page(tmp_path: Path, stored: Results) -> None:
    place = Place(STORE, tmp_path / "L.md", tmp_path / "index.html", tmp_path / "C.md", [])
    shutil.copytree(STORE.folder / "confusions", place.confusions)
    write_pages(place, told_of(place, stored))
    page = place.page.read_text(encoding="utf-8")
    for top in SHOWN.values():
        (name,) = re.findall(r"#([\w-]+)", top)
        assert f'id="{name}"' in page
    pictures = {path.stem for path in (ROOT / "docs" / "screenshots").iterdir()}
    assert pictures == SHOWN.keys()


def test_claims_that_are_asked_for_are_answered_in_a_line_each(stored: Results) -> None:
    place = Place(STORE, Path("L.md"), Path("site/index.html"), Path("C.md"), [])
    lines = claims_text(find_claims(["T1", "V4"]), told_of(place, stored).found).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["T1", "V4a", "V4b", "V4c", "V4d"]
    assert lines[0].startswith("T1: supported, +12.2 [+3.2, +21.2]: ")


def test_made_data_are_called_so_in_every_heading_and_real_ones_are_not(stored: Results) -> None:
    place = Place(STORE, Path("L.md"), Path("site/index.html"), None, [])
    for section in short_sections(place, told_of(place, stored)):
        assert (section.embedded is True) == ("EMBEDDED" in section.heading)
        assert (section.embedded is False) == ("(real corp" in section.heading)


ARMS = {
    "VLSA": VLSA,
    "global only": VLSA_GLOBAL,
    "local only": VLSA_LOCAL,
    "video-text matching": VLSA_VTM,
    "none": VLSA_SCRATCH,
}
"""As docs/vlsa.md calls them."""
COLUMNS = {
    "text to video": ("text-video retrieval", "text-to-video/R@10"),
    "text to audio": ("text-audio retrieval", "text-to-audio/R@10"),
    "audio to text": ("text-audio retrieval", "audio-to-text/R@10"),
    "text to audio, zero-shot": (f"{ZERO_SHOT}text-audio retrieval", "text-to-audio/R@10"),
    "audio to video": ("audio-video retrieval", "audio-to-video/R@10"),
}


def by_seed(stored: Results, arm: Arm, column: str) -> dict[int, float]:
    task, metric = COLUMNS[column]
    entry = arm.tasks[task]
    of = entry.model, entry.recipe, entry.data_version, metric, "test"
    rows = (row for row in stored.rows if (row.model, row.recipe, row.data_version, row.metric, row.split) == of)
    return {row.seed: row.value for row in rows}


def table_of_docs(first: str) -> Iterator[tuple[str, str, str]]:
    """Row, column and cell of the table of docs/vlsa.md whose first column is called so."""
    text = (ROOT / "docs" / "vlsa.md").read_text(encoding="utf-8")
    lines = text.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()
    columns = [cell.strip() for cell in lines[0].strip(" |").split("|")]
    for line in lines[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        yield from ((name, column, cell) for column, cell in zip(columns, cells, strict=True))


def test_scores_in_the_documentation_of_vlsa_are_those_of_the_rows(stored: Results) -> None:
    cells = list(table_of_docs("pre-training"))
    assert {name for name, _, _ in cells} == ARMS.keys()
    for name, column, cell in cells:
        if cell != "-":
            found = interval_over_seeds(list(by_seed(stored, ARMS[name], column).values()))
            assert found.seeds == 5
            half = (found.interval.high - found.interval.low) / 2
            assert cell.replace("*", "") == f"{found.mean:.1f} ± {half:.1f}", f"{name}, {column}"


def test_differences_in_the_documentation_of_vlsa_are_those_of_the_rows(stored: Results) -> None:
    cells = list(table_of_docs("VLSA less"))
    assert {name for name, _, _ in cells} == ARMS.keys() - {"VLSA"}
    for name, column, cell in cells:
        ours, theirs = (by_seed(stored, arm, column) for arm in (VLSA, ARMS[name]))
        found = interval_over_seeds([ours[seed] - theirs[seed] for seed in sorted(ours)])
        low, high = found.interval
        said = f"{found.mean:+.1f} ({low:+.1f} to {high:+.1f})"
        assert cell == (said if low <= 0 <= high else f"**{said}**"), f"{name}, {column}"


def test_the_committed_leaderboard_is_short_and_leads_to_the_page() -> None:
    text = (ROOT / "LEADERBOARD.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert "`site/index.html`" in text
    assert len(lines) < 400
    assert max(map(len, lines)) <= WIDTH + 10, "a long name may take some more room"
