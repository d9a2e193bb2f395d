"""Media files that lie within other files: members of tars, cells of tables. Read whole, opened in memory."""

from abc import ABC, abstractmethod
from pathlib import Path


class Stored(ABC):
    """A media file within another file. Holds no open handle: it may be pickled, and read in any process."""

    @property
    @abstractmethod
    def place(self) -> Path:
        """What messages call it: the path of the file that it lies in, and its own name as one more part."""

    @abstractmethod
    def read(self) -> bytes:
        """All of its bytes.

        Raises: MediaError, where they are not there any more; FileNotFoundError, where the file around them is not.
        """


Media = Path | Stored
"""Where media lie: in a file of their own, or within another."""


def place_of(media: Media | str) -> Path:
    """What messages call it."""
    return media.place if isinstance(media, Stored) else Path(media)
