"""What is committed: the pages are those of the rows, short, and say which data were made."""

from pathlib import Path

import pytest

from benchmarks.leaderboard import PAPERS, Place, short_sections, told_of, write_pages
from benchmarks.report.short_scores import WIDTH
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
    write_pages(Place(STORE, leaderboard, tmp_path / "site/index.html", claims, read(PAPERS, PaperRow)), stored)
    for made in (claims, leaderboard):
        committed = (ROOT / made.name).read_text(encoding="utf-8")
        assert made.read_text(encoding="utf-8") == committed, f"{made.name}: `make bench` writes it anew"


def test_made_data_are_called_so_in_every_heading_and_real_ones_are_not(stored: Results) -> None:
    place = Place(STORE, Path("L.md"), Path("site/index.html"), None, [])
    for section in short_sections(place, told_of(place, stored)):
        assert (section.embedded is True) == ("EMBEDDED" in section.heading)
        assert (section.embedded is False) == ("(real corp" in section.heading)


def test_the_committed_leaderboard_is_short_and_leads_to_the_page() -> None:
    text = (ROOT / "LEADERBOARD.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert "`site/index.html`" in text
    assert len(lines) < 400
    assert max(map(len, lines)) <= WIDTH + 10, "a long name may take some more room"
