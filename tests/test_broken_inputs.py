"""What is said of broken inputs, in every part: where, what, and how to mend it; `python -m tests.broken` shows all."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broken import core, genomics, video_text
from tests.broken.table import Broken

TABLE = [*core.TABLE, *video_text.TABLE, *genomics.TABLE]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_a_broken_input_is_named_with_what_is_wrong_and_how_to_mend_it(tmp_path: Path, broken: Broken) -> None:
    said = broken.message(tmp_path)
    assert broken.read is core.configuration or str(tmp_path) in said
    assert re.search(broken.said, said.replace(f"{tmp_path}/", ""))


@pytest.mark.parametrize("read", genomics.READERS)
def test_a_file_that_is_not_there_is_named(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match="nowhere"):
        read(tmp_path / "nowhere.fa")


def test_sixty_inputs_and_more_of_every_kind_are_tried() -> None:
    assert len(TABLE) >= 60
    assert min(len(part.TABLE) for part in (core, genomics, video_text)) >= 30
