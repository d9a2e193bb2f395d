"""Every study that is installed can be planned, and says the truth of what it compares."""

import re
from pathlib import Path
from typing import Any

import pytest

from quatrefoil.core import installed
from quatrefoil.core.ablation.arms import arms_of
from quatrefoil.core.ablation.installed import load_study

ABLATIONS = Path(__file__).parents[2] / "docs" / "ablations.md"
STUDIES = ("clover", "genebert", "table", "transplants", "vlsa")


def test_the_studies_of_the_four_papers_and_the_transplants_are_installed() -> None:
    assert set(installed.names(installed.STUDIES)) >= set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_all_arms_of_a_study_can_be_run(name: str) -> None:
    study = load_study(name)
    arms = arms_of(study, ["data.size=tiny"])
    assert len(arms) == sum(1 + sum(len(f.levels) for f in subject.factors) for subject in study.subjects)
    for subject in study.subjects:
        budgets = {(a.recipe.train.steps, a.recipe.train.batch_size) for a in arms if a.subject == subject}
        assert len(budgets) == 1, "arms have equal steps and batches"


def test_the_study_that_the_documentation_declares_can_be_run() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", ABLATIONS.read_text(), re.DOTALL)
    declared: dict[str, Any] = {}
    exec(example, declared)
    arms = arms_of(declared["STUDY"], ["data.size=tiny"])
    assert [str(arm) for arm in arms][1:] == [
        "TABLE on Stage (tags: none)",
        "TABLE on Stage (scale of contrast: 20.0)",
        "TABLE on Stage (scale of contrast: 100.0)",
    ]


def test_transplants_stand_in_one_table_over_both_domains() -> None:
    study = load_study("transplants")
    assert {subject.domain for subject in study.subjects} == {"Stage", "Regulome"}
    for subject in study.subjects:
        levels = [level.name for factor in subject.factors for level in factor.levels]
        assert any(level.startswith("plain contrast") for level in levels), "plain contrast is the common control"
