"""What is stored: measured rows, computed references, learning curves, costs and rows that papers print.

Fields have no defaults, so that a stored line without one of them is refused and never filled in.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from quatrefoil.core.measuring.entries import AS_FOUND
from quatrefoil.core.measuring.ranges import check_score, check_values
from quatrefoil.core.measuring.run_names import check_command
from quatrefoil.core.wording import counted

SCHEMA = 1
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_PATH = re.compile(
    r"""'(?P<quoted_key>[\w.]+)=(?P<quoted>/(?:[^']|'"'"')*)'|(?P<key>[\w.]*)=(?P<plain>/.*?)(?=\s'?[\w.]+=|$)"""
)


def portable(text: str) -> str:
    """Settings with a name in the place of each path of this machine: `data.root=/disk/msvd` is `data.root=$MSVD_ROOT`.

    A path lasts to the next setting or the end, so it may hold spaces; a shell's quotes about the setting fall with it.
    """
    return _PATH.sub(_named, text)


def _named(found: re.Match[str]) -> str:
    path = Path((found["quoted"] or found["plain"]).replace("'\"'\"'", "'"))
    return f"{found['quoted_key'] or found['key']}=${re.sub('[^A-Z0-9]', '_', path.name.upper())}_ROOT"


Said = Annotated[str, Field(min_length=1)]
"""Text that is there."""
ConfigHash = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
DataHash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Steps = Annotated[int, Field(ge=1)]
"""Of training: a recipe takes one at least (`TrainConfig`)."""
Schema = Annotated[int, Field(ge=SCHEMA, le=SCHEMA)]
"""No `Literal[1]`, which `true` would be."""
Seconds = Annotated[float, Field(ge=0)]
Run = tuple[str, str, str, int]
"""What tells runs apart: recipe, configuration hash, data version, seed."""
BRING_BACK = "bring the files back, where they are committed (git checkout)"
MEND_RUN = (
    "take all lines of its run (its config_hash and seed) out of rows, curves and costs.jsonl, and run it again, "
    f"or {BRING_BACK}"
)
MEND_LINE = f"correct this line, or {BRING_BACK}"
MEND_STORE = (
    f"{BRING_BACK}; else move rows, references, curves and costs.jsonl "
    "away and run again what they were of: runs whose folders are still there are stored anew without training"
)
UNSEALED = {"seal": "0" * 64}
"""Of what is being made."""
_SEALS = "bounds", "seal"
"""Fields that lines of older stores have not."""
VALIDATION = "val/"
"""Before the name of a metric in a curve."""
CPU_PARTS = "steps", "scores", "data", "rest"
"""What CPU time goes into (`training/spending.py`)."""


def _whole(seconds: dict[str, float]) -> dict[str, float]:
    if seconds.keys() != set(CPU_PARTS):
        raise ValueError(f"its parts are {', '.join(seconds) or 'none'}, not {', '.join(CPU_PARTS)}")
    return seconds


class OfARun:
    """What is stored of one run. Its fields stand in each kind of record, where their place is."""

    recipe: str
    config_hash: str
    data_version: str
    seed: int

    @property
    def run(self) -> Run:
        return self.recipe, self.config_hash, self.data_version, self.seed

    @property
    def trained(self) -> tuple[str, str]:
        """What is trained on what, by whatever recipe and from any seed."""
        return self.config_hash, self.data_version


class RowError(ValueError):
    """A record that may not enter a table: where it stands and what is wrong with it."""


class Record(Protocol):
    """One stored line; a new record replaces the one of the same key."""

    @property
    def key(self) -> tuple[str | int, ...]: ...


Item = TypeVar("Item", bound=Record)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The data that a number is about; numbers on different grounds never share a table.

    Attributes:
        embedded: made by this project; False is a real corpus.
        dataset: of embedded data NAME-VERSION-SIZE.
        data_version: of embedded data; "as found" for a real corpus.
        data_hash: fingerprint of the samples of the split, and of what stands beside them.
    """

    embedded: bool
    dataset: Said
    data_version: Said
    protocol: Said
    split: Said
    data_hash: DataHash

    @model_validator(mode="after")
    def _made_or_found(self) -> Self:
        if self.embedded == (self.data_version == AS_FOUND):
            said = f"embedded is {str(self.embedded).lower()} and data_version `{self.data_version}`"
            raise ValueError(f"{said}; data are `{AS_FOUND}` exactly where they are not embedded")
        if self.embedded and self.data_version not in self.dataset.split("-"):
            raise ValueError(f"data_version is `{self.data_version}`, and the dataset `{self.dataset}` is not of it")
        return self

    @property
    def ground(self) -> "Ground":
        return Ground(**{f.name: getattr(self, f.name) for f in fields(Ground)})

    @property
    def place(self) -> tuple[str | int, ...]:
        """What it sorts by: real corpora first."""
        return self.embedded, self.dataset, self.data_version, self.protocol, self.split, self.data_hash


@dataclass(frozen=True, kw_only=True)
class Row(Ground, OfARun):
    """One metric of one run on one split.

    Attributes:
        model: the name in the tables.
        overrides: dotted settings on top of the recipe, without the seed and the run folder; portable, as the command.
        metric: e.g. `a-to-b/R@1`; in percent, but ranks (`ranges`).
        interval: 95 % bootstrap interval over the queries; None where the metric has none.
        config_hash: of everything that decides what is learned, but the seed.
        wall_seconds: of training.
        parameters: trained or not.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema: Schema
    model: Said
    recipe: Said
    overrides: tuple[Annotated[str, AfterValidator(portable)], ...]
    metric: Said
    value: float
    interval: tuple[float, float] | None
    seed: Count
    config_hash: ConfigHash
    commit: Said
    versions: Annotated[dict[str, str], Field(min_length=1)]
    hardware: Said
    wall_seconds: Seconds
    steps: Steps
    parameters: Count
    command: Annotated[Said, AfterValidator(portable)]
    provenance: Literal["measured"]

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        check_score(self.metric, self.value, self.interval)
        check_command(self.command, self.recipe, self.overrides, self.config_hash, self.data_version, self.seed)
        return self

    @property
    def key(self) -> tuple[str | int, ...]:
        return *self.place, self.model, self.seed, self.metric


@dataclass(frozen=True, kw_only=True)
class Reference(Ground):
    """Scores that are computed and not trained, on one metric: chance, and the best that a set of modalities allows.

    Attributes:
        seal: `seal_of_bounds` of the rest.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema: Schema
    metric: Said
    values: Annotated[dict[Said, float], Field(min_length=1)]
    provenance: Literal["computed"]
    seal: DataHash

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        check_values(self.metric, *self.values.values())
        return self

    @property
    def key(self) -> tuple[str | int, ...]:
        return *self.place, self.metric


@dataclass(frozen=True, kw_only=True)
class Curve(OfARun):
    """One run: numbers while it trained, name -> (step, value) points, and the fingerprint of all its data.

    Configuration and data together are what a run that starts from this one is known by.

    Attributes:
        bounds: `SPLIT METRIC` of each `Reference` that the run computed of what it is scored on.
        seal: `seal_of` the run's rows, cost, and the rest of this, so that a slip of a hand or of a merge does not go
            unnoticed. Who wants to deceive can make another.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema: Schema
    model: Said
    recipe: Said
    config_hash: ConfigHash
    data_version: Said
    seed: Count
    data: Said
    points: dict[Said, list[tuple[Count, float]]]
    bounds: list[Said]
    seal: DataHash

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        for name, points in self.points.items():
            if any(before > after for (before, _), (after, _) in pairwise(points)):
                raise ValueError(f"{name} goes back in steps")
            if name.startswith(VALIDATION):
                check_values(name.removeprefix(VALIDATION), *(value for _, value in points))
        return self

    @property
    def key(self) -> tuple[str | int, ...]:
        return self.model, *self.run


@dataclass(frozen=True, kw_only=True)
class Cost(OfARun):
    """What one run took.

    Attributes:
        seconds: of training, by the clock; it depends on what else the machine did.
        parameters, trained_parameters: in all, and those that an objective reaches.
        peak_memory_bytes: of the process that trained and evaluated, on the GPU if it had one; loaders are not in it.
        cpu_seconds: of all its processes, by what they went into (`Spending`); None of runs made before it was counted.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema: Schema
    recipe: Said
    config_hash: ConfigHash
    data_version: Said
    seed: Count
    steps: Steps
    seconds: Seconds
    parameters: Count
    trained_parameters: Count
    peak_memory_bytes: Count
    hardware: Said
    cpu_seconds: Annotated[dict[str, Seconds], AfterValidator(_whole)] | None

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.trained_parameters > self.parameters:
            raise ValueError(f"trained_parameters are {self.trained_parameters} of {self.parameters} in all")
        return self

    @property
    def key(self) -> tuple[str | int, ...]:
        return self.run


@dataclass(frozen=True, kw_only=True)
class PaperRow:
    """What a paper prints for a model in one direction; `provenance` says who printed it and where it was read."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema: Schema
    model: Said
    dataset: Said
    protocol: Said
    direction: Said
    values: Annotated[dict[Said, float], Field(min_length=1)]
    provenance: Annotated[str, Field(pattern=r"^paper: .+")]

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        for metric, value in self.values.items():
            check_values(metric, value)
        recalls = sorted((int(name[2:]), value) for name, value in self.values.items() if re.fullmatch(r"R@\d+", name))
        for (less, found), (more, beside) in pairwise(recalls):
            if found > beside:
                raise ValueError(f"R@{less} is {found}, R@{more} is {beside} and cannot be less")
        return self

    @property
    def key(self) -> tuple[str | int, ...]:
        return self.dataset, self.protocol, self.direction, self.model


@cache
def _adapter(kind: type[Item]) -> TypeAdapter[Item]:
    return TypeAdapter(kind)


def parse(kind: type[Item], text: str, where: str) -> Item:
    """The record of one JSON text.

    Raises:
        RowError: no JSON, another schema version, or a field missing, unknown, twice, of another type, NaN or infinite.
    """
    try:
        item: Item = _adapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        older = f"if no line here has one, this store is older than that; {MEND_STORE}"
        usual = MEND_RUN if issubclass(kind, OfARun) else MEND_LINE
        mend = older if field in _SEALS and first["type"] == "missing" else usual
        raise RowError(
            f"{where}: not a {kind.__name__} of schema {SCHEMA}: {field}: {first['msg']} "
            f"({counted(error.error_count(), 'problem')}); {mend}"
        ) from error
    _check_keys(text, where)
    return item


def _check_keys(text: str, where: str) -> None:
    """Of a key that stands twice, readers of JSON take one value in silence, and not all of them the same one."""

    def each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
            raise RowError(f"{where}: {twice} stands there twice; {MEND_LINE}")
        return found

    json.loads(text, object_pairs_hook=each_once)


def build(kind: type[Item], values: Mapping[str, Any], where: str) -> Item:
    """The record of field values, under the same checks as a stored line."""
    return parse(kind, json.dumps({"schema": SCHEMA, **values}), where)


def to_line(item: Any) -> str:
    """The record as one line of JSON, fields in a fixed order."""
    return json.dumps({"schema": SCHEMA, **asdict(item)}, ensure_ascii=False, allow_nan=False) + "\n"
