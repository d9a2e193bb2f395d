"""Being told to end: by SIGTERM, which schedulers send before they kill, or by Ctrl-C."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

_STDERR = 2


class Preempted(SystemExit):
    """What was told to end has saved what it had, and exits with a status."""


class StopSignal:
    """Within it SIGTERM and Ctrl-C are noted, said, and end nothing.

    A second Ctrl-C ends the process at once. SIGTERM may come twice, from a scheduler that tells all processes and from
    a launcher that passes on what it was told: it takes SIGKILL to end the process at once. A signal that was ignored
    before still is. In threads other than the main one no signal can be noted: none is.

    Args:
        then: what is said to be done about it.
    """

    _STATUS: Final = {signal.SIGTERM: 0, signal.SIGINT: 130}

    def __init__(self, then: str) -> None:
        self.asked: signal.Signals | None = None
        self._then = then
        self._before: dict[signal.Signals, Any] = {}

    @property
    def status(self) -> int:
        """What a run exits with: 0 after SIGTERM, as what a scheduler asked for was done, and where only another rank
        was told; 130 after Ctrl-C, so that what was to follow in a script does not.
        """
        return self._STATUS[self.asked] if self.asked else 0

    def __enter__(self) -> "StopSignal":
        if _signals_are_heard():
            # Shells have Ctrl-C ignored in what they put into the background.
            heard = [number for number in self._STATUS if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, stack: FrameType | None) -> None:
        again = ""
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
            again = "; once more ends it at once"
        if self.asked is None:  # who is told both ways is told once
            self.asked = signal.Signals(number)
            _say(f"{self.asked.name}: {self._then}{again}")


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Within it SIGTERM ends the process as Ctrl-C does, by an exception: what was half written is removed.

    Nothing changes in threads other than the main one, and where SIGTERM was ignored or heard before.

    Raises:
        SystemExit: of status 143, as shells have it of what SIGTERM ended.
    """
    if not _signals_are_heard() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(number: int, stack: FrameType | None) -> None:
    _say("ended by SIGTERM; what was saved before stays")
    raise SystemExit(128 + number)


def _signals_are_heard() -> bool:
    return threading.current_thread() is threading.main_thread()


def _say(text: str) -> None:
    with suppress(OSError):  # who started it, and read this, may have been ended first
        os.write(_STDERR, f"\n{text}\n".encode())  # print may be what was interrupted
