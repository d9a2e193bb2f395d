"""What runners share: a clock, rounds that alternate, what their numbers depend on, and how these are kept."""

import importlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import torch

from quatrefoil.core.files import replace_text

Given = TypeVar("Given")
CPU = torch.device("cpu")


def fastest() -> torch.device:
    """The GPU, where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Timed(NamedTuple, Generic[Given]):
    """What some work gave, and the seconds that it took."""

    given: Given
    seconds: float


def timed(work: Callable[[], Given], device: torch.device) -> Timed[Given]:
    """Do it. On a GPU by the clock; else by this process's own time, which does not grow when others run beside us."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    start = clock()
    given = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return Timed(given, clock() - start)


def least(works: Mapping[str, Callable[[], Given]], rounds: int, device: torch.device) -> dict[str, Timed[Given]]:
    """Each by its fastest time over alternating rounds, as what others add is never negative."""
    taken = [{name: timed(work, device) for name, work in works.items()} for _ in range(rounds)]
    return {name: min((of[name] for of in taken), key=lambda each: each.seconds) for name in works}


def surroundings(command: str, device: torch.device, packages: tuple[str, ...] = ("torch",)) -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "command": command,
        "versions": {name: importlib.import_module(name).__version__ for name in packages},
        "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }


def keep(path: Path, found: Mapping[str, Any]) -> None:
    """Write what was found as JSON, and print it."""
    text = json.dumps(found, indent=2) + "\n"
    replace_text(path, text)
    print(text)
