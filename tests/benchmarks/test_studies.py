"""What a study says is what its rows say."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.report import studies
from quatrefoil.core.ablation.arms import arms_of
from quatrefoil.core.ablation.effects import effects_of
from quatrefoil.core.ablation.report import json_lines
from quatrefoil.core.ablation.study import Design
from quatrefoil.core.measuring.store import Results
from tests.core.ablation.conftest import toys  # noqa: F401 - a fixture
from tests.core.ablation.toys import rows, study


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("design", ["one-at-a-time", "full-grid"])
def test_effects_are_recomputed_from_all_settings_that_they_are_means_over(tmp_path: Path, design: Design) -> None:
    rng, arms = np.random.default_rng(0), arms_of(study(design=design))
    made = [row for arm in arms for row in rows(arm, rng.normal(50, 9, 3).tolist())]  # not additive
    effects = effects_of(arms, Results(rows=made))
    told = [json.loads(line) for line in json_lines(effects).splitlines()]
    found = studies._recomputed(tmp_path, told, made)
    assert len(found) == len(effects) == 4
    for effect, again in zip(effects, found, strict=True):
        for name, value in vars(again).items():
            assert value == pytest.approx(getattr(effect, name)), name
