"""Pickles of others: plain data come out as they went in, and nothing else comes out or is executed."""

import builtins
import contextlib
import os
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.video_text.datasets.corpus import CorpusError
from quatrefoil.video_text.datasets.plain_pickle import read_plain_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
PLAIN = st.recursive(
    SCALARS | st.sets(st.integers()) | st.frozensets(st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pickle") / "file.pkl"


def _read(file: Path, content: bytes) -> Any:
    file.write_bytes(content)
    return read_plain_pickle(file)


class Reduced:
    """Pickled as a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


class Stateful:
    """Pickled as a class of its own with a state."""

    def __setstate__(self, state: object) -> None:
        raise AssertionError("executed")


@settings(max_examples=60, deadline=None)
@given(PLAIN, st.sampled_from(PROTOCOLS))
def test_plain_data_come_back_as_they_were_written(file: Path, data: Any, protocol: int) -> None:
    assert _read(file, pickle.dumps(data, protocol)) == data


def test_texts_of_python_2_are_texts(file: Path) -> None:
    assert _read(file, b"(lp0\nS'\xc3\xa4'\np1\naV\\u00e4\np2\na.") == ["ä", "ä"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "wrap",
    [lambda evil: evil, lambda evil: [{"text": ("a", [evil])}], lambda evil: {"a": Reduced(list, [evil])}],
    ids=["bare", "nested", "inside another call"],
)
def test_a_gadget_is_refused_and_nothing_is_executed(
    file: Path, tmp_path: Path, protocol: int, wrap: Callable[[Any], Any]
) -> None:
    mark = tmp_path / "executed"
    for evil in (
        Reduced(os.system, f"touch {mark}"),
        Reduced(builtins.eval, f"open({str(mark)!r}, 'w')"),
        Reduced(builtins.exec, f"open({str(mark)!r}, 'w')"),
        Reduced(getattr, mark, "touch"),
        Reduced(Path.touch, mark),
    ):
        with pytest.raises(CorpusError, match=r"file.pkl: asks for .*nothing is executed"):
            _read(file, pickle.dumps(wrap(evil), protocol))
        assert not mark.exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [np.arange(3), np.float64(1), OrderedDict(a=1), Decimal("1"), Stateful(), Path("a"), os.system, int, 1j, range(3)],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_data_is_refused(file: Path, value: Any, protocol: int) -> None:
    with pytest.raises(CorpusError, match="only plain data"):
        _read(file, pickle.dumps({"a": value}, protocol))


@pytest.mark.parametrize(
    ("opcode", "content"),
    [
        ("GLOBAL", b"cos\nsystem\n(S'true'\ntR."),
        ("STACK_GLOBAL", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."),
        ("INST", b"(S'true'\nios\nsystem\n."),
        ("OBJ", b"(cos\nsystem\nS'true'\no."),
        ("NEWOBJ", b"\x80\x02cbuiltins\nobject\n)\x81."),
        ("STACK_GLOBAL", b"\x80\x04\x8c\x08builtins\x8c\x0dset.__class__\x93."),
        ("EXT1", b"\x80\x02\x82\x01."),
        ("PERSID", b"Pname\n."),
    ],
)
def test_every_opcode_that_reaches_for_code_is_refused(file: Path, opcode: str, content: bytes) -> None:
    assert opcode in {operation.name for operation, _, _ in pickletools.genops(content)}
    with pytest.raises(CorpusError, match=r"file\.pkl: "):
        _read(file, content)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_damaged_bytes_are_errors_of_the_corpus(file: Path, content: bytes) -> None:
    with contextlib.suppress(CorpusError):  # any other exception fails the test
        _read(file, content)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_byte_never_brings_out_anything_but_plain_data(file: Path, data: st.DataObject) -> None:
    content = bytearray(
        pickle.dumps([{"text": ["a", "b"], "answer_idx": 3, "seen": {1, 2}}], data.draw(st.sampled_from(PROTOCOLS)))
    )
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CorpusError):
        assert _is_plain(_read(file, bytes(content)))


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, [*value, *value.values()]))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str, bytes, bytearray)
