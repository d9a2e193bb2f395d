"""What a page says of what lies beside it: one file of JSON in the folder of clips or pictures."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from quatrefoil.core.files import replace_text
from quatrefoil.core.measuring.rows import RowError

Told = TypeVar("Told")
MEND = "bring back an older one, or run what makes it again"


def write_told(path: Path, told: Any) -> None:
    """Write a dataclass, whole or not at all."""
    replace_text(path, json.dumps(asdict(told), indent=1) + "\n")


def read_told(path: Path, kind: type[Told]) -> Told | None:
    """What `write_told` wrote, or None where there is nothing. Raises RowError where it is damaged."""
    if not path.exists():
        return None
    with undamaged(path, "remove the folder, and make the page again"):
        return TypeAdapter(kind).validate_json(path.read_bytes())


@contextmanager
def undamaged(what: object, mend: str) -> Iterator[None]:
    """Raise `RowError` where something within fails as reading what is incomplete does, or is of wrong types."""
    try:
        yield
    except RowError:
        raise
    except ValidationError as error:
        found = error.errors(include_url=False)[:3]
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in found)
        raise RowError(f"{what}: {wrong}; {mend}") from error
    except (OSError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise RowError(f"{what}: damaged ({type(error).__name__}: {error}); {mend}") from error


def check_beside(page: Path, names: Iterable[str]) -> None:
    """Raise `RowError` for a file beside a page that is not there, named as the page does."""
    if lacking := [name for name in names if not (page / name).is_file()]:
        raise RowError(f"{page / lacking[0]} is not there; remove its folder, and make the page again")
