"""What is said of a claim, and when nothing may be said."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.claims import CLAIMS, Claim, find_claims
from benchmarks.entries import FRAMES, TABLE
from benchmarks.report.claims_plot import COLOURS, claims_plot
from benchmarks.report.claims_table import claim_table, seed_table
from benchmarks.report.groups import group
from benchmarks.report.sections import claims_section
from benchmarks.report.standing import Standing
from benchmarks.report.verdicts import BLIND, POWER, Verdict, seeds_to_decide, verdicts
from benchmarks.suites import claimed
from quatrefoil.core.evaluation.statistics import Interval, OverSeeds, interval_over_seeds
from quatrefoil.core.measuring.entries import FIVE_SEEDS, Entry
from quatrefoil.core.measuring.rows import RowError
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.recipes import load
from tests.core.measuring.fabricated import results

CLAIM = Claim("T1", "a paper", "tags help", TABLE, FRAMES, "text-to-video/R@1")
CLEAR = (10.0, 11.0, 9.5, 10.5, 10.2)


def hash_of(entry: Entry) -> str:
    return load(entry.recipe, entry.overrides).config_hash


def judge(claims: Sequence[Claim], found: Results) -> list[Verdict]:
    return verdicts(claims, group(found), Standing(found))


def measured(
    folder: Path, differences: tuple[float, ...], data_hash: str = "d" * 64, arms: tuple[Entry, Entry] = (TABLE, FRAMES)
) -> Results:
    return Results.of(
        results(folder, entry, seed, 40 + seed / 8 + difference * (entry is arms[0]), data_hash, hash_of(entry))
        for seed, difference in enumerate(differences)
        for entry in arms
    )


def verdict(folder: Path, differences: tuple[float, ...], claims: tuple[Claim, ...] = (CLAIM,)) -> Verdict:
    return judge(claims, measured(folder, differences))[0]


@pytest.mark.parametrize(("sign", "word"), [(1, "supported"), (-1, "contradicted")])
def test_a_clear_difference_over_five_seeds_decides_either_way(tmp_path: Path, sign: int, word: str) -> None:
    found = verdict(tmp_path, tuple(sign * d for d in CLEAR))
    assert (found.word, found.seeds_to_decide) == (word, None)
    assert found.differences == pytest.approx(tuple(sign * d for d in CLEAR))


def test_the_plot_has_a_line_in_the_verdicts_colour_for_each_claim_with_an_interval_and_tasks_below_their_claim(
    tmp_path: Path,
) -> None:
    better = replace(CLAIM, name="C1a", claimed="audio helps", task="retrieval")
    none = replace(CLAIM, name="C2", better=FRAMES, than=TABLE, metric="R@5")
    found = judge((CLAIM, better, none), measured(tmp_path, CLEAR))
    plot = claims_plot(found)
    assert plot.count("<circle") == plot.count(f'class="inner" stroke="{COLOURS["supported"]}"') == 2
    assert [words in plot for words in (">T1: tags help<", ">audio helps<", ">C1a: retrieval<", "C2")] == [True] * 3 + [
        False
    ]
    assert "audio helps: retrieval" in [claim.claim.statement for claim in found]


@pytest.mark.parametrize("found", [(), (10.0,)])
def test_where_nothing_has_an_interval_there_is_no_plot(tmp_path: Path, found: tuple[float, ...]) -> None:
    assert claims_section([verdict(tmp_path, found)]).plots == []
    assert len(claims_section([verdict(tmp_path / "more", CLEAR)]).plots) == 1


def test_arms_of_the_same_names_on_another_task_say_nothing_of_a_claim(tmp_path: Path) -> None:
    other = replace(TABLE, recipe="table/msrvtt"), replace(FRAMES, recipe="table/msvd")
    elsewhere = measured(tmp_path / "other", tuple(-d for d in CLEAR), "e" * 64, other)
    own = measured(tmp_path / "own", CLEAR)
    own.rows.extend(elsewhere.rows)
    own.curves.extend(elsewhere.curves)
    (found,) = judge((CLAIM,), own)
    assert found.differences == pytest.approx(CLEAR)


def test_only_the_seeds_of_a_claim_are_counted_and_all_of_them_are_needed(tmp_path: Path) -> None:
    found = measured(tmp_path, (*CLEAR, -30.0))
    (judged,) = judge([CLAIM], found)
    assert (judged.word, judged.differences) == ("supported", pytest.approx(CLEAR))
    fewer = replace(found, rows=[row for row in found.rows if row.seed != 2])
    (judged,) = judge([CLAIM], fewer)
    assert (judged.word, judged.differences) == ("open", pytest.approx((*CLEAR[:2], *CLEAR[3:])))


def test_every_difference_is_shown_as_both_scores_that_it_is_taken_from(tmp_path: Path) -> None:
    found = measured(tmp_path, CLEAR)
    lacking = replace(found, rows=[row for row in found.rows if row.seed != 2])
    longer = replace(CLAIM, name="T9", seeds=(0, 5))
    never = replace(CLAIM, name="T10", better=FRAMES, than=TABLE, metric="R@5")
    table = seed_table(judge([CLAIM, longer, never], lacking))
    assert table.columns == ["claim", *(f"seed {seed}" for seed in (0, 1, 2, 3, 4, 5))]
    shown = [[cell.text for cell in row.cells] for row in table.rows]
    assert shown == [
        ["T1", "50.0, 40.0", "51.1, 40.1", "–", "50.9, 40.4", "50.7, 40.5", "–"],
        ["T9", "50.0, 40.0", "–", "–", "–", "–", "–"],
    ]
    assert [row.cells[1].number for row in table.rows] == [10.0, 10.0]


def test_a_claim_whose_arms_have_more_seeds_than_it_counts_says_what_all_of_them_give(tmp_path: Path) -> None:
    found = judge([CLAIM], measured(tmp_path, (*CLEAR, -30.0)))
    said = [each for each in claim_table(found).remarks if "T1 counts" in each]
    mean = sum((*CLEAR, -30.0)) / 6
    assert len(said) == 1
    assert (
        f"its own 5 seeds, as declared; over all 6 that both arms have, which other tables show: {mean:+.1f}" in said[0]
    )
    assert not [each for each in claim_table([verdict(tmp_path / "own", CLEAR)]).remarks if "counts its own" in each]


@pytest.mark.parametrize("many", [1, 12])
def test_all_intervals_together_hold_at_the_level_of_one(tmp_path: Path, many: int) -> None:
    found = verdict(tmp_path, CLEAR, (CLAIM,) * many)
    assert found.corrected == pytest.approx(interval_over_seeds(CLEAR, level=1 - 0.05 / many).interval)


def test_what_arms_do_not_share_is_found_in_their_recipes() -> None:
    own = "minimised in the first arm alone: vtm, mlm"
    assert CLAIM.unlike == (own,)
    slower = replace(CLAIM, than=replace(FRAMES, overrides=("train.steps=7", "train.optimizer.lr=0.5")))
    rate = load(TABLE.recipe).train.optimizer.lr
    steps = load(TABLE.recipe).train.steps
    assert set(slower.unlike) == {f"train.steps {steps} against 7", f"train.optimizer.lr {rate} against 0.5", own}
    before = replace(TABLE, start=TABLE), replace(FRAMES, start=slower.than)
    both = replace(CLAIM, better=before[0], than=before[1])
    assert set(both.unlike) == {own, *(f"in pre-training, {said}" for said in slower.unlike)}
    assert any("only one of both is pre-trained" in said for said in replace(CLAIM, better=before[0]).unlike)


def test_the_arms_of_two_modalities_against_one_have_the_compute_that_the_sequence_alone_is_given() -> None:
    told = {said for claim in find_claims(["G1"]) for said in claim.unlike}
    alone = "in pre-training, minimised in the first arm alone: srm"
    assert told == {"in pre-training, train.steps 600 against 1122", alone}


def test_claims_that_are_not_of_objectives_have_arms_of_the_same_ones() -> None:
    about = {"T1", "T1c", "T2", "T3", "C1", "C1o", "C2m", "C2r", "V1s", "V2l", "V2g", "V3", "G1", "G2m", "G2n", "G2s"}
    unequal = {claim.family for claim in CLAIMS for said in claim.unlike if "minimised" in said}
    assert unequal == about | {"V1o"}
    (heard,) = (claim for claim in CLAIMS if claim.family == "V1o")
    assert heard.unlike == ("in pre-training, minimised in the first arm alone: masked_audio",)


def test_what_is_decided_by_few_seeds_is_told_with_the_test_that_supposes_no_normal_tails(tmp_path: Path) -> None:
    (said,) = (each for each in claim_table([verdict(tmp_path, CLEAR)]).remarks if "sign-flip" in each)
    assert said.endswith("whose p is 0.0625 or more of so many: T1 0.0625")
    open_ones = claim_table([verdict(tmp_path / "open", (1.0, -1.0, 1.0, -1.0, 1.0))]).remarks
    assert not [each for each in open_ones if "sign-flip" in each]


def test_a_task_on_which_the_paper_does_not_compare_is_told() -> None:
    ours = {claim.name for claim in CLAIMS if claim.ours}
    assert {"V3a", "V3c", "V3d", "G3"} <= ours
    assert "V3b" not in ours


@pytest.mark.parametrize(("mean", "level"), [(1.0, 0.95), (-0.7, 0.9995), (4.0, 0.9995)])
def test_of_as_many_seeds_as_are_named_four_of_five_draws_would_decide(mean: float, level: float) -> None:
    over = OverSeeds(mean=mean, deviation=2.0, interval=Interval(-1, 3), seeds=5)
    assert (needed := seeds_to_decide(over, level)) is not None  # noqa: RUF018
    drawn = np.random.default_rng(0).normal(mean, 2.0, (1000, needed))
    intervals = [interval_over_seeds(values, level=level).interval for values in drawn.tolist()]
    share = np.mean([not low <= 0 <= high for low, high in intervals])
    assert share == pytest.approx(POWER, abs=0.05)
    assert seeds_to_decide(replace(over, mean=0.0), level) is None


def test_scores_on_other_data_are_never_put_together(tmp_path: Path) -> None:
    both = Results.of(measured(tmp_path, CLEAR, letter * 64) for letter in "de")
    with pytest.raises(RowError, match=r"claim T1 was measured on .* and on "):
        judge([CLAIM], both)


def test_a_claim_is_judged_by_the_split_test_where_others_of_the_same_run_were_scored_too(tmp_path: Path) -> None:
    found = measured(tmp_path, CLEAR)
    rows = [replace(row, split="test-shuffled", value=0.0, data_hash="e" * 64) for row in found.rows]
    (judged,) = judge([CLAIM], replace(found, rows=[*found.rows, *rows]))
    assert judged.differences == pytest.approx(CLEAR)


def test_the_table_says_how_many_seeds_would_decide_what_is_open(tmp_path: Path) -> None:
    table = claim_table([verdict(tmp_path, (3.0, -1.0, 2.0, 0.5, 1.0))])
    cells = [cell.text for cell in table.rows[0].cells]
    assert cells[0] == "T1"
    *_, word, seeds, hours, minutes = cells
    assert word == "open"
    assert int(seeds) > 5
    assert float(hours) == pytest.approx((int(seeds) - 5) * 2 * 90 / 3600, abs=0.05)
    assert minutes == "1.5, 1.5"


@pytest.mark.parametrize(("differences", "missing"), [((10.0,), 4), ((), None), (CLEAR, None), ((0.0,) * 5, None)])
def test_what_an_open_claim_would_cost_is_told_where_an_arm_was_run(
    tmp_path: Path, differences: tuple[float, ...], missing: int | None
) -> None:
    hours = verdict(tmp_path, differences).hours_to_decide
    assert hours == (None if missing is None else pytest.approx(missing * 2 * 90 / 3600))


def test_an_arm_that_was_never_run_is_taken_to_cost_what_the_other_does(tmp_path: Path) -> None:
    (found,) = judge((CLAIM,), results(tmp_path, TABLE, 0, 40.0, config_hash=hash_of(TABLE)))
    assert found.hours_to_decide == pytest.approx((4 + 5) * 90 / 3600)


def test_a_claim_is_found_by_its_name_else_by_that_of_all_its_parts_and_its_arms_run_on_the_seeds_of_all() -> None:
    assert [claim.name for claim in find_claims(["T4", "T2"])] == [*(f"T4{part}" for part in "abcdef"), "T2"]
    assert [claim.name for claim in find_claims(["C2mb"])] == ["C2mb"]
    with pytest.raises(ValueError, match=r"no claim T9 \(did you mean `T.`\?\); there are T1, "):
        find_claims(["T9"])
    seeds = {entry.model: list(entry.seeds) for entry in claimed(find_claims(["T2", "T2o", "T3"]))}
    assert seeds == {model: list(range(8)) for model in ("TABLE", "Brute force", "TABLE, contrast only")}
    named = {name: {claim.name for claim in find_claims([name])} for name in ("T1", "C2", "C2s", "V2l")}
    assert named["T1"] == {"T1"}
    assert named["C2s"] == {f"C2s{part}" for part in "abcdefg"} < named["C2"]
    assert named["V2l"] == {f"V2l{part}" for part in "abcd"}


def test_what_audio_adds_to_pre_training_is_judged_by_frames_and_words_that_no_sound_reached() -> None:
    (claim,) = (claim for claim in find_claims(["V1"]) if claim.name.startswith("V1s"))
    assert (claim.metric, claim.better.recipe) == ("text-to-video/R@1", claim.than.recipe)
    assert claim.better.start is not None
    assert claim.than.start is not None
    with_sound, without = (load(start.recipe, start.overrides) for start in (claim.better.start, claim.than.start))
    assert (with_sound.train, with_sound.model) == (without.train, without.model)
    assert without.data.sound.silence > 1 > with_sound.data.sound.silence
    assert not [name for name in without.objectives if "audio" in name]


def test_claims_have_names_of_their_own_and_recipes_that_exist() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.better != claim.than
        for entry in (claim.better, claim.than):
            load(entry.recipe, entry.overrides)


def test_differences_that_are_one_number_decide_nothing(tmp_path: Path) -> None:
    found = verdict(tmp_path, (0.2, 0.2, 0.2000000001, 0.2, 0.2))
    assert (found.word, found.corrected, found.seeds_to_decide, found.hours_to_decide) == ("open", None, None, None)
    assert [cell.text for cell in claim_table([found]).rows[0].cells][-3] == "no spread"


def test_runs_of_other_settings_than_a_recipe_has_today_decide_nothing_and_are_told(tmp_path: Path) -> None:
    older = measured(tmp_path, CLEAR)
    rows = [replace(row, config_hash="e" * 16) if row.model == FRAMES.model else row for row in older.rows]
    (found,) = judge((CLAIM,), replace(older, rows=rows))
    assert (found.word, found.differences, found.outdated) == ("open", (), (FRAMES.model,))
    assert any("not counted, T1" in said and FRAMES.model in said for said in claim_table([found]).remarks)
    (found,) = judge((CLAIM,), replace(older, rows=[*older.rows, *rows]))
    assert (found.word, found.differences, found.outdated) == ("supported", pytest.approx(CLEAR), ())


@pytest.mark.parametrize(
    ("bounds", "not_above"),
    [
        ({"chance": 45.0, "question_only": 46.0}, "chance"),
        ({"chance": 1.0, "question_only": 46.0}, "question_only"),
        ({"chance": 39.9, "question_only": 39.95}, None),  # one arm's lowest score is 40
        ({"chance": 1.0}, None),
    ],
)
def test_what_no_arm_is_shown_to_be_above_is_told_by_its_name_and_the_seeds_to_decide_all_the_same(
    tmp_path: Path, bounds: dict[str, float], not_above: str | None
) -> None:
    found = measured(tmp_path, (3.0, -1.0, 2.0, 0.5, 1.0))
    high = [replace(each, values=bounds) for each in found.references]
    (seen,), (told,) = judge((CLAIM,), found), judge((CLAIM,), replace(found, references=high))
    assert (seen.not_above, told.not_above) == (None, not_above)
    assert told.seeds_to_decide == seen.seeds_to_decide is not None
    few = replace(found, references=high, rows=[row for row in found.rows if row.seed < 4])
    assert judge((CLAIM,), few)[0].not_above is None
    said = [each for each in claim_table([told]).remarks if each.startswith("neither arm of T1")]
    assert [BLIND[not_above] in each for each in said] == ([True] if not_above else [])


def test_a_claim_whose_seeds_were_added_after_some_were_seen_says_what_the_others_alone_say(tmp_path: Path) -> None:
    late = replace(CLAIM, known=2)
    found = judge((late,), measured(tmp_path, CLEAR))[0]
    assert found.fresh == pytest.approx(CLEAR[2:])
    assert judge((CLAIM,), measured(tmp_path / "early", CLEAR))[0].fresh == ()
    within = interval_over_seeds(CLEAR[2:]).interval
    said = f"had not been seen when their number was fixed: +10.1 [{within.low:+.1f}, {within.high:+.1f}]"
    assert f"T1: the 3 seeds alone that {said}" in claim_table([found]).remarks


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ((), "not run"),
        ((10.0,), "open, 4 seeds short"),
        (CLEAR[:4], "open, 1 seed short"),
        ((1.0, -1.0, 0.5, -0.4, 0.1), "open"),
    ],
)
def test_few_seeds_or_an_interval_with_zero_leave_a_claim_open_and_what_is_so_for_want_of_runs_says_so(
    tmp_path: Path, differences: tuple[float, ...], said: str
) -> None:
    found = verdict(tmp_path, differences)
    assert (found.word, found.said) == ("open", said)


def test_a_metric_that_was_chosen_after_scores_were_seen_is_told_with_the_reason() -> None:
    late = [claim for claim in CLAIMS if claim.metric_known]
    assert {claim.name for claim in late} == {"G1d", "G2md", "G2nd", "G2sd", "G4d"}
    (said,) = (each for each in claim_table(judge(CLAIMS, Results())).remarks if "the metric of" in each)
    assert "G1d, G2md, G2nd, G2sd, G4d was chosen after 1 seed had been seen" in said


def test_claims_whose_runs_are_of_several_commits_are_named(tmp_path: Path) -> None:
    found = measured(tmp_path, CLEAR)
    assert not [each for each in claim_table(judge((CLAIM,), found)).remarks if "several commits" in each]
    rows = [replace(row, commit="def") if row.seed == 1 else row for row in found.rows]
    (said,) = (each for each in claim_table(judge((CLAIM,), replace(found, rows=rows))).remarks if "commits" in each)
    assert said.endswith(": T1")


def test_only_runs_that_are_not_stored_cost_anything_and_what_they_start_from_is_among_them(tmp_path: Path) -> None:
    before = replace(TABLE, model="before", seeds=FIVE_SEEDS)
    claim = replace(CLAIM, better=replace(TABLE, start=before))
    stored = results(tmp_path, before, 0, 40.0, config_hash=hash_of(before))
    missing = Standing(stored).missing(claim, range(2))
    assert {(entry.model, seed): minutes for (entry, seed), minutes in missing.items()} == {
        ("TABLE", 0): None,
        ("TABLE", 1): None,
        ("Frames only", 0): None,
        ("Frames only", 1): None,
        ("before", 1): 1.5,
    }


def test_a_claim_leads_to_the_commands_of_both_arms(tmp_path: Path) -> None:
    found = measured(tmp_path, CLEAR)
    anchors = {line.model: line.anchor for each in group(found) for line in each.lines}
    name, _, _, difference, *_ = claim_table(judge((CLAIM,), found)).rows[0].cells
    assert (name.link, difference.link) == (anchors[TABLE.model], anchors[FRAMES.model])
    assert all(cell.link is None for cell in claim_table(judge((CLAIM,), Results())).rows[0].cells)


def test_how_a_claim_was_put_before_its_seeds_were_seen_is_told() -> None:
    (said,) = (each for each in claim_table(judge(CLAIMS, Results())).remarks if "put otherwise" in each)
    assert "T1 was `tags help`" in said
    assert "V1s was `audio in pre-training helps" in said
    assert not [each for each in claim_table(judge((CLAIM,), Results())).remarks if "put otherwise" in each]
