"""Files that are damaged are refused by name, with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from quatrefoil.core.measuring.rows import RowError

MEND = "bring back an older one, or run what makes it again"


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
