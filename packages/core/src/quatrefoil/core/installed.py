"""What is installed, by entry points alone: nothing is imported until it is asked for."""

from importlib.metadata import EntryPoint, entry_points

from quatrefoil.core.config import ConfigError, nearest

RECIPES, DATASETS = "quatrefoil.recipes", "quatrefoil.datasets"


def names(group: str = RECIPES) -> list[str]:
    """The names in an entry-point group, sorted."""
    return sorted(entry.name for entry in entry_points(group=group))


def find(name: str, group: str = RECIPES) -> EntryPoint:
    """An entry point by name; `ConfigError` names the nearest one if there is none."""
    found = {entry.name: entry for entry in entry_points(group=group)}
    if name not in found:
        kind = "recipe" if group == RECIPES else "data set"
        raise ConfigError(f"no {kind} `{name}`{nearest(name, found)}; installed: {', '.join(sorted(found)) or 'none'}")
    return found[name]
