"""What the tables show, and that the same rows are the same bytes."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.entries import FRAMES, TABLE
from benchmarks.leaderboard import PAPERS, Place, told_of, write_pages
from benchmarks.report.groups import Group, group
from benchmarks.report.markdown import markdown
from benchmarks.report.page import page
from benchmarks.report.sections import Section, group_sections
from benchmarks.report.short_scores import short_group_sections, short_score
from benchmarks.report.tables import group_tables, reference_name, score_cell
from quatrefoil.core.evaluation.statistics import difference_over_seeds, interval_over_seeds
from quatrefoil.core.measuring.entries import AS_FOUND, Entry
from quatrefoil.core.measuring.rows import CPU_PARTS, PaperRow
from quatrefoil.core.measuring.store import Results, Store, read
from tests.core.measuring.fabricated import HASH, resealed, results

RECALLS = {TABLE: (55.0, 57.0, 59.5), FRAMES: (40.0, 43.0, 41.0)}
PAPER_ROWS = read(PAPERS, PaperRow)
METRIC = "text-to-video/R@1"
SECONDS = 0.1, 0.2, 0.3, 1e16, 1.0, 1.5


def three_seeds(folder: Path) -> Results:
    runs = [(entry, seed, recall) for entry, recalls in RECALLS.items() for seed, recall in enumerate(recalls)]
    return Results.of(results(folder, entry, seed, recall) for entry, seed, recall in runs)


def costly(found: Results) -> Results:
    """With seconds whose float sum depends on their order, and falls on another digit."""
    taken = dict(zip([cost.run for cost in found.costs], SECONDS, strict=True))
    rows = [replace(row, wall_seconds=taken[row.run]) for row in found.rows]
    spent = [{**dict.fromkeys(CPU_PARTS, 0.0), "steps": taken[cost.run]} for cost in found.costs]
    costs = [
        replace(cost, seconds=taken[cost.run], cpu_seconds=each) for cost, each in zip(found.costs, spent, strict=True)
    ]
    return resealed(replace(found, rows=rows, costs=costs))


def backwards(found: Results) -> Results:
    return Results(found.rows[::-1], found.references[::-1], found.curves[::-1], found.costs[::-1])


def stored(folder: Path, found: Results) -> Results:
    store = Store(folder / "store")
    store.add(found)
    return store.read()


def told(found: Results) -> tuple[str, str]:
    """As Markdown and as a page."""
    groups = group(found)
    return markdown(short_group_sections(groups, []), "index.html", judged=False), page(group_sections(groups), "")


def only(groups: list[Group]) -> Group:
    assert len(groups) == 1
    return groups[0]


def test_a_line_is_the_mean_over_seeds_with_students_interval(tmp_path: Path) -> None:
    lines = {line.model: line for line in only(group(three_seeds(tmp_path))).lines}
    for entry, recalls in RECALLS.items():
        score, expected = lines[entry.model].scores[METRIC], interval_over_seeds(recalls)
        assert (score.mean, score.interval, score.over) == (expected.mean, tuple(expected.interval), "seeds")


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    found = only(group(three_seeds(tmp_path))).differences
    expected = difference_over_seeds(RECALLS[TABLE], RECALLS[FRAMES])
    (ours,) = (d for d in found if d.metric == METRIC)
    assert (ours.better, ours.than, ours.seeds) == ("TABLE", "Frames only", 3)
    assert (ours.mean, ours.interval, ours.p_value) == (expected.mean, tuple(expected.interval), expected.p_value)


def test_seeds_that_one_model_lacks_are_left_out_of_the_difference(tmp_path: Path) -> None:
    runs = [(TABLE, 0, 50.0), (TABLE, 1, 90.0), (FRAMES, 0, 41.0)]
    found = Results.of(results(tmp_path, entry, seed, recall) for entry, seed, recall in runs)
    (difference,) = only(group(found)).differences
    assert (difference.seeds, difference.mean, difference.interval) == (1, 9.0, None)


@pytest.mark.parametrize("twice", [TABLE, FRAMES])
def test_a_model_in_two_configurations_is_compared_only_where_one_of_them_was_measured(
    tmp_path: Path, twice: Entry
) -> None:
    found = three_seeds(tmp_path)
    other, elsewhere = "f" * 16, METRIC.replace("R@1", "R@10")
    more = [replace(row, config_hash=other) for row in found.rows if row.model == twice.model]
    assert only(group(Results.of([found, Results([row for row in more if row.metric == elsewhere])]))).differences
    ambiguous = only(group(Results.of([found, Results(more)])))
    assert ambiguous.differences == []
    assert ambiguous.uncompared == [f"TABLE minus Frames only in {METRIC}"]
    for text in told(Results.of([found, Results(more)])):
        assert f"no difference where a model stands in several configurations: {ambiguous.uncompared[0]}" in text


def test_one_seed_says_so_and_shows_the_interval_over_queries(tmp_path: Path) -> None:
    found = only(group(results(tmp_path, TABLE, 0, 50.0)))
    html = page(group_sections([found]), "")
    assert score_cell(found.lines[0].scores[METRIC]).text == "50.0 [48.0, 52.0]"
    assert "1 seed" in html
    assert "±" not in html
    assert short_score(found.lines[0].scores[METRIC]).text == "50.0"


GROUNDS = [{"data_hash": "e" * 64}, {"protocol": "msrvtt-7k"}, {"embedded": False}, {"split": "other"}]


@pytest.mark.parametrize("change", GROUNDS, ids=str)
def test_different_grounds_never_share_a_group(tmp_path: Path, change: dict[str, Any]) -> None:
    ours, theirs = results(tmp_path, TABLE, 0, 50.0), results(tmp_path, FRAMES, 0, 40.0)
    moved = Results([replace(row, **change) for row in theirs.rows])
    groups = group(Results.of([ours, moved]))
    assert sorted([line.model for line in g.lines] for g in groups) == [["Frames only"], ["TABLE"]]
    assert not any(g.differences for g in groups)


def test_bounds_stand_above_the_rows_and_are_called_computed(tmp_path: Path) -> None:
    table = group_tables(only(group(three_seeds(tmp_path))))[0]
    assert [row.kind for row in table.rows] == ["computed"] * 3 + ["measured"] * 2
    assert [reference_name(each) for each in ("true_sites", "kmers")] == ["by true sites", "by kmers"]
    names = ["chance", "best with frames", "best with all", "TABLE", "Frames only"]
    assert [row.cells[0].text for row in table.rows] == names
    assert [cell.text for cell in table.rows[0].cells[:4]] == ["chance", "computed", "0.25", "–"]


def test_splits_that_choose_a_model_are_not_shown(tmp_path: Path) -> None:
    found = results(tmp_path, TABLE, 0, 50.0)
    assert group(Results([replace(row, split="val") for row in found.rows])) == []


@pytest.mark.parametrize(("embedded", "said"), [(True, "EMBEDDED benchmark"), (False, "real corpus")])
def test_headings_say_whether_data_are_embedded(tmp_path: Path, embedded: bool, said: str) -> None:
    found = results(tmp_path, replace(TABLE, data_version="v1" if embedded else AS_FOUND), 0, 50.0)
    for text in told(found):
        (heading,) = (line for line in text.splitlines() if re.match(r"## |<h2", line))
        assert said in heading


def test_the_same_rows_are_the_same_bytes_in_any_order_and_process(tmp_path: Path) -> None:
    found = stored(tmp_path, costly(three_seeds(tmp_path)))
    paths = Path("L.md"), Path("site/index.html")
    place = Place(Store(tmp_path / "store"), *(tmp_path / path for path in paths), None, PAPER_ROWS)
    write_pages(place, told_of(place, backwards(found)))
    first = place.leaderboard.read_bytes(), place.page.read_bytes()
    script = (
        "import sys; from pathlib import Path; from benchmarks.leaderboard import PAPERS, Place, told_of, write_pages\n"
        "from quatrefoil.core.measuring.rows import PaperRow\n"
        "from quatrefoil.core.measuring.store import Store, read; store, a, b = map(Path, sys.argv[1:])\n"
        "place = Place(Store(store), a, b, None, read(PAPERS, PaperRow))\n"
        "write_pages(place, told_of(place, place.store.read()))"
    )
    again = [tmp_path / "again" / path for path in paths]
    subprocess.run([sys.executable, "-c", script, place.store.folder, *again], check=True)
    assert first == tuple(path.read_bytes() for path in again)


def test_a_number_in_the_table_is_the_mean_of_stored_rows(tmp_path: Path) -> None:
    text = told(three_seeds(tmp_path))[0]
    (line,) = (line for line in text.splitlines() if re.match(r"\| TABLE +\| 3 \|", line))
    assert "| 57.2±" in line


def test_the_page_needs_no_network_and_its_plots_are_well_formed(tmp_path: Path) -> None:
    html = told(three_seeds(tmp_path))[1]
    assert not re.search(r"""src=|href="(?!#|data:)|url\(|@import|https?://""", html)
    plots = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(plots) > 4
    for plot in plots:
        assert ElementTree.fromstring(plot).tag == "svg"


def test_what_was_measured_once_is_no_curve(tmp_path: Path) -> None:
    found = three_seeds(tmp_path)
    once = [replace(curve, points={**curve.points, "val/a/R@1": [(5, 50.0)]}) for curve in found.curves]
    more = [replace(curve, points={**curve.points, "val/a/R@1": [(4, 40.0), (5, 50.0)]}) for curve in found.curves]
    drawn = [told(replace(found, curves=curves))[1] for curves in (found.curves, once, more)]
    assert drawn[0] == drawn[1]
    assert "val/a/R@1 while training" in drawn[2]


def test_the_page_shows_the_gallery_that_lies_beside_it_and_no_other(tmp_path: Path) -> None:
    place = Place(Store(tmp_path / "store"), tmp_path / "L.md", tmp_path / "index.html", None, [])
    write_pages(place, told_of(place, three_seeds(tmp_path)))
    assert "gallery.png" not in place.page.read_text()
    place.gallery.touch()
    write_pages(place, told_of(place, three_seeds(tmp_path / "again")))
    assert '<a href="gallery.png"><img src="gallery.png"' in place.page.read_text()


def test_each_row_leads_to_the_command_and_the_commit_that_made_it(tmp_path: Path) -> None:
    page = told(three_seeds(tmp_path))[1]
    for entry in (TABLE, FRAMES):
        (place,) = {*re.findall(rf'<a href="#(run-\w+)">{entry.model}</a>', page)}
        told_there = page.partition(f'<span id="{place}">')[2].partition("</span>")[0].splitlines()
        assert told_there == [
            f"{entry.model}, configuration {HASH}, seeds 0, 1, 2 at commit abc",
            f"    quatrefoil train {entry.recipe} seed=0",
        ]


def test_the_contents_lead_to_every_section_those_of_one_data_set_below_its_name() -> None:
    sections = [
        *(Section(f"a, {name}", True, [], [], data="a (made here)", brief=name) for name in ("x", "y")),
        Section("claims", None, [], []),
        Section("b, x", False, [], [], data="b (real)", brief="x"),
    ]
    contents = page(sections, "").partition("<nav")[2].partition("</nav>")[0]
    assert re.findall(r'href="#([^"]*)">([^<]*)<|class="data">([^<]*)<', contents) == [
        ("", "", "a (made here)"),
        ("a-x", "x", ""),
        ("a-y", "y", ""),
        ("claims", "claims", ""),
        ("", "", "b (real)"),
        ("b-x", "x", ""),
    ]


def test_names_are_escaped_in_tables_and_plots(tmp_path: Path) -> None:
    entry = Entry("<b>&", "table/stage", "", data_version="v1")
    html = told(results(tmp_path, entry, 0, 50.0))[1]
    assert "<b>&" not in html
    assert "&lt;b&gt;&amp;" in html


def test_a_suite_that_keeps_its_results_to_itself_says_nothing_of_claims_and_models_that_it_has_not(
    tmp_path: Path,
) -> None:
    text = told(three_seeds(tmp_path))[0]
    assert not re.search("GeneBERT|claims stand|CLAIMS.md|real sequences come", text.partition("\n## ")[0])
    assert "CLAIMS.md" not in text


def test_without_results_the_pages_say_how_to_get_some() -> None:
    assert "make bench" in markdown([], "index.html", judged=False)
    assert "make bench" in page([], "")
