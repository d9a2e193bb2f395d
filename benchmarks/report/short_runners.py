"""What runners of their own measured, in short: the page's sections with means over seeds instead of runs."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from statistics import fmean
from typing import Final

from benchmarks.real_sequences.runs import ARMS, CNN, ENCODER, ENCODER_TWIN, LOGISTIC, MOTIF, PLACED, PRETRAINED, TWIN
from benchmarks.real_sequences.sets import LONGER, WHOLE
from benchmarks.report.boards import short_direction
from benchmarks.report.runner_files import DIGITS, RISKS, SEQUENCES, Facts
from benchmarks.report.runners import (
    Tellers,
    digit_directions,
    digits_section,
    risk_bounds,
    risks_section,
    sequences_section,
)
from benchmarks.report.sections import Section
from benchmarks.report.tables import count_cell
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text

_BRIEF: Final = {
    TWIN: "twin",
    ENCODER: "encoder",
    ENCODER_TWIN: "its twin",
    CNN: "CNN",
    PLACED: "placed",
    MOTIF: "motif",
    LOGISTIC: "k-mers",
}
"""Heads of arms that have room for them all."""
_SHOWN: Final = [name for name, arm in ARMS.items() if arm.start != LONGER]


def short_sequences(told: Facts) -> Section:
    """Sets by arms, and the difference that pre-training alone makes."""
    less = {each["set"]: each for each in told["differences"] if (each["of"], each["less"]) == (PRETRAINED, TWIN)}
    runs = sorted((run for run in told["runs"] if run["set"] in WHOLE), key=lambda run: run["set"])
    by_set = groupby(runs, lambda run: run["set"])
    rows = [_sequence_cells(name, list(part), less.get(name, {})) for name, part in by_set]
    columns = ["set", "n", *(_BRIEF.get(arm, arm) for arm in _SHOWN), "gain", "interval"]
    remarks = [
        "encoder, its twin: no motif filters, fewer steps; "
        + ", ".join(f"{_BRIEF[arm]}: {arm}" for arm in (CNN, PLACED, MOTIF)),
        "the mean over n seeds, as its arms have; every run took its checkpoint by the set's validation",
        f"gain: {PRETRAINED} minus {TWIN}, one model from pre-training on sequences and from random weights; its "
        "95 % interval, over test sequences, says nothing of the seed. Other differences, sets with few labels, ten "
        "times the pre-training: on the page",
    ]
    table = Table("sets and arms", columns, list(map(TableRow, rows)))
    return replace(sequences_section(told), tables=[table], remarks=remarks, commands=())


def _sequence_cells(name: str, runs: Sequence[Facts], less: Facts) -> list[Cell]:
    scores = [[run["test"] for run in runs if run["arm"] == arm] for arm in _SHOWN]
    return [
        Cell(name),
        count_cell([len(each) for each in scores if each]),
        *map(_mean, scores),
        Cell.of(less.get("difference"), "+.1f"),
        Cell(interval_text(less.get("interval"), "+.1f")),
    ]


def _mean(values: Sequence[float]) -> Cell:
    return Cell.of(fmean(values) if values else None, ".1f")


def short_digits(told: Facts) -> Section:
    """Methods, over the speakers who are tested."""
    directions = digit_directions(told)
    runs = sorted(told["rows"], key=lambda row: row["method"])
    chance = [Cell.of(told["chance"], ".1f")] * len(directions)
    computed = TableRow([Cell("chance"), Cell(NOTHING), Cell(NOTHING), *chance], "computed")
    rows = [_method_cells(name, list(part), directions) for name, part in groupby(runs, lambda row: row["method"])]
    columns = ["method", "speakers", "n", *map(short_direction, directions)]
    table = Table("R@1 of the test", columns, [computed, *(TableRow(row) for row in rows)])
    remarks = [
        "from the least to the greatest over the speakers, each the mean over n seeds (some methods draw none)",
        ", ".join(f"{short_direction(direction)}: {direction}" for direction in directions),
    ]
    return replace(digits_section(told), tables=[table], remarks=remarks)


def _method_cells(method: str, runs: Sequence[Facts], directions: Sequence[str]) -> list[Cell]:
    by_speaker: dict[str, list[Facts]] = {}
    for run in runs:
        by_speaker.setdefault(run["protocol"], []).append(run)
    seeds = [sum("seed" in run for run in each) for each in by_speaker.values()]
    return [
        Cell(method),
        Cell.of(len(by_speaker)),
        count_cell(seeds if any(seeds) else []),
        *(_over([fmean(run["test"][d] for run in each) for each in by_speaker.values()]) for d in directions),
    ]


def _over(values: Sequence[float]) -> Cell:
    """Speakers are protocols of their own: nothing is averaged over them."""
    return Cell(f"{min(values):.1f} to {max(values):.1f}", max(values))


_BOUNDS: Final = ("true_burden", "burden_and_covariates", "genotypes")
"""The others are on the page."""


def short_risks(told: Facts) -> Section:
    """Arms, over seeds."""
    arms = [(name, list(part)) for name, part in groupby(told["rows"], lambda row: row["model"])]
    shown = list(told["rows"][0]["ROC_AUC"])
    measured = [
        TableRow(
            [
                Cell(name),
                Cell.of(len(part)),
                *(_mean([r["ROC_AUC"][of] for r in part]) for of in shown),
                _mean([r["breaking"] for r in part]),
            ],
        )
        for name, part in arms
    ]
    columns = ["model", "n", *shown, "breaking variants"]
    table = Table("arms", columns, [*measured, *risk_bounds(told, columns, _BOUNDS)])
    counts = {len(part) for _, part in arms}
    remarks = [
        f"the mean over n seeds{', which are others where n differs' if len(counts) > 1 else ''}; runs, intervals over "
        "people and what is gained over covariates: on the page"
    ]
    return replace(risks_section(told), tables=[table], remarks=remarks)


SHORT_RUNNERS: Tellers = {SEQUENCES: short_sequences, RISKS: short_risks, DIGITS: short_digits}
