"""Training of a recipe in a folder that is given, in a process of its own."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from quatrefoil.core.measuring.jobs import run_into
from quatrefoil.core.runs.folder import RunFolder


def train(recipe: str, overrides: Sequence[str], folder: Path) -> None:
    """Train, or go on with what was begun; nothing where the run is finished.

    Raises:
        RunFailed: it ended with an error, or without results.
    """
    if RunFolder(folder).finished:
        return
    where = [f"run.dir={folder}", "run.progress=false", "run.workers=0", "resume=auto"]
    command = [sys.executable, "-m", "quatrefoil.train", recipe, *overrides, *where]
    print(shlex.join(command), flush=True)
    run_into(folder, command, f"{recipe} in {folder}")
