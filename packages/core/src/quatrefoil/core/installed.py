"""What is installed, by entry points alone: nothing is imported until it is asked for."""

from argparse import ArgumentParser, Namespace
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from quatrefoil.core.config import ConfigError, nearest

RECIPES, DATASETS, COMMANDS = "quatrefoil.recipes", "quatrefoil.datasets", "quatrefoil.commands"
STUDIES = "quatrefoil.studies"
_KINDS = {RECIPES: "recipe", DATASETS: "data set", COMMANDS: "command", STUDIES: "study"}

_MOST_NAMES = 40  # of one error: only recipes are more


@runtime_checkable
class Command(Protocol):
    """A command of the command line that a package brings: an object, or a module, with these three names.

    Its entry point in `quatrefoil.commands` names it: `NAME = "package.module:OBJECT"` becomes `quatrefoil NAME`. A
    module that does its heavy imports inside `run` keeps `quatrefoil --help` quick.
    """

    @property
    def help(self) -> str:
        """What it does, in a line."""

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    def run(self, args: Namespace) -> int:
        """The exit status: 0 done, 1 problems found. ValueError and OSError are the user's mistake, told in a line."""


def names(group: str = RECIPES) -> list[str]:
    """The names in an entry-point group, sorted."""
    return sorted({entry.name for entry in entry_points(group=group)})


def find(name: str, group: str = RECIPES) -> EntryPoint:
    """An entry point by name.

    Raises:
        ConfigError: there is none (the nearest is named), or several packages bring one.
    """
    found = find_all(name, group)
    if len(found) > 1:
        kind = _KINDS[group]
        raise ConfigError(
            f"several packages bring a {kind} `{name}`: {', '.join(map(_origin, found))}; remove all but one"
        )
    return found[0]


def find_all(name: str, group: str) -> list[EntryPoint]:
    """All different entry points of a name, sorted by what they name.

    Raises:
        ConfigError: there is none (the nearest is named).
    """
    found = {entry.value: entry for entry in entry_points(group=group) if entry.name == name}
    if not found:
        known = names(group)
        family = [each for each in known if each.partition("/")[0] == name.partition("/")[0]]
        meant, told = nearest(name, family) or nearest(name, known), family or known
        if len(told) > _MOST_NAMES:
            told = [f"{len(known)}, which `quatrefoil recipes` lists"]
        raise ConfigError(f"no {_KINDS[group]} `{name}`{meant}; installed: {', '.join(told) or 'none'}")
    return [found[value] for value in sorted(found)]


def load_command(name: str) -> Command:
    """The command that a package brings under `name`.

    Raises:
        ConfigError: it cannot be imported, or is no `Command`; with its name, its package and the reason.
    """
    entry = find(name, COMMANDS)
    try:
        command = entry.load()
    except Exception as error:  # whatever a package does when it is imported must not hide whose fault it is
        raise ConfigError(
            f"command `{name}` ({_origin(entry)}) cannot be loaded: {type(error).__name__}: {error}; install what it "
            f"needs, or remove the package"
        ) from error
    if not isinstance(command, Command):
        raise ConfigError(f"command `{name}` ({_origin(entry)}) is no command: it needs help, add_arguments and run")
    return command


def _origin(entry: EntryPoint) -> str:
    return f"{entry.value} of {entry.dist.name if entry.dist else 'an unknown package'}"
