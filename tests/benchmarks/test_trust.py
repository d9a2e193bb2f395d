"""The page of promises: what did not run, or failed, is not said to hold."""

import pytest

from benchmarks.trust import PROMISES, ROOT, SUITE, Outcome, counted, page


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ("...s\n3 passed, 1 skipped in 2.00s", {"passed": 3, "skipped": 1}),
        ("....                  [ 57%]\n..F                   [100%]", {"passed": 6, "failed": 1}),
        ("", {}),
    ],
)
def test_tests_are_counted_with_and_without_pytests_last_line(said: str, counts: dict[str, int]) -> None:
    assert counted(said) == counts


@pytest.mark.parametrize("counts", [{}, {"skipped": 3}, {"passed": 2, "failed": 1}, {"passed": 2, "error": 1}])
def test_what_failed_or_did_not_run_does_not_hold(counts: dict[str, int]) -> None:
    outcome = Outcome(counts, 1.0, "abc")
    assert not outcome.kept
    assert "DOES NOT HOLD" in page({PROMISES[0].text: outcome}, [], "")


def test_every_row_has_its_command_and_what_was_not_run_is_not_said_to_hold() -> None:
    text = page({PROMISES[0].text: Outcome({"passed": 1}, 2.0, "abc", ["table/stage: to the bit"])}, [], "")
    assert all(f"`{promise.command}`" in text for promise in (*PROMISES, SUITE))
    assert text.count("| holds (1 passed) | 2 | abc |") == 1
    assert text.count("| not run |") == len(PROMISES)
    assert "- table/stage: to the bit" in text


def test_measured_numbers_have_their_table() -> None:
    text = page({}, [{"pairs": 4, "value_differs": 1.25e-8}], "")
    assert "| 4 | 1.2e-08 |" in text


def test_every_promise_names_tests_that_are_there() -> None:
    for promise in PROMISES:
        paths = [ROOT / part for part in promise.tests if part.startswith("tests")]
        assert paths
        assert all(path.exists() for path in paths)
