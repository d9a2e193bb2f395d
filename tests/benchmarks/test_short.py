"""The short leaderboard: nothing declared is left out, nothing of other grounds is put together, and it stays short."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.claims import CLAIMS, Claim
from benchmarks.entries import BRUTE_FORCE, FRAMES, TABLE
from benchmarks.real_sequences.sets import WHOLE
from benchmarks.report.boards import Board, boards, short_direction, telling
from benchmarks.report.groups import group
from benchmarks.report.runners import RUNNERS, runner_sections
from benchmarks.report.short_runners import SHORT_RUNNERS
from benchmarks.report.short_scores import WIDTH, short_group_sections, short_score
from benchmarks.report.short_sections import short_claims, short_studies
from benchmarks.report.standing import Standing
from benchmarks.report.studies import read_studies
from benchmarks.report.tables import count_cell
from benchmarks.report.verdicts import verdicts
from quatrefoil.core.measuring.rows import Row
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.measuring.tables import NOTHING, table_text
from quatrefoil.core.recipes import load
from tests.benchmarks.fabricated import study
from tests.core.measuring.fabricated import results

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
METRIC = "text-to-video/R@1"
OTHERS = ("text-to-audio/R@1", "video-to-text/R@1")


def rows_of(folder: Path, **changed: object) -> list[Row]:
    """Of one run of each of two models, in one metric."""
    found = [row for entry in (TABLE, FRAMES) for row in results(folder, entry, 0, 50.0).rows if row.metric == METRIC]
    return [replace(row, **changed) for row in found]  # type: ignore[arg-type]  # names of its fields


def scored(board: Board) -> dict[tuple[str, str], list[float]]:
    """What rows and columns of a board hold, by model and column."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in board.rows:
        for column in board.columns:
            if score := row.score(column):
                found.setdefault((row.model, column.head), []).append(score.mean)
    return found


def of_today(folder: Path, **changed: object) -> list[Row]:
    """`rows_of` by the recipes as they are."""
    return [replace(row, config_hash=load(row.recipe).config_hash) for row in rows_of(folder, **changed)]


def test_differences_that_a_claim_is_judged_by_stand_with_the_claims_and_all_are_counted(tmp_path: Path) -> None:
    rows = of_today(tmp_path)
    found = Results([*rows, *(replace(row, metric=metric) for metric in OTHERS for row in rows)])
    groups = group(found)
    (section,) = short_group_sections(groups, verdicts(CLAIMS, groups, Standing(found)))
    assert "declared differences" not in [table.title for table in section.tables]
    assert len(groups[0].differences) == 3
    assert "3 differences" in section.remarks[-1]


def test_models_of_a_claim_have_their_difference_beside_their_scores_on_other_data_than_the_claims(
    tmp_path: Path,
) -> None:
    ours, theirs = of_today(tmp_path), of_today(tmp_path / "other", dataset="msvd", embedded=False)
    found = Results([*ours, *(replace(row, config_hash="e" * 16) for row in theirs)])
    groups = group(found)
    sections = short_group_sections(groups, verdicts(CLAIMS, groups, Standing(found)))
    told = {
        section.embedded: [[cell.text for cell in row.cells] for row in table.rows]
        for section in sections
        for table in section.tables
        if table.title == "declared differences"
    }
    assert told == {False: [["TABLE", "Frames only", "t→v", "1", "+0.0", NOTHING]]}


def test_a_line_of_the_claims_table_counts_the_tasks_of_one_claim_and_their_sides(tmp_path: Path) -> None:
    rows = [
        replace(row, seed=seed, value=50.0 + seed + gain * (row.model == TABLE.model))
        for gain, folder in ((gain, tmp_path / str(seed)) for seed, gain in enumerate((4.0, 5.0, 4.5, 5.5, 5.0)))
        for seed in [int(folder.name)]
        for row in of_today(folder)
    ]
    groups = group(Results(rows))
    one = Claim("X1a", "a paper", "tags help", TABLE, FRAMES, METRIC, task="retrieval")
    other = Claim("X1b", "a paper", "tags help", FRAMES, TABLE, METRIC, task="the same backwards")
    unmeasured = Claim("X2", "a paper", "what was not run", TABLE, BRUTE_FORCE, METRIC)
    found = verdicts((one, other, unmeasured), groups, Standing(Results(rows)))
    table = short_claims(found).tables[0]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["X1", "tags help", "2", "5", "-4.8 to +4.8", "1", "1", "1 supported, 1 contradicted"],
        ["X2", "what was not run", "1", "0", NOTHING, "0", "0", "not run"],
    ]


def test_a_model_is_one_row_until_two_of_its_configurations_have_the_same_score(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    apart = [replace(row, metric=OTHERS[0], config_hash="f" * 16, value=7.0) for row in rows]
    again = [replace(row, config_hash="e" * 16, value=9.0) for row in rows]
    (board,) = boards(group(Results([*rows, *apart])))
    assert sorted(row.model for row in board.rows) == ["Frames only", "TABLE"]
    (board,) = boards(group(Results([*rows, *apart, *again])))
    assert sorted(row.model for row in board.rows) == ["Frames only"] * 2 + ["TABLE"] * 2
    assert {name: sorted(values) for name, values in scored(board).items() if name[0] == "TABLE"} == {
        ("TABLE", "t→v"): [9.0, 50.0],
        ("TABLE", "t→a"): [7.0],
    }


def test_only_tasks_of_one_data_set_and_split_that_are_no_retrieval_share_a_table(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    asked = [
        replace(row, metric="accuracy", protocol=protocol, data_hash=letter * 64)
        for protocol, letter in (("tgif-frame", "a"), ("tgif-action", "b"), ("tgif-action", "c"))
        for row in rows
    ]
    changes: list[dict[str, object]] = [{"split": "other"}, {"embedded": False}, {"dataset": "msvd"}]
    moved = [replace(row, **change) for change in changes for row in asked[:2]]  # type: ignore[arg-type]
    found = boards(group(Results([*rows, *asked, *moved])))
    assert sorted(len(board.groups) for board in found) == [1, 1, 1, 1, 3]
    (shared,) = (board for board in found if len(board.groups) == 3)
    assert len({column.head for column in shared.columns}) == 3
    assert len({board.heading for board in found}) == len(found)
    assert not any("-to-" in column.metric for column in shared.columns)


@pytest.mark.parametrize("tasks", [2, 6, 30])
def test_tables_fit_a_terminal_and_hold_every_score_once(tmp_path: Path, tasks: int) -> None:
    rows = [
        replace(row, metric="accuracy", protocol=f"a-long-protocol-{number}", value=float(number))
        for number in range(tasks)
        for row in rows_of(tmp_path / str(number))
    ]
    groups = group(Results(rows))
    (section,) = short_group_sections(groups, [])
    heads = [head for table in section.tables for head in table.columns[2:-2]]
    assert sorted(heads) == sorted(f"a-long-protocol-{number}" for number in range(tasks))
    assert all(len(line) <= WIDTH for table in section.tables for line in table_text(table).splitlines())
    shown = [
        cell.number
        for table in section.tables
        for row in table.rows
        if row.cells[0].text == "TABLE"
        for cell in row.cells[2:-2]
    ]
    assert shown == [float(head.rpartition("-")[2]) for head in heads]


def test_n_is_that_of_the_scores_of_a_row_from_the_fewest_to_the_most(tmp_path: Path) -> None:
    runs = [
        row for seed in range(3) for row in results(tmp_path, TABLE, seed, 50.0 + seed).rows if row.metric == METRIC
    ]
    asked = [
        replace(row, metric="accuracy", protocol=of) for of, part in (("a", runs), ("b", runs[:2])) for row in part
    ]
    for rows, told in ((asked, "2-3"), (asked[:3], "3"), (asked[3:], "2")):
        (section,) = short_group_sections(group(Results(rows)), [])
        assert section.tables[0].rows[0].cells[1].text == told


@pytest.mark.parametrize(("counts", "told"), [([], NOTHING), ([4], "4"), ([4, 1, 4], "1-4")])
def test_counts_that_differ_are_told_as_a_range(counts: list[int], told: str) -> None:
    assert count_cell(counts).text == told


def test_seeds_and_half_intervals_are_told_in_few_letters(tmp_path: Path) -> None:
    for values, said in (((50.0, 51.0), "50.5±6.4"), ((50.0, 60.0), "55.0±64"), ((50.0,), "50.0")):
        runs = [results(tmp_path / said, TABLE, seed, value) for seed, value in enumerate(values)]
        (found,) = group(Results([row for run in runs for row in run.rows]))
        assert short_score(found.lines[0].scores[METRIC]).text == said


def test_a_direction_is_told_by_the_first_letters_of_its_sides() -> None:
    assert short_direction(METRIC) == "t→v"
    assert short_direction("accuracy") == "accuracy"


def test_a_study_is_a_line_for_each_reference_with_the_range_of_its_effects(tmp_path: Path) -> None:
    scores = {"reference": (45.0, 55.0), "x: one": (46.0, 56.1), "x: two": (40.0, 56.0)}
    study(tmp_path / "mine", {**scores, "reference of B": (50.0,), "y: one": (50.5,)})
    (section,) = short_studies(read_studies(tmp_path))
    assert [[cell.text for cell in row.cells] for row in section.tables[0].rows] == [
        ["A on Stage: text-to-video/R@1, test", "2", "50.00", "2", "-2.00 to +1.05", "1"],
        ["B on Stage: text-to-video/R@1, test", "1", "50.00", "1", "+0.50", "0"],
    ]


def test_runners_are_told_in_a_line_for_each_set_and_method_and_all_of_their_runs_are_on_the_page() -> None:
    whole, short = (runner_sections(RESULTS, tellers) for tellers in (RUNNERS, SHORT_RUNNERS))
    assert [each.heading for each in short] == [each.heading for each in whole if "Real regions" not in each.heading]
    sequences, risks, digits = (section.tables[0] for section in short)
    assert [row.cells[0].text for row in sequences.rows] == [
        table.title for table in whole[0].tables[:-1] if table.title in WHOLE
    ]
    methods = {row.cells[1].text for row in whole[-1].tables[0].rows if row.kind == "measured"}
    assert {row.cells[0].text for row in digits.rows if row.kind == "measured"} == methods
    models = {row.cells[0].text for row in whole[2].tables[0].rows if row.kind == "measured"}
    assert {row.cells[0].text for row in risks.rows if row.kind == "measured"} == models
    assert {len(row.cells) for row in risks.rows} == {len(risks.columns)}


def test_protocols_are_told_by_the_first_part_of_their_paths_that_no_other_has() -> None:
    paths = ["regulome/prom/matched/prom_300", "regulome/splice/regulome", "regulome/tfbs/MIR2", "pretraining"]
    assert list(telling(paths).values()) == ["prom", "splice", "tfbs", "pretraining"]
    assert telling(["a/b", "b/a"]) == {"a/b": "a/b", "b/a": "b/a"}
