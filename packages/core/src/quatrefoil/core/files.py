"""Files of our own: where caches lie, and texts that are written whole or not at all."""

import os
import tempfile
from pathlib import Path


def cache_home() -> Path:
    """The folder of all caches: QUATREFOIL_CACHE, or ~/.cache/quatrefoil."""
    return Path(os.environ.get("QUATREFOIL_CACHE") or Path.home() / ".cache" / "quatrefoil")


def replace_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all; several processes may do so at once, the last one stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".tmp-{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
    os.replace(temporary, path)
