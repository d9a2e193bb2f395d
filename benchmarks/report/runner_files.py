"""What runners of their own leave beside the leaderboard's rows: read whole, with every field, or refused."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from benchmarks.real_sequences.runs import PRETRAINED
from quatrefoil.core.measuring.rows import ConfigHash, Count, DataHash, RowError, Said, Seconds

Score = Annotated[float, Field(ge=-100, le=100)]
Range = tuple[Score, Score]
Facts = Mapping[str, Any]
_STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False)
_ROUNDED: Final = 0.01


class Trained(TypedDict):
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
    __pydantic_config__ = _STRICT  # type: ignore[misc]  # pydantic reads it

    name: Said
    data: DataHash
    pieces: dict[str, dict[str, Count]]
    left_out: dict[str, Count]


class SequenceRun(Trained):
    """Scores in percent, with 95 % intervals over test sequences; of three classes there is no area."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

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
    test_ROC_AUC: NotRequired[Score]
    test_ROC_AUC_interval: NotRequired[Range]


class SequenceDifference(TypedDict):
    """Pre-trained less another arm, over the seeds that both have."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    set: Said
    less: Said
    seeds: list[Count]
    difference: float
    interval: tuple[float, float]


class Sequences(TypedDict):
    """real_sequences.json."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    metric: Said
    pretraining: list[Pretrained]
    runs: list[SequenceRun]
    differences: list[SequenceDifference]


class DigitRow(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]

    protocol: Said
    method: Said
    settings: str
    seed: NotRequired[Count]
    val: dict[str, Score]
    test: dict[str, Score]


class Digits(TypedDict):
    """spoken_digits.json."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    command: Said
    chance: Score
    rows: list[DigitRow]


class RegionRow(TypedDict):
    """A matrix and the step on it."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

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


class Regions(TypedDict):
    """real_regions.json."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    command: Said
    versions: dict[str, Said]
    device: Said
    threads: Count
    cores: Count
    rows: Annotated[list[RegionRow], Field(min_length=1)]


class RiskRow(TypedDict):
    """What a run says of the cohort, by what the risk was told from."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    model: Said
    run: tuple[Said, ConfigHash, Said, Count]
    ROC_AUC: dict[str, Score]
    intervals: dict[str, Range]
    gain: Score
    gain_interval: Range


class Risks(TypedDict):
    """disease_risk.json."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

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
        RowError: it is no JSON, or a field is missing, surplus or of another kind (all are named); or a difference is
            not that of the runs beside it.
    """
    try:
        told: Facts = _KINDS[path.name].validate_json(path.read_bytes())
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
        raise RowError(f"{path}: {wrong}; bring back an older one, or run what makes it again") from error
    if path.name == SEQUENCES:
        _check_differences(path, told)
    return told


def _check_differences(path: Path, told: Facts) -> None:
    scores = {(run["set"], run["arm"], run["seed"]): run["test"] for run in told["runs"]}
    for each in told["differences"]:
        pairs = [(each["set"], arm, seed) for seed in each["seeds"] for arm in (PRETRAINED, each["less"])]
        if lacking := [pair for pair in pairs if pair not in scores]:
            raise RowError(
                f"{path}: a difference on {each['set']} of {lacking[0]}, which is no run there; run it again"
            )
        found = fmean(scores[ours] - scores[theirs] for ours, theirs in zip(pairs[::2], pairs[1::2], strict=True))
        if abs(found - each["difference"]) > _ROUNDED:
            raise RowError(
                f"{path}: {each['set']}, {PRETRAINED} less {each['less']}: {each['difference']:.2f}, its runs have "
                f"{found:.2f}; run them again"
            )
