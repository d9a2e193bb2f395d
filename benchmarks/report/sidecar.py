"""What a page says of what lies beside it: one file of JSON in the folder of clips or pictures."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from benchmarks.report.damage import undamaged
from quatrefoil.core.files import replace_text
from quatrefoil.core.measuring.rows import RowError

Told = TypeVar("Told")


def write_told(path: Path, told: Any) -> None:
    """Write a dataclass, whole or not at all."""
    replace_text(path, json.dumps(asdict(told), indent=1) + "\n")


def read_told(path: Path, kind: type[Told]) -> Told | None:
    """What `write_told` wrote, or None where there is nothing. Raises RowError where it is damaged."""
    if not path.exists():
        return None
    with undamaged(path, "remove the folder, and make the page again"):
        return TypeAdapter(kind).validate_json(path.read_bytes())


def check_beside(page: Path, names: Iterable[str]) -> None:
    """Raise `RowError` for a file beside a page that is not there, named as the page does."""
    if lacking := [name for name in names if not (page / name).is_file()]:
        raise RowError(f"{page / lacking[0]} is not there; remove its folder, and make the page again")
