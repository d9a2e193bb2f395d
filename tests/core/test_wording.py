"""Words that go with numbers."""

import pytest

from quatrefoil.core.wording import counted


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("clip",), "0 clips"),
        (1, ("clip",), "1 clip"),
        (1200, ("clip",), "1,200 clips"),
        (1, ("clip has", "clips have"), "1 clip has"),
        (2, ("clip has", "clips have"), "2 clips have"),
    ],
)
def test_one_thing_is_named_in_the_singular_and_any_other_number_in_the_plural(
    count: int, words: tuple[str, ...], said: str
) -> None:
    assert counted(count, *words) == said
