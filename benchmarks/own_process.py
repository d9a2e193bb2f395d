"""The command line, and training in a folder that is given, each in a process of its own."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from quatrefoil.core.measuring.jobs import RunFailed, run_into
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


def quatrefoil(what: str, *arguments: str) -> list[str]:
    """The lines that `quatrefoil ARGUMENTS` prints, in a process of its own.

    Raises:
        RunFailed: it failed: `what` was wanted, the command, and its own words.
    """
    command = [str(Path(sys.executable).with_name("quatrefoil")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RunFailed(f"{what}\n  command: {shlex.join(command)}\n  {done.stderr.strip()}")
    return done.stdout.splitlines()
