"""How a broken input is written down: what it holds, how it is read, what is said of it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Broken(NamedTuple):
    """A file or folder and what is said of it.

    Attributes:
        name: of the file, in a folder of its own.
        read: what meets it.
        content: of the file, or what makes it (and what lies about it) at a path.
        said: a pattern of the message.
    """

    name: str
    read: Callable[[Path], object]
    content: str | bytes | Callable[[Path], object]
    said: str

    def write(self, folder: Path) -> Path:
        """The input, made in a folder."""
        path = folder / self.name
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content.encode() if isinstance(self.content, str) else self.content)
        return path

    def message(self, folder: Path) -> str:
        """What is said of it, made in a folder.

        Raises:
            AssertionError: it was read; whatever is no `ValueError` and no missing file comes through.
        """
        try:
            self.read(self.write(folder))
        except (ValueError, FileNotFoundError) as error:
            return " ".join(str(error).split())
        raise AssertionError(f"{self.name} was read, as if nothing were wrong with it")
