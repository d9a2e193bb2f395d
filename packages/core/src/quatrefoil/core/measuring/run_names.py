"""How the folder of a run is named, and which run a name is of."""

import re
import shlex
from collections.abc import Sequence
from functools import cache

from quatrefoil.core.measuring.entries import AS_FOUND

RUN_NAME = r"(?P<hash>[0-9a-f]{16})[^/\s]*-seed(?P<seed>\d+)"
"""What `run_name` makes, as a pattern."""
_FOLDER = re.compile(rf"run\.dir=(?:.*/)?(?P<name>{RUN_NAME})/?")
NOT_WHAT = ("seed=", "run.", "resume=")
"""Settings that say which run it is, where it lies and how it is shown: its command has them, its rows have not."""


def run_name(config_hash: str, data_version: str, seed: int) -> str:
    """Made data of another version are another run; those of a real corpus are told apart by their hash alone."""
    version = "" if data_version == AS_FOUND else f"-{data_version}"
    return f"{config_hash}{version}-seed{seed}"


@cache
def _words(command: str) -> tuple[str, ...]:
    """Of one run many rows are stored, all with its command."""
    return tuple(shlex.split(command))


def check_command(
    command: str, recipe: str, overrides: Sequence[str], config_hash: str, data_version: str, seed: int
) -> None:
    """Compare a run with what its command names: recipe and settings, and its seed and folder if it has them.

    Raises:
        ValueError: the command is that of another run, or none.
    """
    words = _words(command)
    first, settings = words[:3], words[3:]
    if first != ("quatrefoil", "train", recipe):
        raise ValueError(f"recipe is {recipe}, which its command does not train: {command}")
    if (said := [each for each in settings if not each.startswith(NOT_WHAT)]) != list(overrides):
        raise ValueError(f"overrides are {list(overrides)}, its command has {said}")
    given = [each.removeprefix("seed=") for each in settings if each.startswith("seed=")]
    if given and given[-1] != str(seed):
        raise ValueError(f"seed is {seed}, its command has seed={given[-1]}")
    own = run_name(config_hash, data_version, seed)
    for found in filter(None, map(_FOLDER.fullmatch, settings)):
        if found["name"] != own:
            raise ValueError(
                f"config_hash, data_version and seed are those of the folder {own}, its command names {found['name']}"
            )
