"""Run folders as training leaves them, with made-up numbers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.entries import TABLE
from quatrefoil.core.ablation.effects import REFERENCE as NOT_VARIED
from quatrefoil.core.ablation.effects import Numbers, numbers
from quatrefoil.core.measuring.collect import collect
from quatrefoil.core.measuring.entries import Entry
from quatrefoil.core.measuring.store import Results, write
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text, table_text

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
        "command": f"quatrefoil train {entry.recipe} seed={seed}",
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
    parts, effects, rows, model = list[Results](), list[dict[str, Any]](), list[TableRow](), "@"
    usual: Mapping[int, float] = {}
    for number, (name, values) in enumerate(scores.items()):
        by_seed = dict(enumerate(values))
        factor, _, level = name.rpartition(": ")
        if not factor:
            usual, model = by_seed, chr(ord(model) + 1)  # A, B, ...
        made = [results(folder / "runs" / str(number), replace(TABLE, model=name), s, v) for s, v in by_seed.items()]
        parts += [_named(each, f"{number:016x}") for each in made]
        chosen = (factor, level) if factor else None
        found = numbers(chosen, {NOT_VARIED: usual, **({frozenset({chosen}): by_seed} if chosen else {})})
        effects.append(_effect(f"{number:016x}", metric, model, chosen, found))
        rows.append(TableRow("measured", [_cell(each) for each in _told(model, name, effects[-1])]))
    write(folder / "rows.jsonl", [row for part in parts for row in part.rows])
    write(folder / "curves.jsonl", [curve for part in parts for curve in part.curves])
    columns = ["model", "factor: level", "seeds", "score", "effect", "95 % interval", "in spreads"]
    table = Table("A question?", columns, rows, ["said"])
    (folder / "effects.md").write_text(f"Made by `a command`.\n\n- `TABLE: a recipe`\n\n{table_text(table)}")
    (folder / "effects.jsonl").write_text("".join(json.dumps(each) + "\n" for each in effects))
    (folder / "effects.svg").write_text("<svg>\n<style>text{font:9px}</style>\n<path/>\n</svg>\n")
    return table


def _told(model: str, name: str, effect: Mapping[str, Any]) -> list[str]:
    units, spread = effect["in_spreads"], effect["spread"]
    unit = f"1 is {spread:.2f}" if spread and not effect["factor"] else NOTHING
    return [
        *(model, name, str(len(effect["seeds"])), f"{effect['score']:.2f}"),
        NOTHING if effect["difference"] is None else f"{effect['difference']:+.2f}",
        interval_text(effect["interval"], ".2f"),
        unit if units is None else f"{units:+.1f}",
    ]


def _cell(text: str) -> Cell:
    number = text.removeprefix("+")
    return Cell(text, float(number)) if number.replace(".", "").replace("-", "").isdigit() else Cell(text)


def _named(found: Results, config_hash: str) -> Results:
    rows = [replace(row, config_hash=config_hash) for row in found.rows]
    return Results(rows, curves=[replace(curve, config_hash=config_hash) for curve in found.curves])


def _effect(
    config_hash: str, metric: str, model: str, chosen: tuple[str, str] | None, found: Numbers
) -> dict[str, Any]:
    arm = {"config_hash": config_hash, "recipe": TABLE.recipe, "overrides": [], "data_version": TABLE.data_version}
    factor, level = chosen or (None, "reference")
    units = None if found.difference is None or found.spread is None else found.difference / found.spread
    what = {"model": model, "domain": "Stage", "factor": factor, "level": level, "metric": metric, "split": "test"}
    return {**arm, **what, **found._asdict(), "in_spreads": units}
