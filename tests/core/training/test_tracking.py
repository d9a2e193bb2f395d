"""The log of a run: equal after a resume, exact to the bit, and honest about waiting."""

import itertools
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.training.tracking import JsonLines, Lap, Progress, Stopwatch, Trackers, trackers


def log(path: Path, after: int, steps: range) -> None:
    lines = JsonLines(path, after)
    for step in steps:
        lines.log(step, {"loss": 1 / step, "rate": step * 1e-17})
    lines.close()


@pytest.mark.parametrize("killed_at", [3, 5, 8])
@pytest.mark.parametrize("torn", ["", '{"step": 9, "lo', '{"step": 4'])
def test_log_of_a_resumed_run_equals_that_of_one_not_interrupted(tmp_path: Path, killed_at: int, torn: str) -> None:
    log(tmp_path / "whole.jsonl", 0, range(1, 11))
    path = tmp_path / "log.jsonl"
    log(path, 0, range(1, killed_at + 1))
    with path.open("a") as file:
        file.write(torn)
    log(path, 3, range(4, 11))
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    log(path, 6, range(7, 11))  # and once more
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_run_from_the_start_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    log(tmp_path / "log.jsonl", 0, range(1, 4))
    log(tmp_path / "log.jsonl", 0, range(1, 2))
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


@given(st.floats())
def test_floats_come_back_bit_by_bit(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    lines = JsonLines(path, 0)
    lines.log(1, {"x": value})
    assert repr(json.loads(path.read_text())["x"]) == repr(value)  # read before it is closed: lines are flushed
    lines.close()


def test_log_is_always_written_and_others_only_when_asked_for(tmp_path: Path) -> None:
    several = trackers(tmp_path / "run", 0, (), {})
    several.log(1, {"loss": 0.5})
    several.close()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["log.jsonl"]


def test_tensorboard_gets_every_number(tmp_path: Path) -> None:
    loading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for after, steps in ((0, range(1, 6)), (3, range(4, 7))):
        several = trackers(tmp_path, after, ("tensorboard",), {})
        for step in steps:
            several.log(step, {"loss": step / 4})
        several.close()
    found = loading.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert [(event.step, event.value) for event in found.Scalars("loss")] == [(n, n / 4) for n in range(1, 7)]


def test_wandb_gets_every_number_under_the_name_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    run = types.SimpleNamespace(
        log=lambda values, step: calls.append((step, values)), finish=lambda: calls.append("end")
    )
    fake = types.ModuleType("wandb")

    def init(**settings: Any) -> Any:
        calls.append(settings)
        return run

    fake.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    several = trackers(tmp_path / "run", 0, ("wandb",), {"lr": 0.1})
    several.log(1, {"loss": 0.5})
    several.close()
    assert calls[0]["id"] == "run"
    assert (calls[0]["config"], calls[0]["resume"]) == ({"lr": 0.1}, "allow")
    assert calls[1:] == [(1, {"loss": 0.5}), "end"]


@pytest.mark.parametrize(("name", "module"), [("wandb", "wandb"), ("tensorboard", "torch.utils.tensorboard")])
def test_a_tracker_that_is_not_installed_is_refused_naming_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Any, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=rf"{name} needs it installed: pip install \"quatrefoil-core\[track\]\""):
        trackers(tmp_path, 0, (name,), {})


def test_an_unknown_tracker_is_refused_naming_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\['mlflow'\]: there are \['tensorboard', 'wandb'\]"):
        trackers(tmp_path, 0, ("mlflow",), {})  # type: ignore[arg-type]


def test_several_trackers_all_get_every_number(tmp_path: Path) -> None:
    both = Trackers([JsonLines(tmp_path / "a.jsonl", 0), JsonLines(tmp_path / "b.jsonl", 0)])
    both.log(1, {"x": 0.1})
    both.close()
    assert (tmp_path / "a.jsonl").read_text() == (tmp_path / "b.jsonl").read_text() == '{"step": 1, "x": 0.1}\n'


class Clock:
    """Time that goes by only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slow_items(self, seconds: float) -> Iterator[int]:
        for item in itertools.count():
            self.now += seconds
            yield item


def test_waiting_is_the_share_of_time_that_items_take_to_come() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    items = watch.waiting_for(clock.slow_items(3.0))
    for _ in range(4):
        next(items)
        clock.now += 1.0  # the work
    assert watch.lap() == Lap(seconds=16.0, waiting=0.75)
    clock.now += 2.0
    assert watch.lap() == Lap(seconds=2.0, waiting=0.0)
    assert watch.lap() == Lap(seconds=0.0, waiting=0.0)


def test_waiting_for_items_changes_nothing_about_them() -> None:
    assert list(Stopwatch().waiting_for(range(5))) == list(range(5))


def test_the_bar_shows_the_run_its_losses_speed_and_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progress("toy/run", steps=10, after=4, shown=True)
    bar.advance()
    bar.show({"total": 0.123456}, samples=64, lap=Lap(2.0, 0.25))
    bar.close()
    shown = capsys.readouterr().err
    assert all(part in shown for part in ("toy/run:", "5/10", "total=0.1235", "samples/s=32.0", "waiting=25%"))


def test_a_hidden_bar_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progress("toy/run", steps=10, after=0, shown=False)
    bar.advance()
    bar.show({"total": 0.1}, samples=64, lap=Lap(2.0, 0.25))
    bar.close()
    assert capsys.readouterr().err == ""
