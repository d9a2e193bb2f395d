"""What a small recipe's losses were, they are: bit for bit where the environment is the recorded one."""

import json
import math

import pytest

from tests.models.curves import SHOWN, STEPS, curve, path_of
from tests.models.small import RECIPES

pytestmark = pytest.mark.slow
FIRST, BOUND = 10, 1e-4
"""Elsewhere: steps that are compared, and how far losses may lie apart, relatively.

Kernels without vector instructions (ATEN_CPU_CAPABILITY=default) differ from those of AVX-512 by 3e-6 over these steps;
later, rounding is what training amplifies.
"""


@pytest.mark.parametrize("name", RECIPES)
def test_losses_are_those_that_are_stored(name: str) -> None:
    stored, found = json.loads(path_of(name).read_text()), curve(name)
    assert stored["recipe"] == found["recipe"], "the recipe is another: run `python -m tests.models.curves`"
    if stored["environment"] == found["environment"]:
        print(f"{name}: compared bit for bit, {STEPS} steps")
        assert {key: found[key] for key in SHOWN} == {key: stored[key] for key in SHOWN}
    else:
        print(f"{name}: compared to {BOUND}, {FIRST} steps: {found['environment']}, not {stored['environment']}")
        assert found["loss"][:FIRST] == pytest.approx(stored["loss"][:FIRST], rel=BOUND)


@pytest.mark.parametrize("name", RECIPES)
def test_stored_losses_are_finite_and_whole(name: str) -> None:
    stored = json.loads(path_of(name).read_text())
    assert all(len(stored[key]) == STEPS for key in SHOWN)
    assert all(0 < value < math.inf for key in SHOWN for value in stored[key])
