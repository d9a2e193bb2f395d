"""Ablation studies that are stored beside the leaderboard's rows, as `quatrefoil ablate` told them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.report.sections import Link, Plot, Section
from quatrefoil.core import recipes
from quatrefoil.core.ablation.effects import REFERENCE, Numbers, Scores, numbers
from quatrefoil.core.measuring.rows import Row, RowError
from quatrefoil.core.measuring.store import Store
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, interval_text, read_tables

STUDIES, TOLD, EFFECTS, DRAWN = "ablations", "effects.md", "effects.jsonl", "effects.svg"
_ROUNDING: Final = 1e-6
_FIELDS: Final = {
    *("model", "domain", "data_version", "recipe", "overrides", "config_hash", "factor", "level", "metric", "split"),
    *("seeds", "score", "difference", "interval", "spread", "in_spreads"),
}
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
        effects = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise RowError(f"{folder / EFFECTS}: {error}; {_tell_again(folder)}") from error
    for number, effect in enumerate(effects, start=1):
        if lacking := sorted(_FIELDS - effect.keys()):
            raise RowError(f"{folder / EFFECTS}:{number}: lacks {', '.join(lacking)}; {_tell_again(folder)}")
    return effects


def _tell_again(folder: Path) -> str:
    return f"the command in the first line of {TOLD}, with --store {folder}, tells it again, of the rows that are there"


def _check(folder: Path, tables: Sequence[Table], effects: Sequence[Effect], rows: Sequence[Row]) -> None:
    """Raise `RowError` where table, effects and rows do not say the same."""
    shown = [(table.columns, row.cells) for table in tables for row in table.rows]
    if len(shown) != len(effects):
        raise RowError(f"{folder / TOLD}: {len(shown)} lines, {EFFECTS} has {len(effects)}; {_tell_again(folder)}")
    for (columns, cells), effect in zip(shown, effects, strict=True):
        named = f"{folder / TOLD}: {cells[0].text}, {cells[1].text}"
        for column, text in _texts(effect).items():
            if (told := cells[columns.index(column)].text) != text:
                raise RowError(f"{named}: {column} {told}, {EFFECTS} has {text}; {_tell_again(folder)}")
    for number, (effect, found) in enumerate(zip(effects, _recomputed(folder, effects, rows), strict=True), start=1):
        named = f"{folder / EFFECTS}:{number}: {effect['model']}, {effect['level']}, {effect['metric']}"
        units = None if found.difference is None or found.spread is None else found.difference / found.spread
        for field, value in {**found._asdict(), "in_spreads": units}.items():
            if not _alike(effect[field], value):
                said = f"{field} is {_plain(effect[field])}, by its rows {_plain(value)}"
                raise RowError(f"{named}: {said}; {_tell_again(folder)}")


def _texts(effect: Effect) -> dict[str, str]:
    """What the table has to say, by column (`core/ablation/report.py` writes it)."""
    spread, of_reference = effect["spread"], effect["factor"] is None
    unit = NOTHING if spread is None else f"1 is {spread:.2f}"
    return {
        "seeds": str(len(effect["seeds"])),
        "score": Cell.of(effect["score"], ".2f").text,
        "effect": Cell.of(effect["difference"], "+.2f").text,
        "95 % interval": interval_text(effect["interval"], ".2f"),
        "in spreads": unit if of_reference else Cell.of(effect["in_spreads"], "+.1f").text,
    }


def _recomputed(folder: Path, effects: Sequence[Effect], rows: Sequence[Row]) -> list[Numbers]:
    """Of each effect what the rows of its arm and of its reference say, over the seeds that the study names."""
    seeds = {seed for effect in effects for seed in effect["seeds"]}
    by_seed: dict[tuple[str, ...], dict[int, float]] = {}
    for row in rows:
        if row.seed in seeds:
            of = row.config_hash, row.data_version, row.metric, row.split
            by_seed.setdefault(of, {})[row.seed] = row.value
    references = {_compared(each): _scored(each, by_seed) for each in effects if each["factor"] is None}
    found = []
    for number, effect in enumerate(effects, start=1):
        if (reference := references.get(_compared(effect))) is None:
            said = f"{effect['model']}, {effect['level']}, {effect['metric']} has no reference"
            raise RowError(f"{folder / EFFECTS}:{number}: {said}; {_tell_again(folder)}")
        chosen = None if effect["factor"] is None else (effect["factor"], effect["level"])
        found.append(numbers(chosen, {REFERENCE: reference, **_compared_by(chosen, effect, by_seed)}))
    return found


def _compared_by(
    chosen: tuple[str, str] | None, effect: Effect, by_seed: Mapping[tuple[str, ...], Mapping[int, float]]
) -> Scores:
    """Scores of a level: alone, and in a grid beside each setting of the other factors, with it and without it."""
    if chosen is None:
        return {}
    at = frozenset({chosen})
    scores = {at: _scored(effect, by_seed)}
    # Studies that were told before grids were checked name no pairs: each level alone, against the reference.
    others = [pair for pair in effect.get("pairs", []) if pair[0] != effect["config_hash"]]
    for number, (there, without) in enumerate(others):
        beside = frozenset({("setting", str(number))})
        scores[at | beside] = _scored({**effect, "config_hash": there}, by_seed)
        scores[beside] = _scored({**effect, "config_hash": without}, by_seed)
    return scores


def _compared(effect: Effect) -> tuple[str, ...]:
    """What an effect shares with its reference."""
    return tuple(effect[key] for key in ("model", "domain", "data_version", "metric", "split"))


def _scored(effect: Effect, by_seed: Mapping[tuple[str, ...], Mapping[int, float]]) -> Mapping[int, float]:
    return by_seed.get(tuple(effect[key] for key in ("config_hash", "data_version", "metric", "split")), {})


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _alike(told: Any, value: Any) -> bool:
    """But for rounding: numbers, lists of them, or nothing."""
    if isinstance(told, list) and isinstance(value, Sequence):
        return len(told) == len(value) and all(map(_alike, told, value))
    if told is None or value is None:
        return told is value
    return isinstance(told, int | float) and abs(told - value) <= _ROUNDING


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
