"""The command line, asked to draw."""

import shlex
import subprocess
import sys
from pathlib import Path

from quatrefoil.core.measuring.jobs import RunFailed


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
