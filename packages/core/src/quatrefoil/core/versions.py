"""Which versions of what made a result."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("quatrefoil-core", "torch", "accelerate", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of what decides numbers, and the checkout's commit (`+` = its packages changed since)."""
    found = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found, "commit": commit()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def commit() -> str:
    """The commit of the checkout that this code runs from; `unknown` outside of one."""

    def git(*arguments: str) -> str:
        folder = Path(__file__).parent
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        head = git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if git("status", "--porcelain", "--untracked-files=no", ":(top)packages") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
