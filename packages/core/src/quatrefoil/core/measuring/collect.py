"""From a finished run folder to records."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quatrefoil.core.evaluation.printed import headline
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.rows import (
    UNSEALED,
    VALIDATION,
    Cost,
    Curve,
    Reference,
    Row,
    RowError,
    build,
)
from quatrefoil.core.measuring.run_names import NOT_WHAT
from quatrefoil.core.measuring.seals import seal_of, seal_of_bounds
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.runs.folder import METRICS

LOG = "log.jsonl"
MOST_POINTS = 60
_COST = "recipe", "config_hash", "seed", "steps", "parameters", "trained_parameters", "peak_memory_bytes", "hardware"


def collect(folder: Path, entry: Entry, config_hash: str, seed: int) -> Results:
    """The records of the run in `folder`, which was made for an entry and a seed.

    Raises:
        RowError: metrics.json is damaged, lacks a fact, holds a NaN, or tells of another run.
    """
    path = folder / METRICS
    try:
        facts = json.loads(path.read_text())
        if (facts["config_hash"], facts["seed"]) != (config_hash, seed):
            told = f"configuration {facts['config_hash']}, seed {facts['seed']}"
            raise RowError(f"{path} is of {told}, not of {config_hash}, seed {seed}; remove {folder}")
        if facts["data"].get("embedded", False) != entry.embedded:
            raise RowError(f"{path} says embedded={not entry.embedded}, the entry of {entry.model} the other; mend it")
        rows = [build(Row, values, str(path)) for values in _rows(facts, entry)]
        references = [build(Reference, values, str(path)) for values in _references(facts, entry)]
        references = [replace(each, seal=seal_of_bounds(each)) for each in references]
        cost, scored = _cost(facts, entry), {row.split for row in rows}
        bounds = sorted(f"{each.split} {each.metric}" for each in references if each.split in scored)
        curve = _curve(folder / LOG, facts, entry, bounds)
        curve = replace(curve, seal=seal_of(curve, rows, cost))
    except json.JSONDecodeError as error:
        raise RowError(f"{path}: {error}; remove {folder} and run again") from error
    except KeyError as error:
        raise RowError(f"{path} lacks {error}; remove {folder} and run again") from error
    return Results(rows, references, [curve], [cost] if cost else [])


def _ground(facts: Mapping[str, Any], entry: Entry, split: str) -> dict[str, Any]:
    data = facts["data"]
    return {
        "embedded": entry.embedded,
        "dataset": data["name"],
        "data_version": entry.data_version,
        "protocol": data["protocol"],
        "split": split,
        "data_hash": data["splits"][split]["fingerprint"],
    }


def _rows(facts: Mapping[str, Any], entry: Entry) -> Iterator[dict[str, Any]]:
    versions = dict(facts["versions"])
    run = {
        "model": entry.model,
        "overrides": [each for each in facts["overrides"] if not each.startswith(NOT_WHAT)],
        "commit": versions.pop("commit"),
        "versions": versions,
        "wall_seconds": facts["train_seconds"],
        "provenance": "measured",
    } | {name: facts[name] for name in ("recipe", "seed", "config_hash", "hardware", "steps", "parameters", "command")}
    for split, scores in facts["scores"].items():
        for metric, value in scores["metrics"].items():
            score = {"metric": metric, "value": value, "interval": scores["intervals"].get(metric)}
            yield {**_ground(facts, entry, split), **run, **score}


def _references(facts: Mapping[str, Any], entry: Entry) -> Iterator[dict[str, Any]]:
    """Real corpora have none."""
    for split, metrics in facts["data"].get("reference", {}).items():
        for metric, values in metrics.items():
            said = {"metric": metric, "values": values, "provenance": "computed", **UNSEALED}
            yield {**_ground(facts, entry, split), **said}


def _cost(facts: Mapping[str, Any], entry: Entry) -> Cost | None:
    """Runs made before peak memory was measured have none; of those before CPU time was, it is unknown."""
    if "peak_memory_bytes" not in facts:
        return None
    run = {name: facts[name] for name in _COST} | {"seconds": facts["train_seconds"]}
    run["cpu_seconds"] = facts.get("cpu_seconds")
    return build(Cost, {**run, "data_version": entry.data_version}, facts["command"])


def _curve(log: Path, facts: Mapping[str, Any], entry: Entry, bounds: Sequence[str]) -> Curve:
    run = {name: facts[name] for name in ("recipe", "config_hash", "seed")} | {"data": facts["data"]["fingerprint"]}
    named = {**run, "model": entry.model, "data_version": entry.data_version}
    return build(Curve, {**named, "points": read_curves(log), "bounds": bounds, **UNSEALED}, str(log))


def read_curves(log: Path) -> dict[str, list[tuple[int, float]]]:
    """Loss and validation scores by step, from the lines of a run's log, thinned to what a plot can show."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in log.read_text().splitlines():
        values = json.loads(line)
        for name in values:
            if name == "loss" or (name.startswith(VALIDATION) and headline(name)):
                curves.setdefault(name, []).append((values["step"], float(values[name])))
    return {name: thin(points) for name, points in curves.items()}


def thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `MOST_POINTS` of the points, evenly spread, the first and the last among them."""
    if len(points) <= MOST_POINTS:
        return points
    return [points[round(i * (len(points) - 1) / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]
