"""Files that may be compressed, read whole."""

import gzip
import zlib
from pathlib import Path
from typing import Final

GZIP: Final = b"\x1f\x8b"
DAMAGED: Final = (OSError, EOFError, zlib.error)
"""What Python raises while it reads a damaged gzip file."""


def content_of(path: Path, error: type[ValueError]) -> bytes:
    """The bytes of a file, plain or gzip.

    Raises:
        error: a gzip file that is damaged or cut off; FileNotFoundError: no such file.
    """
    content = path.read_bytes()
    try:
        return gzip.decompress(content) if content.startswith(GZIP) else content
    except DAMAGED as reason:
        raise error(f"{path}: damaged gzip file ({reason}); fetch it again") from reason
