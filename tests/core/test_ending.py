"""Signals that ask for an end: noted where there is something to save, in order where there is not."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from quatrefoil.core import cli
from quatrefoil.core.ending import StopSignal, ended_in_order
from quatrefoil.core.files import whole_file


@pytest.fixture(autouse=True)
def as_a_shell_starts_it() -> Iterator[None]:
    """Both signals are heard, though a shell that puts the tests into the background has Ctrl-C ignored."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def told(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_afterwards_is_nobodys_business_again(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignal("saving") as stop:
        told(number)
        assert stop.asked == number
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_ends_the_process_at_once() -> None:
    with StopSignal("saving"):
        told(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL


def test_who_is_told_by_a_terminal_or_scheduler_and_by_a_launcher_is_told_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for first, status in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        with StopSignal("saving") as stop:
            told(first)
            told(signal.SIGTERM)
            assert (stop.asked, stop.status) == (first, status)
    assert capfd.readouterr().err.count("saving") == 2


def test_a_signal_is_noted_where_nobody_reads_what_is_said_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as where a launcher was ended first
    monkeypatch.setattr("quatrefoil.core.ending._STDERR", writer)
    with StopSignal("saving") as stop:
        told(signal.SIGTERM)
        assert stop.asked == signal.SIGTERM
    os.close(writer)


def test_a_signal_that_was_ignored_still_is() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # as a shell starts what it puts into the background, or nohup
    with ended_in_order(), StopSignal("saving") as stop:
        told(signal.SIGINT)
        told(signal.SIGTERM)
    assert stop.asked is None
    assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_a_command_that_is_ended_leaves_nothing_half_written_and_says_by_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def cut_short(options: object) -> int:
        with whole_file(tmp_path / "made") as file:
            file.write("half")
            told(signal.SIGTERM)
        raise AssertionError("SIGTERM was not heard")

    monkeypatch.setattr(cli, "_recipes", cut_short)
    with pytest.raises(SystemExit) as ended:
        cli.main(["recipes"])
    assert ended.value.code == 143
    assert list(tmp_path.iterdir()) == []
    assert "ended by SIGTERM" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
