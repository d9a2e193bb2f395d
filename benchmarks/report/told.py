"""What a page says of what lies beside it: one file of JSON in the folder of clips or pictures."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from quatrefoil.core.files import replace_text

Told = TypeVar("Told")


def write_told(path: Path, told: Any) -> None:
    """Write a dataclass, whole or not at all."""
    replace_text(path, json.dumps(asdict(told), indent=1) + "\n")


def read_told(path: Path, kind: type[Told]) -> Told | None:
    """What `write_told` wrote, or None where there is nothing."""
    return TypeAdapter(kind).validate_json(path.read_text(encoding="utf-8")) if path.exists() else None
