"""Rows of papers: read where their provenance says, and never without one."""

import json

import pytest

from benchmarks.leaderboard import PAPERS
from quatrefoil.core.measuring.rows import PaperRow, RowError, build, to_line
from quatrefoil.core.measuring.store import read


def test_paper_rows_are_printed_by_a_source_that_was_read_and_say_when_it_is_not_the_models_own() -> None:
    rows, sources = read(PAPERS, PaperRow), {"DREAM", "STAN", "VAST", "InstAP", "VLSA (arXiv"}
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        (source,) = [name for name in sources if f" {name}" in row.provenance]
        own = source.startswith("VLSA") and row.model.startswith("VLSA")
        assert ("read there" in row.provenance) != own


def test_a_paper_row_without_a_source_is_refused() -> None:
    row = json.loads(to_line(read(PAPERS, PaperRow)[0]))
    with pytest.raises(RowError, match="provenance"):
        build(PaperRow, {**row, "provenance": "measured"}, "here")


WRONG = {"values": {"R@1": 450.0}}, {"values": {"MedianR": 0.5}}, {"values": {}}, {"model": ""}, {"dataset": ""}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_paper_row_holds_values_that_the_metric_can_have_of_a_model_that_is_named(wrong: dict[str, object]) -> None:
    row = json.loads(to_line(read(PAPERS, PaperRow)[0]))
    build(PaperRow, row, "here")
    with pytest.raises(RowError, match="here: not a PaperRow"):
        build(PaperRow, {**row, **wrong}, "here")
