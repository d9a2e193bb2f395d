"""Ablation studies that are stored beside the leaderboard's rows, as `quatrefoil ablate` told them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from benchmarks.report.sections import Link, Plot, Section
from quatrefoil.core import recipes
from quatrefoil.core.measuring.rows import Row, RowError
from quatrefoil.core.measuring.store import Store
from quatrefoil.core.measuring.tables import Table, read_tables

STUDIES, TOLD, EFFECTS, DRAWN = "ablations", "effects.md", "effects.jsonl", "effects.svg"
_SHOWN: Final[Mapping[str, str]] = {"score": "score", "effect": "difference"}
"""Column of the table -> field of `EFFECTS`."""
_ROUNDED: Final = 0.00501
Effect = Mapping[str, Any]


def study_sections(folder: Path) -> list[Section]:
    """A section for each study of a folder of studies, in order of their names; none where there is no folder.

    Raises:
        RowError: a study whose table says something else than its rows.
    """
    return [_section(study) for study in study_folders(folder)]


def study_folders(folder: Path) -> list[Path]:
    """The folders of the studies in a folder, in order of their names."""
    return [told.parent for told in sorted(folder.glob(f"*/{TOLD}"))]


def _section(folder: Path) -> Section:
    text = (folder / TOLD).read_text(encoding="utf-8")
    above = text.partition("\n### ")[0].splitlines()
    made, trained = above[0], [line.removeprefix("- ") for line in above if line.startswith("- ")]
    tables, rows, effects = read_tables(text), Store(folder).read().rows, _effects(folder)
    _check(folder, tables, effects, rows)
    embedded = all(row.embedded for row in rows)
    return Section(
        f"Ablations: {folder.name} ({'EMBEDDED benchmarks, not real corpora' if embedded else 'real corpora'})",
        embedded,
        [made, *_earlier(effects)],
        tables,
        [f"trained, before any level: {said}" for said in trained],
        plots=[Plot("effects in units of the reference's spread over seeds", _inner(folder / DRAWN))],
        links=[Link("how to read it", "docs/ablations.md")],
    )


def _effects(folder: Path) -> list[Effect]:
    try:
        lines = (folder / EFFECTS).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise RowError(f"{folder / EFFECTS}: {error}; {_tell_again(folder)}") from error


def _tell_again(folder: Path) -> str:
    return f"the command in the first line of {TOLD}, with --store {folder}, tells it again, of the rows that are there"


def _check(folder: Path, tables: Sequence[Table], effects: Sequence[Effect], rows: Sequence[Row]) -> None:
    """Raise `RowError` where table, effects and rows do not say the same."""
    shown = [(table.columns, row.cells) for table in tables for row in table.rows]
    if len(shown) != len(effects):
        raise RowError(f"{folder / TOLD}: {len(shown)} lines, {EFFECTS} has {len(effects)}; {_tell_again(folder)}")
    for (columns, cells), effect in zip(shown, effects, strict=True):
        named = f"{folder / TOLD}: {cells[0].text}, {cells[1].text}"
        for column, key in _SHOWN.items():
            told = cells[columns.index(column)].number
            if not _alike(told, effect[key]):
                raise RowError(f"{named}: {column} {told}, {EFFECTS} has {effect[key]}; {_tell_again(folder)}")
        if not _alike(effect["score"], stored := _score(effect, rows)):
            raise RowError(f"{named}: a score of {effect['score']}, its rows have {stored}; {_tell_again(folder)}")


def _score(effect: Effect, rows: Sequence[Row]) -> float | None:
    """The mean over the rows of an effect's arm."""
    arm = effect["config_hash"], effect["data_version"], effect["metric"], effect["split"]
    found = [row.value for row in rows if (row.config_hash, row.data_version, row.metric, row.split) == arm]
    return fmean(found) if found else None


def _alike(told: float | None, number: float | None) -> bool:
    """But for rounding to what a table shows."""
    return told is number if told is None or number is None else abs(told - number) < _ROUNDED


def _earlier(effects: Sequence[Effect]) -> list[str]:
    """A warning where recipes have changed since: what is told is of those that were then."""
    arms = {(each["config_hash"], each["recipe"], tuple(each["overrides"])) for each in effects}
    earlier = sum(not _stands(*arm) for arm in arms)
    said = f"Of {len(arms)} arms {earlier} are of recipes that have changed since: the same command would train others."
    return [said] if earlier else []


def _stands(config_hash: str, recipe: str, overrides: Sequence[str]) -> bool:
    try:
        return recipes.load(recipe, list(overrides)).config_hash == config_hash
    except (ValueError, ImportError, OSError):  # it is gone, or cannot be set so any more
        return False


def _inner(path: Path) -> str:
    """The picture without its style, which would be that of the whole page."""
    head, _, rest = path.read_text(encoding="utf-8").partition("<style>")
    return head + rest.partition("</style>")[2]
