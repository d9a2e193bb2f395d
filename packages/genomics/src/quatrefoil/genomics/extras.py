"""What is not installed with the package itself: a command that needs it says which extra brings it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

EXTRA: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Bio", "bioframe", "pandas", "pyfaidx", "scipy", "zarr"), "regions"),
    **dict.fromkeys(("cyvcf2", "sklearn"), "variants"),
    "matplotlib": "gallery",
}
"""Module -> the extra of this package that brings it."""


@contextmanager
def extras() -> Iterator[None]:
    """Around (as a decorator, too) what needs modules of extras.

    Raises:
        ValueError: one of them is not installed; says what to install.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in EXTRA:
            raise
        raise ValueError(f"this needs {module}: pip install 'quatrefoil-genomics[{EXTRA[module]}]'") from error
