"""What stands beside the rows: headings, studies, other runners, claims, and what plots may share an axis."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.claims import CLAIMS
from benchmarks.entries import FRAMES, TABLE
from benchmarks.leaderboard import PAPERS
from benchmarks.report.groups import Group, group, part_of
from benchmarks.report.marks import COLOURS, marks
from benchmarks.report.protocols import headings
from benchmarks.report.runner_files import DIGITS, RISKS, SEQUENCES, read_runner
from benchmarks.report.runners import RUNNERS, runner_sections
from benchmarks.report.sections import Command, claims_section, corpora_section, group_sections
from benchmarks.report.speeds import speed_sections
from benchmarks.report.spending import spending_sections
from benchmarks.report.standing import Standing
from benchmarks.report.studies import EFFECTS, TOLD, read_studies
from benchmarks.report.tables import METRICS, paper_tables, part_tables, remarks
from benchmarks.report.verdicts import verdicts
from quatrefoil.core.measuring.entries import AS_FOUND, Entry
from quatrefoil.core.measuring.rows import Ground, PaperRow, Row, RowError
from quatrefoil.core.measuring.store import Results, lines, read
from quatrefoil.core.measuring.tables import NOTHING, table_text
from quatrefoil.core.recipes import load
from tests.benchmarks.fabricated import study
from tests.core.measuring.fabricated import reseal, results

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
METRIC = "text-to-video/R@1"
PRETRAINED = "model.pretrained=runs/bench/any/fedcba9876543210-v1-seed0"

grounds = st.builds(
    Ground,
    embedded=st.booleans(),
    dataset=st.sampled_from(["stage-v1-tiny", "msrvtt"]),
    data_version=st.sampled_from(["v1", "v2"]),
    protocol=st.sampled_from(["stage-v1-tiny-one-caption", "msrvtt-1kA", "any"]),
    split=st.sampled_from(["test", "other"]),
    data_hash=st.sampled_from(["0" * 64, "1" * 64]),
)


def test_what_runners_of_speed_left_is_told_with_its_ratios_and_commands(tmp_path: Path) -> None:
    assert speed_sections(tmp_path) == []
    swin = json.loads((RESULTS / "speed_swin.json").read_text())
    (tmp_path / "speed_swin.json").write_text(json.dumps(swin))
    (section,) = speed_sections(tmp_path)
    assert section.commands == [Command(swin["command"])]
    (table,) = section.tables
    for row, found in zip(swin["rows"], table.rows, strict=True):
        faster = found.cells[table.columns.index("times as fast")].number
        assert faster == pytest.approx(row["seconds"]["torchvision"] / row["seconds"]["ours"], rel=2e-3)
    (whole,) = speed_sections(RESULTS)
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("speed_*.json"))]
    assert {(each[0] if isinstance(each, list) else each)["command"] for each in kept} == {
        command.said for command in whole.commands
    }
    assert all(table.rows for table in whole.tables)


@pytest.mark.parametrize("wrong", ['{"rows": [', '{"rows": [{}]}', "[]", None])
def test_a_damaged_file_of_speeds_is_named(tmp_path: Path, wrong: str | None) -> None:
    swin = json.loads((RESULTS / "speed_swin.json").read_text())
    swin["rows"][0]["time_ratio"] = 0
    (tmp_path / "speed_swin.json").write_text(json.dumps(swin) if wrong is None else wrong)
    with pytest.raises(RowError, match=r"speed_swin.json: damaged \(.*\); bring back an older one"):
        speed_sections(tmp_path)


def test_every_metric_that_papers_print_is_shown() -> None:
    rows = read(PAPERS, PaperRow)
    shown = {column for table in paper_tables(rows) for column in table.columns}
    assert {METRICS.get(name, name) for row in rows for name in row.values} <= shown


def told(*found: Results) -> list[Group]:
    return group(Results.of(found))


def row_of(folder: Path, entry: Entry, **changed: object) -> Row:
    row = next(row for row in results(folder, entry, 0, 50.0).rows if row.metric == METRIC)
    return replace(row, **changed)  # type: ignore[arg-type]  # names of its fields


@given(st.lists(grounds, unique=True))
def test_no_two_grounds_share_a_heading(found: list[Ground]) -> None:
    assert len(set(headings(found).values())) == len(found)


def test_losses_share_a_plot_only_where_the_same_is_minimised(tmp_path: Path) -> None:
    less = replace(TABLE, model="TABLE, less", overrides=("objectives.vtm=off",))
    more = replace(TABLE, model="TABLE, longer", overrides=("train.steps=900",))
    runs = [results(tmp_path, entry, 0, 50.0) for entry in (TABLE, more, FRAMES, less)]
    by_hash = [
        Results(
            [replace(row, config_hash=f"{number:016}") for row in run.rows],
            run.references,
            [replace(curve, config_hash=f"{number:016}") for curve in run.curves],
        )
        for number, run in enumerate(runs)
    ]
    (section,) = group_sections(told(*by_hash))
    drawn = {plot.title: set(re.findall('data-model="([^"]+)"', plot.svg)) for plot in section.losses}
    assert drawn == {
        f"loss of {TABLE.recipe}": {"TABLE", "TABLE, longer"},
        f"loss of {TABLE.recipe} objectives.vtm=off": {"TABLE, less"},
        f"loss of {FRAMES.recipe}": {"Frames only"},
    }
    assert not any("loss" in plot.title for plot in section.plots)


def test_the_time_of_a_model_counts_what_it_starts_from(tmp_path: Path) -> None:
    start = row_of(tmp_path, FRAMES, config_hash="fedcba9876543210", wall_seconds=600.0)
    tuned = row_of(tmp_path, TABLE, overrides=(PRETRAINED,), wall_seconds=60.0)
    lines = {line.model: line for line in group(Results([start, tuned]))[0].lines}
    assert [(lines[name].minutes, lines[name].minutes_before) for name in ("Frames only", "TABLE")] == [
        (10, 0),
        (1, 10),
    ]
    assert group(Results([tuned]))[0].lines[0].minutes_before is None
    cells = group_sections(group(Results([tuned])))[0].tables[0].rows[-1].cells
    assert cells[-1].text == "1.0 + ?"


def test_scores_by_kind_stand_beside_their_bounds_and_nowhere_else(tmp_path: Path) -> None:
    assert part_of("text-to-video/R@1/sound") == (METRIC, "sound")
    assert part_of(METRIC) is part_of("accuracy") is part_of("text-to-video/R@5") is None
    run = results(tmp_path, TABLE, 0, 50.0)
    kind = f"{METRIC}/sound"
    rows = [*run.rows, replace(run.rows[0], metric=kind, value=12.0)]
    bound = replace(run.references[0], metric=kind, values={"frames": 25.0, "all": 100.0})
    (found,) = group(Results(rows, [*run.references, bound]))
    (table,) = part_tables(found)
    assert found.directions == ["text-to-video"]
    assert (table.columns, table.remarks) == (["model", "seeds", "all", "sound"], [])
    assert [(row.kind, row.cells[0].text, row.cells[3].number) for row in table.rows][1:] == [
        ("computed", "best with frames", 25.0),
        ("computed", "best with all", 100.0),
        ("measured", "TABLE", 12.0),
    ]
    (untold,) = part_tables(group(Results(run.rows, [*run.references, bound]))[0])
    assert [row.kind for row in untold.rows] == ["computed"] * 3
    assert "of 1 model:" in untold.remarks[0]


def test_kinds_that_some_seeds_tell_are_counted_by_these_seeds_and_so_is_the_whole_beside_them(tmp_path: Path) -> None:
    runs = [results(tmp_path, TABLE, seed, value) for seed, value in enumerate((50.0, 60.0, 70.0))]
    rows = [row for run in runs for row in run.rows]
    kinds = [replace(run.rows[0], metric=f"{METRIC}/sound", value=12.0) for run in runs]
    for told, seeds, whole in ((1, "1 seed", "50.0"), (2, "2", "55.0 ± 63.5"), (3, "3", "60.0 ± 24.8")):
        (table,) = part_tables(group(Results([*rows, *kinds[:told]]))[0])
        assert [cell.text for cell in table.rows[0].cells[1:3]] == [seeds, whole]
        by_some = [f"told by some seeds alone, over which `all` is taken too: TABLE {told} of 3"] if told < 3 else []
        assert [said for said in table.remarks if "some seeds" in said] == by_some
        assert any(said.startswith("1 seed: ") for said in table.remarks) == (told == 1)


def test_models_are_told_apart_however_many_there_are() -> None:
    found = marks(f"model {number}" for number in range(3 * len(COLOURS)))
    assert len({mark.swatch for mark in found.values()}) == len(found)


def test_code_that_cannot_be_checked_out_is_told_and_several_commits_of_one_model(tmp_path: Path) -> None:
    parts = [results(tmp_path, entry, seed, 50.0 + seed) for entry in (TABLE, FRAMES) for seed in (0, 1)]
    rows = [row for part in parts for row in part.rows]
    changed = [replace(row, commit="abc+" if row.seed else "abc") if row.model == "TABLE" else row for row in rows]
    assert not any("commit" in said for said in remarks(group(Results(rows))[0]))
    assert [said for said in remarks(group(Results(changed))[0]) if "commit" in said] == [
        "run with changes that were not committed, some or all seeds: TABLE",
        "seeds are of several commits, of one configuration: TABLE",
    ]


def test_claims_are_counted_by_verdict_and_those_without_runs_are_among_them(tmp_path: Path) -> None:
    parts = (results(tmp_path, each, 0, 50.0, config_hash=load(each.recipe).config_hash) for each in (TABLE, FRAMES))
    found = verdicts(CLAIMS, told(*parts), Standing(Results()))
    section = claims_section(found)
    assert len(section.tables[0].rows) == len(CLAIMS)
    assert f"{len(CLAIMS)} open; of {len(CLAIMS) - 1} nothing is measured yet" in section.lead[0]


def test_a_study_is_told_with_its_command_its_table_and_its_picture(tmp_path: Path) -> None:
    table = study(tmp_path / "mine", {"reference": (45.0, 55.0), "x: one": (46.0, 57.0)})
    ((section, *_),) = read_studies(tmp_path)
    assert [table_text(each) for each in section.tables] == [table_text(table)]
    assert section.lead[0] == "Made by `quatrefoil ablate any`."
    assert section.plots[0].svg.count("<circle") == 1
    assert "<style>" not in section.plots[0].svg
    assert read_studies(tmp_path / "none") == []


def test_a_study_of_recipes_that_have_changed_since_says_so(tmp_path: Path) -> None:
    study(tmp_path / "mine", {"reference": (45.0, 55.0), "x: one": (46.0, 56.0)})
    ((section, *_),) = read_studies(tmp_path)
    assert section.lead[1].startswith("Of 2 arms 2 are of recipes that have changed since")
    path = tmp_path / "mine" / EFFECTS
    effects = [json.loads(line) for line in path.read_text().splitlines()]
    now = load(TABLE.recipe).config_hash
    for stored in (tmp_path / "mine" / f"{name}.jsonl" for name in ("rows", "curves", "costs")):
        stored.write_text(stored.read_text().replace(effects[0]["config_hash"], now))
    reseal(tmp_path / "mine")
    effects[0]["config_hash"] = now
    path.write_text("".join(json.dumps(each) + "\n" for each in effects))
    ((section, *_),) = read_studies(tmp_path)
    assert section.lead[1].startswith("Of 2 arms 1 are of recipes that have changed since")


@pytest.mark.parametrize(
    ("file", "was", "now", "message"),
    [
        (TOLD, "+1.00", "+31.00", r"effects.md:10: .* \+31.00 .*, by effects.jsonl .* \+1.00"),
        (TOLD, "51.00", "81.00", "effects.md:10: .* 81.00 .*, by effects.jsonl .* 51.00 "),
        (TOLD, "[-37.12, 39.12]", "[0.12, 1.88]", r"effects.md:10: .*\[0.12, 1.88\].* by effects.jsonl .*\[-37"),
        (TOLD, "1 is 7.07", "1 is 0.07", "effects.md:9: .* 1 is 0.07 .*, by effects.jsonl .* 1 is 7.07 "),
        ("rows.jsonl", '"value": 59.0', '"value": 60.0', "jsonl:2: A, one, .*: score is 51.0, by its rows 51.5"),
        (
            EFFECTS,
            '"difference": 1.0',
            '"difference": 1.001',
            "jsonl:2: A, one, .*: difference is 1.001, by its rows",
        ),
        (EFFECTS, '"interval": [-37.11', '"interval": [-37.1150', "jsonl:2: .*: interval is .*, by its rows"),
        (EFFECTS, '"spread": 7.071', '"spread": 7.072', "jsonl:1: .*: spread is 7.072"),
        (EFFECTS, '"in_spreads": 0.141', '"in_spreads": 0.142', "jsonl:2: .*: in_spreads is 0.142"),
        (
            EFFECTS,
            '"seeds": [0, 1], "score": 51.0',
            '"seeds": [0, 7], "score": 51.0',
            r"seeds is \[0, 7\], by its rows",
        ),
        (
            EFFECTS,
            '"text-to-video/R@1", "split": "test", "seeds": [0, 1], "score": 50.0',
            '"text-to-video/R@1", "split": "val", "seeds": [0, 1], "score": 50.0',
            "effects.md:9: .* test .*, by effects.jsonl .* val ",
        ),
        (EFFECTS, '"spread": 7.071', '"spreads": 7.071', "jsonl:1: lacks spread"),
        (
            TOLD,
            "quatrefoil ablate any",
            "quatrefoil ablate any train.steps=9",
            "command sets train.steps=9, A, ref",
        ),
        (TOLD, "Made by `quatrefoil ablate any`.", "", "names no command of quatrefoil ablate"),
        (TOLD, "A on Stage: table/stage", "A on Stage: table/other", "trained is .*table/other.*has .*table/stage"),
        (TOLD, "| x: one ", "| x: two ", "x: two .*, by effects.jsonl .* x: one "),
        (TOLD, "are not corrected", "are corrected", "it does not say .*are not corrected"),
        (TOLD, "|      90 |", "|      99 |", r"effects.md:9: .* 99 \|.*, by effects.jsonl .* 90 \|"),
        (EFFECTS, '"seconds": 90.0', '"seconds": 99.0', r"effects.md:9: .* 90 \|.*, by effects.jsonl .* 99 \|"),
        (
            EFFECTS,
            '"trained_parameters": 1400000',
            '"trained_parameters": 9',
            "md:9: .* 1,400,000 .* by .* 9 ",
        ),
        (
            "costs.jsonl",
            '"trained_parameters": 1400000',
            '"trained_parameters": 9',
            "parameters is 1400000, by",
        ),
        (EFFECTS, '"seeds": [0, 1]', '"seeds": null', "effects.jsonl: damaged"),
        (TOLD, "### A question?", "A question?", "trained is"),
        (TOLD, "| x: one ", "|  x: one", "effects.md:10: "),
    ],
)
def test_a_study_that_says_something_else_than_its_rows_is_refused(
    tmp_path: Path, file: str, was: str, now: str, message: str
) -> None:
    study(tmp_path / "mine", {"reference": (45.0, 55.0), "x: one": (43.0, 59.0)})
    assert len(read_studies(tmp_path)) == 1
    path = tmp_path / "mine" / file
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, now))
    reseal(tmp_path / "mine")
    with pytest.raises(RowError, match=message):
        read_studies(tmp_path)


@pytest.mark.parametrize("changed", [{"protocol": "another"}, {"dataset": "x-v1-tiny"}, {"data_hash": "e" * 64}])
def test_arms_of_a_study_on_other_ground_than_their_reference_are_refused(
    tmp_path: Path, changed: dict[str, str]
) -> None:
    study(tmp_path / "mine", {"reference": (45.0, 55.0), "x: one": (46.0, 56.0)})
    path = tmp_path / "mine" / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    moved = [{**row, **changed} if row["model"] == "x: one" else row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in moved))
    reseal(tmp_path / "mine")
    with pytest.raises(RowError, match=r"effects.jsonl:2: A, one, .* are never compared|of the same protocol"):
        read_studies(tmp_path)


def test_a_study_tells_what_chance_is_where_it_was_computed(tmp_path: Path) -> None:
    study(tmp_path / "mine", {"reference": (45.0, 55.0), "x: one": (46.0, 56.0)})
    assert not [said for said in read_studies(tmp_path)[0].section.lead if "chance" in said]
    chance = results(tmp_path / "runs", TABLE, 0, 50.0).references
    (tmp_path / "mine" / "references.jsonl").write_text(lines(chance))
    assert "By chance: text-to-video/R@1 0.25." in read_studies(tmp_path)[0].section.lead


def test_arms_that_are_stored_and_not_told_are_named(tmp_path: Path) -> None:
    study(tmp_path / "mine", {"reference": (45.0, 55.0), "x: one": (46.0, 56.0), "x: two": (46.0, 56.0)})
    assert not [said for said in read_studies(tmp_path)[0].section.lead if "not told" in said]
    for name in (TOLD, EFFECTS):
        path = tmp_path / "mine" / name
        path.write_text("".join(line for line in path.read_text().splitlines(True) if "two" not in line))
    assert "Stored and not told: x: two." in read_studies(tmp_path)[0].section.lead


def test_runners_of_their_own_are_shown_run_by_run_with_their_commands(tmp_path: Path) -> None:
    assert runner_sections(tmp_path, RUNNERS) == []
    sequences, regions, risks, digits = runner_sections(RESULTS, RUNNERS)
    stored = {name: json.loads((RESULTS / name).read_text()) for name in RUNNERS}
    runs = stored["real_sequences.json"]["runs"]
    shown = [row.cells[2].number for table in sequences.tables[:-1] for row in table.rows]
    assert sorted(score for score in shown if score is not None) == sorted(run["test"] for run in runs)
    assert all(any(run["config_hash"] in command.said for command in sequences.commands) for run in runs)
    assert len(digits.tables[0].rows) == 1 + len(stored["spoken_digits.json"]["rows"])
    of_real_corpora = (sequences, regions, digits)
    assert all("real corpus" in section.heading and section.embedded is False for section in of_real_corpora)
    assert [row.cells[0].text for row in regions.tables[0].rows] == ["scanned", "bound", "blood"]
    measured = [row for row in risks.tables[0].rows if row.kind == "measured"]
    assert len(measured) == len(stored["disease_risk.json"]["rows"])
    assert {len(row.cells) for row in risks.tables[0].rows} == {len(risks.tables[0].columns)}


@pytest.mark.parametrize(
    ("file", "was", "now", "message"),
    [
        (SEQUENCES, '"test": 83.86070722133626', '"test": NaN', r"runs\.0\.test: "),
        (SEQUENCES, '"test": 83.86070722133626', '"test": 91.0', r"less .*its runs have .*run them again"),
        (SEQUENCES, '"test": 83.86070722133626', '"tested": 83.86070722133626', r"runs\.0\.test: Field required"),
        (SEQUENCES, '"arm": "one-hot CNN"', '"arm": "CNN"', r"a difference on .*one-hot CNN.* is no run there"),
        (DIGITS, '"chance": 10.0', '"chance": 110.0', "chance: Input should be less than"),
        (DIGITS, '"chance": 10.0', '"chance": ', "Invalid JSON"),
    ],
)
def test_what_a_runner_left_is_refused_where_it_was_tampered_with(
    tmp_path: Path, file: str, was: str, now: str, message: str
) -> None:
    text = (RESULTS / file).read_text()
    assert was in text
    (tmp_path / file).write_text(text.replace(was, now))
    with pytest.raises(RowError, match=rf"{file}: .*{message}"):
        runner_sections(tmp_path, RUNNERS)


def first(told: dict[str, Any], of: str) -> dict[str, Any]:
    run: dict[str, Any] = told[of][0]
    return run


def hashed(told: dict[str, Any]) -> dict[str, Any]:
    """A run that says of which data it is, as another one of its set does."""
    runs = [run for run in told["runs"] if "data" in run]
    return next(run for run in runs if sum(other["set"] == run["set"] for other in runs) > 1)


TAMPERED: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    (SEQUENCES, lambda told: told["runs"].append(told["runs"][3]), "stands there twice"),
    (SEQUENCES, lambda told: told["differences"].append(told["differences"][0]), "less, .* stands there twice"),
    (SEQUENCES, lambda told: told["pretraining"].append(told["pretraining"][0]), "pretrained stands there twice"),
    (SEQUENCES, lambda told: first(told, "differences")["seeds"].append(0), "seed, 0 stands there twice"),
    (
        SEQUENCES,
        lambda told: first(told, "runs").update(recipe="genebert/none"),
        "genebert/none, which is not",
    ),
    (SEQUENCES, lambda told: hashed(told).update(data="e" * 64), "is of data .*, .* of e{64}"),
    (SEQUENCES, lambda told: first(told, "runs")["sequences"].update(test=7), r"is of sequences .*, .* of .*'test': 7"),
    (SEQUENCES, lambda told: first(told, "runs").update(test_accuracy=-3.0), "accuracy is -3.0, which it cannot be"),
    (SEQUENCES, lambda told: first(told, "runs").update(test_accuracy=99.0), "lies outside its own interval"),
    (SEQUENCES, lambda told: first(told, "runs").update(test_interval=[90.0, 80.0]), "below where it begins"),
    (DIGITS, lambda told: told["rows"].append(told["rows"][0]), "nearest neighbour, None stands there twice"),
    (DIGITS, lambda told: first(told, "rows")["test"].update({"audio-to-text/R@1": -2.0}), "R@1 is -2.0"),
    (DIGITS, lambda told: told["rows"][-1].update(settings="vlsa/none seed=2"), "vlsa/none, which is not installed"),
    (RISKS, lambda told: told["rows"].append(told["rows"][0]), "GeneBERT, 0 stands there twice"),
    (RISKS, lambda told: told["rows"].append({**told["rows"][0], "model": "another"}), "v1, 0 stands there twice"),
    (RISKS, lambda told: first(told, "rows")["ROC_AUC"].update(burden=90.0), "90.0 of ROC-AUC lies outside its own"),
    (RISKS, lambda told: first(told, "rows")["intervals"].pop("burden"), "GeneBERT, 0: intervals of "),
    (RISKS, lambda told: told["bounds"].update(true_burden=-1.0), "ROC-AUC is -1.0"),
    (
        SEQUENCES,
        lambda told: first(told, "differences").update(interval=[1.3, 6.0]),
        "lies outside its own interval 1.30",
    ),
    (DIGITS, lambda told: told["rows"].pop(), "lacks .'VLSA', 2., another speaker has it"),
    (RISKS, lambda told: first(told, "rows")["ROC_AUC"].update(covariates=75.0), "covariates, which no run changes"),
]


@pytest.mark.parametrize(("file", "how", "message"), TAMPERED, ids=[said for _, _, said in TAMPERED])
def test_runs_that_stand_twice_cannot_be_or_contradict_one_another_are_refused_by_file_and_name(
    tmp_path: Path, file: str, how: Callable[[dict[str, Any]], object], message: str
) -> None:
    told = json.loads((RESULTS / file).read_text())
    how(told)
    (tmp_path / file).write_text(json.dumps(told))
    with pytest.raises(RowError, match=rf"{file}: .*{message}.*; (take it out|run|remove the file)"):
        read_runner(tmp_path / file)


def test_digits_of_a_model_bring_the_seed_of_each_run_and_no_word_against_it(tmp_path: Path) -> None:
    told = json.loads((RESULTS / "spoken_digits.json").read_text())
    told["rows"] = [told["rows"][0], told["rows"][0] | {"method": "a model", "seed": 3, "settings": "vlsa/fsdd"}]
    (tmp_path / "spoken_digits.json").write_text(json.dumps(told))
    (section,) = runner_sections(tmp_path, RUNNERS)
    (table,) = section.tables
    assert [row.cells[table.columns.index("seed")].text for row in table.rows] == [NOTHING, NOTHING, "3"]
    assert {len(row.cells) for row in table.rows} == {len(table.columns)}
    assert "no seed is drawn" not in section.remarks
    assert section.lead[0].startswith("Models and baselines")


def test_what_runs_took_counts_every_run_once_and_tells_the_useful_share_of_known_cpu_time(tmp_path: Path) -> None:
    known = results(tmp_path, TABLE, 0, 50.0)
    spent = {"steps": 5400.0, "scores": 1800.0, "data": 1800.0, "rest": 0.0}
    known.costs[:] = [replace(cost, cpu_seconds=spent) for cost in known.costs]
    other = results(tmp_path, replace(FRAMES, recipe="table/other"), 0, 40.0)
    (section,) = spending_sections([known, known, other])
    assert section.lead == [
        "2 runs, 3.0 minutes of training by the clock. Of 1 of them the CPU time is known: 2.5 hours, 80 % of it "
        "useful (training steps and scoring)."
    ]
    told = {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in section.tables[0].rows}
    assert told["all"] == ["2", "0.05", "1", "2.50", "60 %", "20 %", "20 %", "0 %"]
    assert told["table/other"] == ["1", "0.03", "0", *[NOTHING] * 5]
    assert spending_sections([Results()]) == []


def test_that_no_real_corpus_is_measured_is_said_until_one_is(tmp_path: Path) -> None:
    made = told(results(tmp_path, TABLE, 0, 50.0))
    (section,) = corpora_section(made)
    assert section.lead[0].startswith("But for spoken digits none is measured here. `QUATREFOIL_DATA=FOLDER make")
    real = replace(made[0], ground=replace(made[0].ground, embedded=False, data_version=AS_FOUND))
    assert corpora_section([*made, real]) == []
    sequences = replace(real, lines=[replace(line, recipe="genebert/classify") for line in real.lines])
    assert corpora_section([*made, sequences]) == [section]
