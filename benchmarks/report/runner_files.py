"""What runners of their own leave beside the leaderboard's rows: read whole, with every field, or refused."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from benchmarks.report.damage import MEND, undamaged
from quatrefoil.core.installed import RECIPES, names
from quatrefoil.core.measuring.ranges import check_score
from quatrefoil.core.measuring.rows import ConfigHash, Count, DataHash, RowError, Said, Seconds

Score = Annotated[float, Field(ge=-100, le=100)]
Range = tuple[Score, Score]
Facts = Mapping[str, Any]
_ROUNDED: Final = 0.01


class _Strict(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)  # type: ignore[misc]  # pydantic reads it


class Trained(_Strict):
    """Of any run of `benchmarks.real_sequences`; the first rows say nothing of data and versions."""

    recipe: Said
    config_hash: ConfigHash
    evaluated_step: Count
    train_seconds: Seconds
    parameters: Count
    hardware: Said
    overrides: list[Said]
    versions: NotRequired[dict[str, Said]]


class Pretrained(Trained):
    name: Said
    data: DataHash
    pieces: dict[str, dict[str, Count]]
    left_out: dict[str, Count]


class SequenceRun(Trained):
    """Scores in percent, with 95 % intervals over test sequences; of three classes the area is of each against each."""

    set: Said
    arm: Said
    seed: Count
    data: NotRequired[DataHash]
    pretraining: str | None
    sequences: dict[str, Count]
    validation: Score
    test: Score
    test_interval: Range
    test_accuracy: Score
    test_accuracy_interval: Range
    test_ROC_AUC: NotRequired[Score]  # not of rows from before three classes had one
    test_ROC_AUC_interval: NotRequired[Range]
    test_calibration_error: NotRequired[tuple[Score, Score]]


class SequenceDifference(_Strict):
    """One arm less another, over the seeds that both have."""

    set: Said
    of: Said
    less: Said
    seeds: list[Count]
    difference: float
    interval: tuple[float, float]


class Sequences(_Strict):
    """real_sequences.json."""

    metric: Said
    pretraining: list[Pretrained]
    runs: list[SequenceRun]
    differences: list[SequenceDifference]


class DigitRow(_Strict):
    protocol: Said
    method: Said
    settings: str
    seed: NotRequired[Count]
    val: dict[str, Score]
    test: dict[str, Score]


class Digits(_Strict):
    """spoken_digits.json."""

    command: Said
    chance: Score
    rows: list[DigitRow]


class RegionRow(_Strict):
    """A matrix and the step on it."""

    material: Said
    regions: Said
    genome_bases: Count
    known_bases: Count
    rows: Count
    columns: dict[str, Count]
    hit_share: Annotated[float, Field(ge=0, le=1)]
    build_seconds: Seconds
    windows: dict[str, Count]
    parameters: Count
    step_seconds: Seconds
    peak_mib: Count
    loss: float
    command: Said


class Regions(_Strict):
    """real_regions.json."""

    command: Said
    versions: dict[str, Said]
    device: Said
    threads: Count
    cores: Count
    rows: Annotated[list[RegionRow], Field(min_length=1)]


class RiskRow(_Strict):
    """What a run says of the cohort, by what the risk was told from."""

    model: Said
    run: tuple[Said, ConfigHash, Said, Count]
    ROC_AUC: dict[str, Score]
    intervals: dict[str, Range]
    deals: tuple[Count, Count]
    gain: Score
    gain_interval: Range
    breaking: Score
    breaking_interval: Range


class Risks(_Strict):
    """disease_risk.json."""

    command: Said
    cell_type: Said
    covariates: list[Said]
    bounds: dict[str, Score]
    rows: Annotated[list[RiskRow], Field(min_length=1)]


SEQUENCES, DIGITS, REGIONS = "real_sequences.json", "spoken_digits.json", "real_regions.json"
RISKS: Final = "disease_risk.json"
_KINDS: Final[Mapping[str, TypeAdapter[Any]]] = {
    SEQUENCES: TypeAdapter(Sequences),
    DIGITS: TypeAdapter(Digits),
    REGIONS: TypeAdapter(Regions),
    RISKS: TypeAdapter(Risks),
}


def read_runner(path: Path) -> Facts:
    """What a runner's file holds.

    Raises:
        RowError: it is no JSON, or a field is missing, surplus or of another kind (all are named); a run stands twice,
            is of a recipe that is not installed, or has a score that cannot be or lies outside its own interval; or a
            difference is not that of the runs beside it.
    """
    with undamaged(path, MEND):
        told: Facts = _KINDS[path.name].validate_json(path.read_bytes())
    if path.name in _LINES:
        _check_lines(path, _LINES[path.name], told)
    for check in _CHECKS.get(path.name, ()):
        check(path, told)
    return told


@dataclass(frozen=True)
class _Line:
    """A run, or another record of which there is one.

    Attributes:
        key: what no other record of the file has.
        recipe: what it was trained by; None where nothing was.
        scores: metrics with their values, and what these lie within, where that is known.
    """

    key: tuple[Any, ...]
    recipe: str | None = None
    scores: Sequence[tuple[str, float, Range | None]] = ()


_SCORED: Final = {"test": "MCC", "test_accuracy": "accuracy", "test_ROC_AUC": "ROC-AUC"}
"""Field of a run on sequences -> its metric."""


def _sequence_lines(told: Facts) -> Iterator[_Line]:
    for each in told["pretraining"]:
        yield _Line(("pre-training", each["name"]), each["recipe"])
    for run in told["runs"]:
        tested = [(metric, run[name], run[f"{name}_interval"]) for name, metric in _SCORED.items() if name in run]
        yield _Line((run["set"], run["arm"], run["seed"]), run["recipe"], [("MCC", run["validation"], None), *tested])
    for each in told["differences"]:
        # A seed that is named twice would count twice.
        pair = (each["set"], each["of"], "less", each["less"])
        yield _Line(pair, scores=[("MCC", each["difference"], each["interval"])])
        yield from (_Line((*pair, "seed", seed)) for seed in each["seeds"])


def _digit_lines(told: Facts) -> Iterator[_Line]:
    for row in told["rows"]:
        seed = row.get("seed")
        # What draws a seed is a model, whose settings begin with its recipe.
        recipe = None if seed is None else row["settings"].partition(" ")[0]
        scores = [(metric, value, None) for split in ("val", "test") for metric, value in row[split].items()]
        yield _Line((row["protocol"], row["method"], seed), recipe, scores)


def _risk_lines(told: Facts) -> Iterator[_Line]:
    yield _Line(("bounds",), scores=[("ROC-AUC", value, None) for value in told["bounds"].values()])
    for row in told["rows"]:
        areas, within = row["ROC_AUC"], row["intervals"]
        if areas.keys() != within.keys():
            raise ValueError(
                f"{row['model']}, {row['run'][-1]}: intervals of {', '.join(within)}, not of {', '.join(areas)}"
            )
        scores = [("ROC-AUC", areas[name], within[name]) for name in areas]
        scores.append(("ROC-AUC", row["breaking"], row["breaking_interval"]))
        yield _Line((row["model"], row["run"][-1]), row["run"][0], scores)
        yield _Line(tuple(row["run"]))


_LINES: Final[Mapping[str, Callable[[Facts], Iterator[_Line]]]] = {
    SEQUENCES: _sequence_lines,
    DIGITS: _digit_lines,
    RISKS: _risk_lines,
}


def _check_lines(path: Path, lines: Callable[[Facts], Iterator[_Line]], told: Facts) -> None:
    """Raises RowError where one stands twice, is of no recipe, or has a score that cannot be."""
    seen, known = set[tuple[Any, ...]](), set(names(RECIPES))
    try:
        for line in lines(told):
            named = ", ".join(map(str, line.key))
            if line.key in seen:
                raise ValueError(f"{named} stands there twice")
            seen.add(line.key)
            if line.recipe is not None and line.recipe not in known:
                raise ValueError(f"{named} is of the recipe {line.recipe}, which is not installed")
            _check_scores(named, line)
    except ValueError as error:
        raise RowError(f"{path}: {error}; take it out, and run what makes it again") from error


def _check_scores(named: str, line: _Line) -> None:
    try:
        for score in line.scores:
            check_score(*score)
    except ValueError as error:
        raise ValueError(f"{named}: {error}") from error


def _check_data(path: Path, told: Facts) -> None:
    """Runs of one set are of the same sequences: their hash, where they have one, and how many there are."""
    first: dict[tuple[str, str], Facts] = {}
    for run in told["runs"]:
        for name in ("data", "sequences"):
            usual = first.setdefault((run["set"], name), run) if name in run else run
            if run.get(name) != usual.get(name):
                ours, theirs = (f"{each['arm']}, seed {each['seed']}" for each in (run, usual))
                said = f"{run['set']}: {ours} is of {name} {run[name]}, {theirs} of {usual[name]}"
                raise RowError(f"{path}: {said}; take it out, and run what makes it again")


def _check_differences(path: Path, told: Facts) -> None:
    scores = {(run["set"], run["arm"], run["seed"]): run["test"] for run in told["runs"]}
    for each in told["differences"]:
        pairs = [(each["set"], arm, seed) for seed in each["seeds"] for arm in (each["of"], each["less"])]
        if lacking := [pair for pair in pairs if pair not in scores]:
            raise RowError(
                f"{path}: a difference on {each['set']} of {lacking[0]}, which is no run there; run it again"
            )
        low, high = each["interval"]
        if not low <= each["difference"] <= high:
            said = f"{each['of']} less {each['less']}: {each['difference']:.2f} lies outside its own interval"
            raise RowError(f"{path}: {each['set']}, {said} {low:.2f} .. {high:.2f}; run them again")
        found = fmean(scores[ours] - scores[theirs] for ours, theirs in zip(pairs[::2], pairs[1::2], strict=True))
        if abs(found - each["difference"]) > _ROUNDED:
            raise RowError(
                f"{path}: {each['set']}, {each['of']} less {each['less']}: {each['difference']:.2f}, its runs have "
                f"{found:.2f}; run them again"
            )


def _check_covariates(path: Path, told: Facts) -> None:
    """What is told without any model is the same beside each."""
    found = [row["ROC_AUC"]["covariates"] for row in told["rows"] if "covariates" in row["ROC_AUC"]]
    if found and max(found) - min(found) > _ROUNDED:
        said = f"covariates, which no run changes, give {min(found)} and {max(found)}"
        raise RowError(f"{path}: {said}; remove the file and run what makes it again")


def _check_speakers(path: Path, told: Facts) -> None:
    """Every method and seed is there for each speaker, so that their means are of the same."""
    runs: dict[str, set[tuple[str, int | None]]] = {}
    for row in told["rows"]:
        runs.setdefault(row["protocol"], set()).add((row["method"], row.get("seed")))
    every = set().union(*runs.values())
    for protocol, found in runs.items():
        if lacking := sorted(map(str, every - found)):
            raise RowError(f"{path}: {protocol} lacks {lacking[0]}, another speaker has it; run it again")


_CHECKS: Final[Mapping[str, Sequence[Callable[[Path, Facts], None]]]] = {
    SEQUENCES: (_check_data, _check_differences),
    DIGITS: (_check_speakers,),
    RISKS: (_check_covariates,),
}
