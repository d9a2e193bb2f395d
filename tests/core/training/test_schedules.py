"""The learning rate: up in a line, down to the floor, the same after a resume."""

import math
from typing import Literal, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.training.schedules import ScheduleConfig, multiplier, scheduler

Name = Literal["cosine", "linear", "constant"]
NAMES = st.sampled_from(get_args(Name))


@given(NAMES, st.integers(20, 200), st.floats(0, 0.9), st.floats(0, 1))
def test_it_rises_to_one_then_falls_to_the_floor(name: Name, total: int, warmup: float, floor: float) -> None:
    config = ScheduleConfig(name, warmup, floor)
    values = [multiplier(step, total, config) for step in range(total + 3)]
    top = config.warmup_steps(total)
    assert values[top] == 1
    assert values[: top + 1] == sorted(values[: top + 1])
    assert values[top:] == sorted(values[top:], reverse=True)
    assert all(value > 0 for value in values[:total])
    assert values[total:] == pytest.approx([1.0 if name == "constant" else floor] * 3, abs=1e-15)


@given(st.integers(1, 50), st.integers(0, 49))
def test_warm_up_is_a_line_whose_first_step_is_not_wasted(warmup: int, step: int) -> None:
    if step < warmup:
        assert multiplier(step, 100, ScheduleConfig("cosine", warmup)) == pytest.approx((step + 1) / warmup)


def test_half_way_the_decays_are_at_the_middle() -> None:
    for name in ("cosine", "linear"):
        assert multiplier(60, 100, ScheduleConfig(name, 20, 0.2)) == pytest.approx(0.6)
    assert multiplier(40, 100, ScheduleConfig("cosine", 20)) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


def test_warm_up_is_a_share_below_one_and_steps_from_one_on() -> None:
    assert ScheduleConfig(warmup=0.25).warmup_steps(80) == 20
    assert ScheduleConfig(warmup=1).warmup_steps(80) == 1
    assert ScheduleConfig(warmup=30).warmup_steps(80) == 30


def test_a_warm_up_as_long_as_the_run_is_refused() -> None:
    with pytest.raises(ValueError, match="30 steps leaves none of 30"):
        multiplier(0, 30, ScheduleConfig(warmup=30))


@pytest.mark.parametrize("wrong", [{"name": "cosin"}, {"warmup": -0.1}, {"warmup": 2.5}, {"floor": 1.5}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        ScheduleConfig(**wrong)  # type: ignore[arg-type]


def rates(optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LambdaLR, steps: int) -> list[float]:
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def fresh() -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3.0)
    return optimizer, scheduler(optimizer, ScheduleConfig("cosine", 3, 0.1), 20)


def test_torch_sees_the_pure_function_and_a_resumed_run_sees_the_same() -> None:
    whole = rates(*fresh(), 20)
    assert whole == [3.0 * multiplier(step, 20, ScheduleConfig("cosine", 3, 0.1)) for step in range(20)]
    optimizer, schedule = fresh()
    rates(optimizer, schedule, 7)
    resumed, resumed_schedule = fresh()
    resumed.load_state_dict(optimizer.state_dict())
    resumed_schedule.load_state_dict(schedule.state_dict())
    assert rates(resumed, resumed_schedule, 13) == whole[7:]
