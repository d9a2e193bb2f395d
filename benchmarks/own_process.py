"""Training in a process of its own."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from quatrefoil.core.runs.folder import RunFolder


def train(recipe: str, overrides: Sequence[str], root: Path, folder: Path) -> None:
    """Train on the data below `root`, or go on with what was begun; nothing where the run is finished.

    Raises:
        subprocess.CalledProcessError: it failed; what it said was printed.
    """
    if RunFolder(folder).metrics.exists():
        return
    where = [f"data.root={root}", f"run.dir={folder}", "run.progress=false", "run.workers=0", "resume=auto"]
    command = [sys.executable, "-m", "quatrefoil.train", recipe, *overrides, *where]
    print(shlex.join(command), flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
