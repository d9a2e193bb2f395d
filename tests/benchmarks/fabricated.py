"""Studies as `quatrefoil ablate` leaves them, with made-up numbers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.entries import TABLE
from quatrefoil.core.ablation.effects import REFERENCE as NOT_VARIED
from quatrefoil.core.ablation.effects import Numbers, cost_of, numbers
from quatrefoil.core.ablation.report import OF_EVERY_STUDY, reference_settings, table_of
from quatrefoil.core.measuring.store import Results, lines
from quatrefoil.core.measuring.tables import Table, table_text
from tests.core.measuring.fabricated import reseal, results

METRIC = "text-to-video/R@1"


def study(folder: Path, scores: Mapping[str, Sequence[float]]) -> Table:
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
        effects.append(_effect(f"{number:016x}", model, chosen, found) | vars(cost))
    for name in ("rows", "curves", "costs"):
        stored = lines(each for part in parts for each in getattr(part, name))
        (folder / f"{name}.jsonl").write_text(stored, encoding="utf-8")
    reseal(folder)
    table = table_of("A question?", effects, [*OF_EVERY_STUDY, "said"])
    set_before = "".join(f"- `{said}`\n" for said in reference_settings(effects))
    text = f"Made by `quatrefoil ablate any`.\n\n{set_before}\n{table_text(table)}"
    (folder / "effects.md").write_text(text)
    (folder / "effects.jsonl").write_text("".join(json.dumps(each) + "\n" for each in effects))
    return table


def _effect(config_hash: str, model: str, chosen: tuple[str, str] | None, found: Numbers) -> dict[str, Any]:
    arm = {"config_hash": config_hash, "recipe": TABLE.recipe, "overrides": [], "data_version": TABLE.data_version}
    factor, level = chosen or (None, "reference")
    what = {"model": model, "domain": "Stage", "factor": factor, "level": level, "metric": METRIC, "split": "test"}
    return {**arm, **what, **vars(found), "in_spreads": found.in_spreads, "pairs": []}
