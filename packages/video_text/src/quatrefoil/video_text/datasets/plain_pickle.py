"""Pickles of others, read as data: nothing in them is executed, and nothing but plain data can come out.

A pickle is a program. It reaches for code by naming it (GLOBAL, STACK_GLOBAL, INST and the extension registry), and all
of these end in `find_class`, which here knows two harmless names: `set` and `frozenset`, which protocols 0-3 have no
opcode for. So a file can hold None, booleans, numbers, texts, bytes, lists, tuples, dictionaries and sets, and no numpy
array: building one takes `numpy` functions whose own way of reading state is no one's promise to be safe.

What this does not bound is memory: like any file, a hostile one may ask for more than there is.
"""

import io
import pickle
from pathlib import Path
from typing import Any

from quatrefoil.video_text.datasets.corpus import CorpusError

_SETS = {
    (module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (set, frozenset)
}  # Python 2 called the module __builtin__
# Hostile or damaged bytes drive the unpickler's own machine, which then fails in many ways.
_DAMAGE = (ValueError, EOFError, pickle.UnpicklingError, LookupError, TypeError, AttributeError, OverflowError)


def read_plain_pickle(path: Path) -> Any:
    """The plain data of a pickle, of protocol 0-5, written by Python 2 or 3.

    Raises:
        CorpusError: the pickle asks for anything but plain data (the name is told; nothing was executed), or its bytes
            are damaged.
    """
    try:
        return _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from error
    except (*_DAMAGE, MemoryError, RecursionError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); fetch the file again") from error


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="utf-8")  # pickles of Python 2 hold bytes where texts are meant

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _SETS:
            raise CorpusError(
                f"asks for {module}.{name}; only plain data is read from a pickle, and nothing is executed"
            )
        return _SETS[module, name]
