"""Words that go with numbers."""

from itertools import count

import pytest

from quatrefoil.core.wording import FEW, counted, first_few


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


@pytest.mark.parametrize("number", [0, 1, FEW])
def test_all_of_a_few_are_named_and_of_more_is_said_that_there_are(number: int) -> None:
    names = [f"c{place}" for place in range(number)]
    assert first_few(names) == ", ".join(names)
    more = [*names, *["more"] * (FEW - number)]
    assert first_few([*more, "one too many"]) == ", ".join([*more, "..."])


def test_no_more_are_asked_for_than_are_needed_to_tell() -> None:
    endless = count()
    assert first_few(endless).endswith(f"{FEW - 1}, ...")
    assert next(endless) == FEW + 1
