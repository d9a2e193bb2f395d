"""Where CPU time is told to go is where it went, in this process and in those that it starts."""

import subprocess
import sys
import time
from collections.abc import Iterator
from subprocess import PIPE

import pytest

from quatrefoil.core.training.spending import Spending

BURN = "import time\nwhile time.process_time() < 1.0: pass"


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def slowly(count: int) -> Iterator[int]:
    for number in range(count):
        burn(0.2)
        yield number


def test_parts_hold_what_was_spent_within_them_and_sleep_costs_nothing() -> None:
    spending, began = Spending(), time.process_time()
    before = spending.told()
    with spending.on("steps"):
        burn(0.4)
    with spending.on("scores"):
        time.sleep(0.4)
    told = spending.told()
    assert 0.4 <= told["steps"] <= time.process_time() - began + 0.1
    assert told["scores"] <= 0.1
    assert sum(told.values()) - sum(before.values()) == pytest.approx(time.process_time() - began, abs=0.3)


def test_what_comes_one_by_one_is_paid_for_until_it_comes_and_comes_in_order() -> None:
    spending, found = Spending(), []
    for item in spending.over("data", slowly(3)):
        burn(0.1)
        found.append(item)
    assert found == [0, 1, 2]
    others = Spending().told()["data"]
    assert spending.told()["data"] - others == pytest.approx(0.6, abs=0.15)


def test_a_process_that_ended_is_counted_and_so_is_one_that_lives() -> None:
    before = Spending().told()["data"]
    subprocess.run([sys.executable, "-c", BURN], check=True)
    ended = Spending().told()["data"] - before
    with subprocess.Popen(
        [sys.executable, "-c", f"{BURN}\nprint(flush=True)\ninput()"], stdin=PIPE, stdout=PIPE
    ) as alive:
        assert alive.stdout is not None
        alive.stdout.readline()
        lives = Spending().told()["data"] - before - ended
        alive.communicate(b"\n")
    assert ended == pytest.approx(1.0, abs=0.3)
    assert lives == pytest.approx(1.0, abs=0.3)


def test_a_run_that_goes_on_adds_to_what_was_spent_before() -> None:
    before = {"steps": 1000.0, "scores": 100.0, "data": 10.0, "rest": 5000.0}
    fresh, resumed = Spending().told(), Spending(before).told()
    assert {part: resumed[part] - fresh[part] for part in fresh} == pytest.approx(before, abs=0.2)
