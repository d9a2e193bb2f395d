"""Which arms a study has, and which it refuses before anything runs."""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from quatrefoil.core import installed
from quatrefoil.core.ablation.arms import arms_of
from quatrefoil.core.ablation.compute import equal_compute
from quatrefoil.core.ablation.installed import load_study, narrowed
from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, StudyError, Subject
from tests.core.ablation.toys import MATCHING, METRIC, SUBJECT, WIDTH, study


def test_one_at_a_time_has_the_reference_and_each_level_alone() -> None:
    arms = arms_of(study())
    assert [arm.at for arm in arms] == [
        frozenset(),
        {("width", "4")},
        {("width", "16")},
        {("matching", "off")},
    ]
    assert "match" not in arms[-1].recipe.objectives


def test_a_full_grid_has_every_combination_once() -> None:
    arms = arms_of(study(design="full-grid"))
    assert arms[0].at == frozenset()
    assert len({arm.at for arm in arms}) == len({arm.trained for arm in arms}) == len(arms) == 3 * 2


def test_overrides_of_all_arms_come_before_those_of_a_level() -> None:
    arms = arms_of(study(), ["train.steps=3"])
    assert {arm.recipe.train.steps for arm in arms} == {3}
    assert {arm.entry.overrides for arm in arms} >= {("train.steps=3",), ("train.steps=3", "model.width=4")}


def varied(*levels: Level) -> Study:
    return study(subjects=(replace(SUBJECT, factors=(Factor("it", "as it is", levels),)),))


def test_all_arms_that_cannot_be_are_named_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        arms_of(varied(Level("odd", ("model.widht=4",)), Level("gone", recipe="other"), Level("fine", ("seed=1",))))
    said = str(caught.value)
    assert "Toy on toys (it: odd): unknown key `model.widht`" in said
    assert "did you mean `model.width`" in said
    assert "Toy on toys (it: gone): no recipe `other`" in said


def test_what_is_wrong_with_every_arm_is_said_once() -> None:
    with pytest.raises(StudyError, match=r"every arm: unknown key `train\.stesp`") as caught:
        arms_of(study(), ["train.stesp=3"])
    assert str(caught.value).count("unknown key") == 1


def test_a_level_that_changes_nothing_is_refused() -> None:
    with pytest.raises(StudyError, match=r"reference\) and .*it: same\) are one configuration"):
        arms_of(varied(Level("same", ("model.width=8",))))


def test_levels_that_set_one_key_are_refused_where_they_meet() -> None:
    other = Factor("weight", "1", (Level("2", ("objectives.match.weight=2.0",)),))
    both = replace(SUBJECT, factors=(MATCHING, other))
    assert len(arms_of(study(subjects=(both,)))) == 3
    with pytest.raises(StudyError, match=r"matching: off and weight: 2 both set objectives\.match\.weight"):
        arms_of(study(subjects=(both,), design="full-grid"))


def test_what_a_level_sets_no_override_of_all_arms_may_undo() -> None:
    with pytest.raises(StudyError, match=r"an override of all arms and width: 4 both set model\.width"):
        arms_of(study(), ["model.width=4"])


def test_two_recipes_do_not_make_an_arm() -> None:
    factors = tuple(Factor(name, "own", (Level(name, recipe="toy"),)) for name in ("one", "two"))
    with pytest.raises(StudyError, match="`one` and `two` are recipes"):
        arms_of(study(subjects=(replace(SUBJECT, factors=factors),), design="full-grid"))


def test_a_metric_that_a_recipe_does_not_give_is_refused_with_the_nearest() -> None:
    odd = replace(SUBJECT, measures=(Measure("right_code-to-left_code/R@2"),))
    with pytest.raises(StudyError, match=rf"does not measure .*did you mean `{METRIC[:20]}"):
        arms_of(study(subjects=(odd,)))


@pytest.mark.parametrize(
    ("models", "factors", "said"),
    [
        (["Toi"], [], r"no model `Toi` \(did you mean `Toy`\?\)"),
        ([], ["widht"], r"no factor `widht` \(did you mean `width`\?\)"),
    ],
)
def test_an_unknown_model_or_factor_is_refused_with_the_nearest(
    models: list[str], factors: list[str], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        narrowed(study(), models, factors)


def test_a_narrowed_study_has_no_other_factors() -> None:
    (subject,) = narrowed(study(), ["Toy"], ["matching"]).subjects
    assert subject.factors == (MATCHING,)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Level("nothing"),
        lambda: Factor("alone", "as it is", ()),
        lambda: Factor("twice", "4", WIDTH.levels),
        lambda: replace(SUBJECT, factors=(WIDTH, WIDTH)),
        lambda: study(subjects=(SUBJECT, SUBJECT)),
        lambda: study(seeds=()),
        lambda: study(seeds=(0, 1, 0)),
    ],
)
def test_a_declaration_that_says_nothing_or_one_thing_twice_is_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(StudyError):
        wrong()


def test_arms_that_are_trained_otherwise_are_named_with_what_differs() -> None:
    longer, shown = Level("longer", ("train.steps=24",)), Level("shown", ("train.log_every=2", "model.width=9"))
    (said,) = equal_compute(arms_of(varied(longer, shown, Level("hot", ("train.optimizer.lr=0.5",)))))
    assert said == (
        "Toy on toys: 12 steps of 8; NOT equal: Toy on toys (it: longer): train.steps=24; "
        "Toy on toys (it: hot): train.optimizer.lr=0.5"
    )


class Entry:
    """An entry point that is a study."""

    def __init__(self, found: Study) -> None:
        self.found = found

    def load(self) -> Study:
        return self.found


def brought(monkeypatch: pytest.MonkeyPatch, *parts: Study) -> None:
    monkeypatch.setattr(installed, "find_all", lambda name, group: [Entry(part) for part in parts])


def test_parts_of_a_study_from_several_packages_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    other: Subject = replace(SUBJECT, model="Other")
    brought(monkeypatch, study(), study(subjects=(other,)))
    assert load_study("any").subjects == (SUBJECT, other)


def test_parts_that_ask_different_things_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    brought(monkeypatch, study(), study(subjects=(replace(SUBJECT, model="Other"),), seeds=(0,)))
    with pytest.raises(StudyError, match="differ in more than their subjects"):
        load_study("any")


@pytest.mark.parametrize("key", ["seed=7", "run.dir=/tmp/x", "resume=auto"])
def test_what_the_study_sets_for_each_run_is_no_override(key: str) -> None:
    with pytest.raises(StudyError, match=rf"{key}: seeds, folders and resuming are the study's"):
        arms_of(study(), [key])


def test_a_design_or_a_measure_that_is_none_is_refused_where_it_is_declared() -> None:
    with pytest.raises(StudyError, match="no design `one_at_a_time`; there are one-at-a-time, full-grid"):
        study(design="one_at_a_time")
    with pytest.raises(StudyError, match=r"'text-to-video/R@1' is no measure; say Measure"):
        replace(SUBJECT, measures=("text-to-video/R@1",))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("tests.core.ablation.toys:SUBJECT", "is a Subject; name a Study"),
        ("tests.core.ablation.toys:NONE", "cannot be loaded: AttributeError: .*NONE"),
        ("tests.nowhere:STUDY", "cannot be loaded: ModuleNotFoundError: No module"),
    ],
)
def test_an_entry_point_that_is_no_study_is_named(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    entry = EntryPoint("any", value, installed.STUDIES)
    monkeypatch.setattr(installed, "find_all", lambda *_: [entry])
    with pytest.raises(StudyError, match=rf"study `any` \({value}\) {said}"):
        load_study("any")
