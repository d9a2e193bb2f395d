"""Build wheels whose requirements are ordinary ones: `python tools/release.py FOLDER`.

In a checkout, a plugin requires the core beside it by a file reference, so that one `pip install` brings both. A wheel
that carried this reference could be installed on no other machine.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECTS = ("core", "video_text", "genomics")
REFERENCE = re.compile(r'"quatrefoil-core @ [^"]*"')
VERSION = re.compile(r'^version = "(.+)"$', re.MULTILINE)


def ordinary(pyproject: str, core_version: str) -> str:
    """The project file with a version requirement in place of the file reference."""
    return REFERENCE.sub(f'"quatrefoil-core=={core_version}"', pyproject)


def build(out: Path) -> None:
    """Wheels of all packages in `out`."""
    found = VERSION.search((ROOT / "packages/core/pyproject.toml").read_text())
    assert found is not None, "core has a version"
    for name in PROJECTS:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / name
            shutil.copytree(ROOT / "packages" / name, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            project = copy / "pyproject.toml"
            project.write_text(ordinary(project.read_text(), found[1]))
            command = [
                sys.executable,
                "-m",
                "pip",
                "wheel",
                "--quiet",
                "--no-deps",
                "--no-build-isolation",
                "-w",
                out,
                copy,
            ]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build(Path(sys.argv[1]))
