"""What levels are said to do."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from quatrefoil.core.ablation.arms import Arm, arms_of
from quatrefoil.core.ablation.effects import Effect, effects_of
from quatrefoil.core.ablation.plot import effects_plot
from quatrefoil.core.ablation.report import chance_text, effect_record, effect_table, json_lines, markdown
from quatrefoil.core.ablation.study import StudyError
from quatrefoil.core.evaluation.statistics import difference_over_seeds
from quatrefoil.core.measuring.rows import Row
from quatrefoil.core.measuring.store import Results
from tests.core.ablation.toys import rows, study
from tests.core.measuring.fabricated import HASH, results
from tests.core.measuring.toys import FRAMES, TABLE

REFERENCE, NARROW = [50.0, 54.0, 49.0], [47.0, 52.5, 45.0]


def effects(arms: list[Arm], *made: list[Row]) -> dict[str, Effect]:
    found = effects_of(arms, Results(rows=[row for part in made for row in part]))
    return {effect.level: effect for effect in found}


def test_an_effect_is_the_paired_difference_in_points_and_in_spreads_of_the_reference() -> None:
    arms = arms_of(study())
    found = effects(arms, rows(arms[0], REFERENCE), rows(arms[1], NARROW))["4"]
    plain = difference_over_seeds(NARROW, REFERENCE)
    assert found.difference == pytest.approx(plain.mean)
    assert found.interval == pytest.approx(plain.interval)
    assert found.in_spreads == pytest.approx(plain.mean / np.std(REFERENCE, ddof=1))


def test_the_order_of_seeds_and_seeds_that_one_arm_lacks_change_nothing() -> None:
    arms = arms_of(study())
    straight = effects(arms, rows(arms[0], REFERENCE[:2]), rows(arms[1], NARROW[:2]))["4"]
    turned = effects(arms, rows(arms[0], REFERENCE[1::-1], [1, 0]), rows(arms[1], [*NARROW[:2], 99.0]))["4"]
    assert turned.seeds == straight.seeds == (0, 1)
    assert (turned.difference, turned.interval) == (straight.difference, straight.interval)


def test_stored_seeds_that_the_study_does_not_ask_for_change_nothing() -> None:
    arms = arms_of(study(seeds=(0, 1)))
    asked = effects(arms, rows(arms[0], REFERENCE[:2]), rows(arms[1], NARROW[:2]))
    assert effects(arms, rows(arms[0], REFERENCE), rows(arms[1], NARROW)) == asked
    assert asked["reference"].seeds == (0, 1)


def test_in_a_grid_of_additive_scores_each_level_has_its_own_addend() -> None:
    arms, addend = arms_of(study(design="full-grid")), {"4": -3.0, "16": 2.0, "off": -0.5}
    bases = np.array([50.0, 54.0, 49.0])
    made = [rows(arm, (bases + sum(addend[level] for _, level in arm.at)).tolist()) for arm in arms]
    found = effects(arms, *made)
    assert {level: found[level].difference for level in addend} == pytest.approx(addend)


def test_an_effect_names_the_configurations_of_which_it_is_the_mean_difference() -> None:
    rng = np.random.default_rng(0)
    for design in ("one-at-a-time", "full-grid"):
        arms = arms_of(study(design=design))
        scores = {arm.recipe.config_hash: rng.normal(50, 9, 3) for arm in arms}  # not additive
        found = effects(arms, *(rows(arm, scores[arm.recipe.config_hash].tolist()) for arm in arms))
        for effect in found.values():
            if effect.factor is not None:
                told = [np.mean(scores[there] - scores[without]) for there, without in effect.pairs]
                assert effect.difference == pytest.approx(np.mean(told))
        assert found["reference"].pairs == ()


def test_in_a_grid_a_seed_counts_only_where_all_compared_arms_have_it() -> None:
    arms = arms_of(study(design="full-grid"))
    found = effects(arms, *(rows(arm, REFERENCE if arm.at != {("width", "4")} else REFERENCE[:2]) for arm in arms))
    assert found["4"].seeds == (0, 1)
    assert found["16"].seeds == (0, 1, 2)


def test_one_seed_has_a_difference_and_neither_interval_nor_spread() -> None:
    arms = arms_of(study(seeds=(0,)))
    found = effects(arms, rows(arms[0], [50.0]), rows(arms[1], [47.0]))["4"]
    assert (found.difference, found.interval, found.spread, found.in_spreads) == (-3.0, None, None, None)
    remarks = effect_table(study(seeds=(0,)), arms, [found]).remarks
    assert remarks[0].startswith("1 seed has no spread")


@pytest.mark.parametrize("score", [0.0, 2.5, 51.3, 0.1])
def test_a_reference_that_is_always_the_same_gives_no_unit(score: float) -> None:
    """Three times 51.3 have a deviation of 9e-15 in floating point."""
    arms = arms_of(study())
    found = effects(arms, rows(arms[0], [score] * 3), rows(arms[1], [score + 1.0, score + 2.0, score + 1.5]))["4"]
    assert found.difference == pytest.approx(1.5)
    assert (found.spread, found.in_spreads) == (None, None)


def test_the_table_says_on_which_machines_seconds_were_taken() -> None:
    arms = arms_of(study())
    made = [*rows(arms[0], REFERENCE, hardware="one GPU"), *rows(arms[1], NARROW, hardware="two cores")]
    remarks = effect_table(study(), arms, effects_of(arms, Results(rows=made))).remarks
    assert any("by the clock, on one GPU and on two cores," in remark for remark in remarks)


def test_what_is_told_names_no_path_of_the_machine() -> None:
    whole = study()
    (subject,) = whole.subjects
    arms = arms_of(replace(whole, subjects=(replace(subject, overrides=("run.dir=/disk/of mine/runs",)),)))
    found = effects_of(arms, Results(rows=rows(arms[0], REFERENCE)))
    told = markdown(study(), arms, found, "quatrefoil ablate any") + json_lines(found)
    assert "/disk" not in told
    assert "run.dir=$RUNS_ROOT" in told


def test_what_was_not_measured_has_no_effect() -> None:
    arms = arms_of(study())
    found = effects(arms, rows(arms[0], REFERENCE))
    assert found["reference"].score == pytest.approx(51.0)
    assert (found["4"].score, found["4"].difference, found["4"].seeds) == (None, None, ())


def test_scores_on_other_data_are_never_compared() -> None:
    arms = arms_of(study())
    with pytest.raises(StudyError, match="never compared"):
        effects(arms, rows(arms[0], REFERENCE), rows(arms[1], NARROW, data="other"))


def test_a_split_that_the_data_do_not_have_is_named() -> None:
    arms = arms_of(study())
    with pytest.raises(StudyError, match=r"no split `test`; there are val"):
        effects(arms, rows(arms[0], REFERENCE, split="val"))


def test_rows_of_other_configurations_say_nothing() -> None:
    arms, other = arms_of(study()), arms_of(study(), ["train.steps=3"])
    found = effects(arms, rows(arms[0], REFERENCE), rows(other[1], NARROW))
    assert found["4"].score is None


def test_a_plot_shows_the_effects_that_have_an_interval_and_a_spread_and_no_others() -> None:
    arms = arms_of(study())
    found = effects(arms, rows(arms[0], REFERENCE), rows(arms[1], NARROW), rows(arms[2], [50.0]))
    picture = effects_plot(list(map(effect_record, found.values())))
    assert picture.count("<circle") == 1
    assert "width: 4" in picture
    for drawn in (picture, effects_plot([])):  # a file of its own is SVG by its namespace alone
        assert ElementTree.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"
    assert "there is none to draw" in effects_plot([])


def test_differences_that_are_all_alike_have_no_interval() -> None:
    arms = arms_of(study())
    others = (50.2, 51.2, 53.2)
    made = [row for arm in arms for row in rows(arm, (50.0, 51.0, 53.0) if not arm.levels else others)]
    reference, *levels = effects_of(arms, Results(rows=made))
    assert reference.interval is not None
    assert {level.interval for level in levels} == {None}
    assert levels[0].difference == pytest.approx(0.2)


def test_chance_is_that_of_the_data_that_a_level_was_scored_on(tmp_path: Path) -> None:
    of_one, of_other = results(tmp_path, TABLE, 0, 50.0), results(tmp_path, FRAMES, 0, 50.0, "e" * 64, "1" * 16)
    elsewhere = [replace(each, values={"chance": 5.0}) for each in of_other.references]
    stored = Results.of([of_one, replace(of_other, references=elsewhere)])
    for config_hash, chance in ((HASH, "0.25"), ("1" * 16, "5.00"), ("2" * 16, None)):
        effect = {"config_hash": config_hash, "data_version": "v1", "metric": "text-to-video/R@1", "split": "test"}
        said = f"By chance: text-to-video/R@1 {chance}." if chance else ""
        assert chance_text([effect, effect], stored) == said
