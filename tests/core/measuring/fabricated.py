"""Run folders as training leaves them, with made-up numbers."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.rows import Cost, Curve, Reference, Row
from quatrefoil.core.measuring.seals import seal_of, seal_of_bounds
from quatrefoil.core.measuring.store import Results, lines, read

HASH = "0123456789abcdef"
REFERENCE = {"chance": 0.25, "frames": 45.0, "all": 90.0}


def facts(entry: Entry, seed: int, recall: float, data_hash: str = "d" * 64, config_hash: str = HASH) -> dict[str, Any]:
    """What metrics.json holds, with `recall` as R@1."""
    metrics = {"text-to-video/R@1": recall, "text-to-video/R@10": recall + 5, "text-to-video/MedianR": 3.0}
    scores = {"metrics": metrics, "intervals": {"text-to-video/R@1": [recall - 2, recall + 2]}, "ranks": {}}
    return {
        "recipe": entry.recipe,
        "overrides": list(entry.overrides),
        "config_hash": config_hash,
        "seed": seed,
        "data": {
            "name": "stage-v1-default",
            "protocol": "msrvtt-1kA",
            "embedded": entry.embedded,
            "fingerprint": data_hash,
            "splits": {"test": {"clips": 9, "captions": 9, "fingerprint": data_hash, "dropped": 0}},
            "reference": {"test": {"text-to-video/R@1": REFERENCE}},
        },
        "scores": {"test": scores},
        "steps": 300,
        "train_seconds": 90.0,
        "hardware": "2 CPU cores",
        "versions": {"python": "3.11", "commit": "abc"},
        "command": shlex.join(["quatrefoil", "train", entry.recipe, *entry.overrides, f"seed={seed}"]),
        "parameters": 1_500_000,
        "trained_parameters": 1_400_000,
        "peak_memory_bytes": 300_000_000,
    }


def run_folder(folder: Path, told: Mapping[str, Any]) -> Path:
    """A finished run that tells these facts and logged five steps."""
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(told))
    lines = [{"step": step, "loss": 4.0 / step, "gradient_norm": 1.0} for step in range(1, 6)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def results(
    folder: Path, entry: Entry, seed: int, recall: float, data_hash: str = "d" * 64, config_hash: str = HASH
) -> Results:
    """The records of such a run."""
    name = f"{entry.model}-{seed}-{data_hash[0]}"
    told = facts(entry, seed, recall, data_hash, config_hash)
    return collect(run_folder(folder / name, told), entry, config_hash, seed)


def resealed(found: Results) -> Results:
    """The same, its runs and what they computed sealed as though they had come so."""
    runs: dict[object, list[Row]] = {}
    for row in found.rows:
        runs.setdefault((row.model, *row.run), []).append(row)
    took, curves = {cost.run: cost for cost in found.costs}, list[Curve]()
    for each in found.curves:
        rows = runs.get(each.key, [])
        grounds = {row.ground for row in rows}
        bounds = sorted(f"{each.split} {each.metric}" for each in found.references if each.ground in grounds)
        curve = replace(each, bounds=bounds)
        curves.append(replace(curve, seal=seal_of(curve, rows, took.get(each.run))))
    references = [replace(each, seal=seal_of_bounds(each)) for each in found.references]
    return replace(found, curves=curves, references=references)


def reseal(folder: Path) -> None:
    """Seal what is stored in a folder as it is now, changed by hand or not."""
    kinds = {"rows": Row, "references": Reference, "curves": Curve, "costs": Cost}
    found = resealed(Results(**{name: read(folder / f"{name}.jsonl", kind) for name, kind in kinds.items()}))
    for name in ("references", "curves"):
        (folder / f"{name}.jsonl").write_text(lines(getattr(found, name)))
