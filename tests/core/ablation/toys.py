"""A study of the toy, and rows of runs that never were."""

import hashlib
from collections.abc import Sequence
from typing import Any

from quatrefoil.core.ablation.arms import Arm
from quatrefoil.core.ablation.study import Factor, Level, Measure, Study, Subject
from quatrefoil.core.measuring.rows import Row, build

METRIC = "right_code-to-left_code/R@1"
WIDTH = Factor("width", "8", (Level("4", ("model.width=4",)), Level("16", ("model.width=16",))))
MATCHING = Factor("matching", "on", (Level("off", ("objectives.match=off",)),))
SUBJECT = Subject(
    model="Toy", domain="toys", recipe="toy", data_version="v1", measures=(Measure(METRIC),), factors=(WIDTH, MATCHING)
)


def study(**other: Any) -> Study:
    """Of both factors, one level at a time, unless something else is said."""
    return Study(**{"question": "What matters?", "subjects": (SUBJECT,), "equal": "everything", **other})


def hash_of(data: str) -> str:
    """What stands for data in a row."""
    return hashlib.sha256(data.encode()).hexdigest()


def facts(arm_hash: str, recipe: str, seed: int, value: float, data: str = "toy64") -> dict[str, Any]:
    """What metrics.json of a run says."""
    return {
        "recipe": recipe,
        "overrides": [],
        "config_hash": arm_hash,
        "seed": seed,
        "data": {
            "name": "toy-v1-tiny",
            "protocol": "toy",
            "embedded": True,
            "fingerprint": data,
            "splits": {"test": {"fingerprint": hash_of(data)}},
            "reference": {"test": {METRIC: {"chance": 2.5}}},
        },
        "scores": {"test": {"metrics": {METRIC: value}, "intervals": {}, "ranks": {}}},
        "steps": 12,
        "train_seconds": 6.0,
        "hardware": "2 CPU cores",
        "versions": {"python": "3.11", "commit": "abc"},
        "command": f"quatrefoil train {recipe} seed={seed}",
        "parameters": 100,
        "trained_parameters": 90,
        "peak_memory_bytes": 2_000_000,
    }


def rows(arm: Arm, scores: Sequence[float], seeds: Sequence[int] = (), data: str = "toy64", **other: Any) -> list[Row]:
    """A row of an arm for each score, of seeds 0, 1, ... unless others are given."""
    ground = {
        "embedded": True,
        "dataset": "toy-v1-tiny",
        "protocol": "toy",
        "split": "test",
        "data_hash": hash_of(data),
    }
    run = {"model": str(arm), "recipe": "toy", "overrides": [], "metric": METRIC, "interval": None, "commit": "abc"}
    made = {
        "versions": {"python": "3.11"},
        "hardware": "any",
        "wall_seconds": 6.0,
        "steps": 12,
        "parameters": 100,
    }
    config_hash, data_version = arm.trained
    known = {"config_hash": config_hash, "data_version": data_version, "provenance": "measured"}
    every = {**ground, **run, **made, **known, **other}
    numbers = zip(seeds or range(len(scores)), scores, strict=True)
    return [
        build(Row, {"command": f"quatrefoil train toy seed={seed}", **every, "seed": seed, "value": value}, "made up")
        for seed, value in numbers
    ]
