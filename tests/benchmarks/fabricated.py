"""Run folders as training leaves them, with made-up numbers."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.entries import TABLE
from quatrefoil.core.ablation.effects import REFERENCE as NOT_VARIED
from quatrefoil.core.ablation.effects import Numbers, cost_of, numbers
from quatrefoil.core.ablation.report import COLUMNS, OF_EVERY_STUDY, effect_cells, reference_settings
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.store import Results, write
from quatrefoil.core.measuring.tables import Table, TableRow, read_tables, table_text

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
            "name": "stage",
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


def run_folder(folder: Path, told: Mapping[str, Any], logged: int = 5) -> Path:
    """A finished run that tells these facts and logged so many steps."""
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(told))
    lines = [{"step": step, "loss": 4.0 / step, "gradient_norm": 1.0} for step in range(1, logged + 1)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def results(
    folder: Path, entry: Entry, seed: int, recall: float, data_hash: str = "d" * 64, config_hash: str = HASH
) -> Results:
    """The records of such a run."""
    name = f"{entry.model}-{seed}-{data_hash[0]}"
    told = facts(entry, seed, recall, data_hash, config_hash)
    return collect(run_folder(folder / name, told), entry, config_hash, seed)


def study(folder: Path, scores: Mapping[str, Sequence[float]], metric: str = "text-to-video/R@1") -> Table:
    """A study as it is stored: of each of its arms the scores by seed; its table.

    A level is `FACTOR: LEVEL`; every arm that is called otherwise is the reference of those that follow.
    """
    parts, effects, model = list[Results](), list[dict[str, Any]](), "@"
    usual: Mapping[int, float] = {}
    for number, (name, values) in enumerate(scores.items()):
        by_seed = dict(enumerate(values))
        factor, _, level = name.rpartition(": ")
        if not factor:
            usual, model = by_seed, chr(ord(model) + 1)  # A, B, ...
        entry, runs, named = replace(TABLE, model=name), folder / "runs" / str(number), f"{number:016x}"
        parts += (arm := [results(runs, entry, s, v, config_hash=named) for s, v in by_seed.items()])
        chosen = (factor, level) if factor else None
        found = numbers(chosen, {NOT_VARIED: usual, **({frozenset({chosen}): by_seed} if chosen else {})})
        cost = cost_of([row for part in arm for row in part.rows], [each for part in arm for each in part.costs])
        effects.append(_effect(f"{number:016x}", metric, model, chosen, found) | vars(cost))
    for name in ("rows", "curves", "costs"):
        write(folder / f"{name}.jsonl", [each for part in parts for each in getattr(part, name)])
    rows = [TableRow("measured", effect_cells(each)) for each in effects]
    table = Table("A question?", list(COLUMNS), rows, [*OF_EVERY_STUDY, "said"])
    set_before = "".join(f"- `{said}`\n" for said in reference_settings(effects))
    text = f"Made by `quatrefoil ablate any`.\n\n{set_before}\n{table_text(table)}"
    (folder / "effects.md").write_text(text)
    (folder / "effects.jsonl").write_text("".join(json.dumps(each) + "\n" for each in effects))
    return read_tables(text)[0]


def _effect(
    config_hash: str, metric: str, model: str, chosen: tuple[str, str] | None, found: Numbers
) -> dict[str, Any]:
    arm = {"config_hash": config_hash, "recipe": TABLE.recipe, "overrides": [], "data_version": TABLE.data_version}
    factor, level = chosen or (None, "reference")
    units = None if found.difference is None or found.spread is None else found.difference / found.spread
    what = {"model": model, "domain": "Stage", "factor": factor, "level": level, "metric": metric, "split": "test"}
    return {**arm, **what, **found._asdict(), "in_spreads": units}
