"""How the folder of a run is named, and which run a name is of."""

import re

from quatrefoil.core.measuring.entries import AS_FOUND

RUN_NAME = r"(?P<hash>[0-9a-f]{16})[^/\s]*-seed(?P<seed>\d+)"
"""What `run_name` makes, as a pattern."""
_SEED = re.compile(r"(?<!\S)seed=(\d+)(?!\S)")
_FOLDER = re.compile(rf"(?<!\S)run\.dir=(?:\S*/)?(?P<name>{RUN_NAME})/?(?!\S)")


def run_name(config_hash: str, data_version: str, seed: int) -> str:
    """Made data of another version are another run; those of a real corpus are told apart by their hash alone."""
    version = "" if data_version == AS_FOUND else f"-{data_version}"
    return f"{config_hash}{version}-seed{seed}"


def check_command(command: str, recipe: str, config_hash: str, data_version: str, seed: int) -> None:
    """Compare a run with what its command names: its recipe, and its seed and folder if it has them.

    Raises:
        ValueError: the command is that of another run.
    """
    if recipe not in command.split():
        raise ValueError(f"recipe is {recipe}, which its command does not name: {command}")
    if (given := _SEED.findall(command)) and int(given[-1]) != seed:
        raise ValueError(f"seed is {seed}, its command has seed={given[-1]}")
    own = run_name(config_hash, data_version, seed)
    if (found := _FOLDER.search(command)) and found["name"] != own:
        raise ValueError(
            f"config_hash, data_version and seed are those of the folder {own}, its command names {found['name']}"
        )
