"""Ablation studies that are stored beside the leaderboard's rows, as `quatrefoil ablate` told them."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product, zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.report.damage import undamaged
from benchmarks.report.sections import Command, Link, Plot, Section, seeds_text
from quatrefoil.core import recipes
from quatrefoil.core.ablation.ablate import told_anew
from quatrefoil.core.ablation.effects import REFERENCE, Numbers, Scores, check_one_ground, cost_of, numbers
from quatrefoil.core.ablation.plot import effects_plot
from quatrefoil.core.ablation.report import OF_EVERY_STUDY, EffectRecord, chance_text, reference_settings, table_of
from quatrefoil.core.ablation.study import StudyError
from quatrefoil.core.commands import ablate_arguments
from quatrefoil.core.measuring.rows import Row, RowError
from quatrefoil.core.measuring.store import Results, Store
from quatrefoil.core.measuring.tables import Table, table_text

STUDIES, TOLD, EFFECTS = "ablations", "effects.md", "effects.jsonl"
_ROUNDING: Final = 1e-6
_FIELDS: Final = {
    *("model", "domain", "data_version", "recipe", "overrides", "config_hash", "factor", "level", "metric", "split"),
    *("seeds", "score", "difference", "interval", "spread", "in_spreads", "pairs"),
    *(_COSTS := ("seconds", "peak_memory_bytes", "trained_parameters", "hardware")),
}
_COMMAND: Final = "Made by `quatrefoil ablate "


class StoredStudy(NamedTuple):
    """A study as the page tells it, its effects in the order of the rows of its tables, and what its runs left."""

    section: Section
    effects: Sequence[EffectRecord]
    stored: Results


def read_studies(folder: Path) -> list[StoredStudy]:
    """The studies of a folder of studies, in order of their names; none where there is no folder.

    Raises:
        RowError: a study that is damaged, or whose table says something else than its rows.
    """
    return [_study(told.parent) for told in sorted(folder.glob(f"*/{TOLD}"))]


def _study(folder: Path) -> StoredStudy:
    with undamaged(f"{folder}: {TOLD} or {EFFECTS}", _tell_again(folder)):
        return _read(folder)


def _read(folder: Path) -> StoredStudy:
    text = (folder / TOLD).read_text(encoding="utf-8")
    above = text.partition("\n### ")[0].splitlines()
    made, set_before = above[0], [line.removeprefix("- ").strip("`") for line in above if line.startswith("- ")]
    stored, effects = Store(folder).read(), _effects(folder)
    _check_head(folder, made, set_before, effects)
    table = _table(folder, text, effects)
    _check(folder, effects, stored)
    if not _earlier(effects):
        _check_declared(folder, made, effects, stored)
    embedded = all(row.embedded for row in stored.rows)
    commands = list(_commands(effects, stored.rows, folder.name))
    chance = chance_text(effects, stored)
    section = Section(
        f"Ablations: {folder.name} ({'EMBEDDED benchmarks, not real corpora' if embedded else 'real corpora'})",
        embedded,
        [made, *_earlier(effects), *_untold(effects, stored.rows), *filter(None, [chance])],
        [_linked(table, effects, commands, folder.name)],
        [f"trained, before any level: `{said}`" for said in set_before],
        plots=[Plot("effects in units of the reference's spread over seeds", effects_plot(effects, style=""))],
        commands=commands,
        links=[Link("how to read it", "docs/ablations.md")],
    )
    return StoredStudy(section, effects, stored)


def _check_declared(folder: Path, made: str, effects: Sequence[EffectRecord], stored: Results) -> None:
    """Raise `RowError` where the command, by its study of today, tells something else of the rows."""
    command = made.removeprefix("Made by `").removesuffix("`.")
    try:
        texts = told_anew(ablate_arguments(command), command, stored)
    except ValueError as error:
        raise RowError(f"{folder / TOLD}: its command cannot be told again: {error}; {_tell_again(folder)}") from error
    today = [json.loads(line) for line in texts[EFFECTS].splitlines()]
    ours, theirs = ([_named(each) for each in part] for part in (effects, today))
    if untold := [name for name in theirs if name not in ours]:
        raise RowError(f"{folder / TOLD}: its study has {untold[0]} today, which is not told; its command trains it")
    if gone := [name for name in ours if name not in theirs]:
        raise RowError(f"{folder / TOLD}: its study has no {gone[0]} today; {_tell_again(folder)}")
    _check_text(folder / TOLD, texts[TOLD], "by its study and its rows")
    for number, (effect, again) in enumerate(zip(effects, today, strict=True), start=1):
        for field, value in again.items():
            if not _alike(effect.get(field), value):
                said = f"{field} is {effect.get(field)}, by its study and its rows {value}"
                raise RowError(f"{folder / EFFECTS}:{number}: {_named(effect)}: {said}; {_tell_again(folder)}")


def _named(effect: EffectRecord) -> str:
    return f"{effect['model']} on {effect['domain']}, {effect['level']}, {effect['metric']}, {effect['split']}"


def _check_text(path: Path, wanted: str, by: str) -> None:
    """Raise `RowError` for the first line that is another."""
    lines = zip_longest(path.read_text(encoding="utf-8").splitlines(), wanted.splitlines(), fillvalue="")
    if unlike := [(number, *pair) for number, pair in enumerate(lines, start=1) if pair[0] != pair[1]]:
        # A longer cell moves the head and the rule of a table too: better a line that says something else.
        number, told, other = min(unlike, key=lambda each: _letters(each[1]) == _letters(each[2]))
        raise RowError(f"{path}:{number}: {told!r}, {by} {other!r}; {_tell_again(path.parent)}")


def _linked(table: Table, effects: Sequence[EffectRecord], commands: Sequence[Command], study: str) -> Table:
    """Each level leads to what made it, where it was run."""
    rows, made = [], {command.anchor for command in commands}
    for row, effect in zip(table.rows, effects, strict=True):
        what, level, *others = row.cells
        link = anchor if (anchor := _anchor(study, effect)) in made else None
        rows.append(replace(row, cells=[what, replace(level, link=link), *others]))
    return replace(table, rows=rows)


def _anchor(study: str, effect: EffectRecord) -> str:
    return f"{study}-{effect['config_hash']}"


def _commands(effects: Sequence[EffectRecord], rows: Sequence[Row], study: str) -> Iterator[Command]:
    """How each arm was trained, by the command of its first run."""
    arms = {(effect["config_hash"], effect["data_version"]): effect for effect in reversed(effects)}
    for trained, effect in reversed(arms.items()):
        runs = {row.seed: row for row in rows if row.trained == trained}
        level = f"{effect['factor']}: {effect['level']}" if effect["factor"] else effect["level"]
        seeds, commits = sorted(runs), sorted({row.commit for row in runs.values()})
        head = f"{effect['model']} on {effect['domain']}, {level}, configuration {trained[0]}, {seeds_text(seeds)}"
        if runs:
            made = f"{head} at commit {', '.join(commits)}\n    {runs[seeds[0]].command}"
            yield Command(made, _anchor(study, effect))


def _effects(folder: Path) -> list[EffectRecord]:
    with undamaged(folder / EFFECTS, _tell_again(folder)):
        effects = [json.loads(line) for line in (folder / EFFECTS).read_text(encoding="utf-8").splitlines()]
    for number, effect in enumerate(effects, start=1):
        if lacking := sorted(_FIELDS - effect.keys()):
            raise RowError(f"{folder / EFFECTS}:{number}: lacks {', '.join(lacking)}; {_tell_again(folder)}")
    return effects


def _tell_again(folder: Path) -> str:
    return f"the command in the first line of {TOLD}, with --store {folder}, tells it again, of the rows that are there"


def _check_head(folder: Path, made: str, set_before: Sequence[str], effects: Sequence[EffectRecord]) -> None:
    """Raise `RowError` where the command, or what is set before any level, is not that of the effects."""
    if not made.startswith(_COMMAND):
        raise RowError(f"{folder / TOLD}: {made[:80]!r} names no command of quatrefoil ablate; {_tell_again(folder)}")
    if list(set_before) != (wanted := reference_settings(effects)):
        raise RowError(f"{folder / TOLD}: trained is {set_before}, {EFFECTS} has {wanted}; {_tell_again(folder)}")
    said = [part for part in shlex.split(made.removeprefix(_COMMAND).rstrip("`.")) if "=" in part]
    for effect, part in product(effects, said):
        if part not in effect["overrides"]:
            named = f"{effect['model']}, {effect['level']}"
            raise RowError(f"{folder / TOLD}: its command sets {part}, {named} is without it; {_tell_again(folder)}")


def _table(folder: Path, text: str, effects: Sequence[EffectRecord]) -> Table:
    """The table of the effects, under the question and over the remarks that the text has.

    Raises:
        RowError: the text has no table, another one, or lacks a remark of every study.
    """
    head, found, shown = text.partition("\n### ")
    if not found:
        raise RowError(f"{folder / TOLD} has no table; {_tell_again(folder)}")
    question, _, below = shown.partition("\n")
    remarks = [line.removeprefix("- ") for line in below.splitlines() if line.startswith("- ")]
    for remark in OF_EVERY_STUDY:
        if remark not in remarks:
            raise RowError(f"{folder / TOLD}: below {question!r} it does not say {remark!r}; {_tell_again(folder)}")
    table = table_of(question, effects, remarks)
    _check_text(folder / TOLD, f"{head}\n{table_text(table)}", f"by {EFFECTS}")
    return table


def _letters(line: str) -> str:
    return "".join(filter(str.isalnum, line))


def _check(folder: Path, effects: Sequence[EffectRecord], stored: Results) -> None:
    """Raise `RowError` where effects and rows do not say the same."""
    seeds = {seed for effect in effects for seed in effect["seeds"]}
    again = zip(effects, _recomputed(folder, effects, stored.rows), strict=True)
    for number, (effect, found) in enumerate(again, start=1):
        named = f"{folder / EFFECTS}:{number}: {effect['model']}, {effect['level']}, {effect['metric']}"
        for field, value in {
            **vars(found),
            "in_spreads": found.in_spreads,
            **_costs(effect, seeds, stored),
        }.items():
            if not _alike(effect[field], value):
                said = f"{field} is {_plain(effect[field])}, by its rows {_plain(value)}"
                raise RowError(f"{named}: {said}; {_tell_again(folder)}")


def _costs(effect: EffectRecord, seeds: set[int], stored: Results) -> dict[str, Any]:
    """What the runs of an effect's arm took, over the study's seeds."""

    trained = effect["config_hash"], effect["data_version"]
    own = stored.only(lambda each: each.trained == trained and each.seed in seeds)
    found = vars(cost_of(own.rows, own.costs))
    return {name: found[name] for name in _COSTS if name != "hardware"}


def _recomputed(folder: Path, effects: Sequence[EffectRecord], rows: Sequence[Row]) -> list[Numbers]:
    """Of each effect what the rows of its arm and of its reference say, over the seeds that the study names."""
    seeds = {seed for effect in effects for seed in effect["seeds"]}
    measured: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.seed in seeds:
            measured.setdefault((*row.trained, row.metric, row.split), []).append(row)
    _refuse_apart(folder, effects, measured)
    by_seed = {key: {row.seed: row.value for row in part} for key, part in measured.items()}
    references = {_compared(each): _scored(each, by_seed) for each in effects if each["factor"] is None}
    found = []
    for number, effect in enumerate(effects, start=1):
        if (reference := references.get(_compared(effect))) is None:
            said = f"{effect['model']}, {effect['level']}, {effect['metric']} has no reference"
            raise RowError(f"{folder / EFFECTS}:{number}: {said}; {_tell_again(folder)}")
        chosen = None if effect["factor"] is None else (effect["factor"], effect["level"])
        found.append(numbers(chosen, {REFERENCE: reference, **_compared_by(chosen, effect, by_seed)}))
    return found


def _refuse_apart(
    folder: Path, effects: Sequence[EffectRecord], measured: Mapping[tuple[str, ...], Sequence[Row]]
) -> None:
    """Raise `RowError` where what is compared was measured on other data, or by another protocol."""
    compared: dict[tuple[str, ...], list[Row]] = {}
    for number, effect in enumerate(effects, start=1):
        rows = compared.setdefault(_compared(effect), [])
        for config_hash in {effect["config_hash"], *chain.from_iterable(effect["pairs"])}:
            rows += measured.get(_measured({**effect, "config_hash": config_hash}), [])
        try:
            check_one_ground(rows, f"{effect['model']}, {effect['level']}, {effect['metric']}")
        except StudyError as error:
            raise RowError(f"{folder / EFFECTS}:{number}: {error}; {_tell_again(folder)}") from None


def _compared_by(
    chosen: tuple[str, str] | None, effect: EffectRecord, by_seed: Mapping[tuple[str, ...], Mapping[int, float]]
) -> Scores:
    """Scores of a level: alone, and in a grid beside each setting of the other factors, with it and without it."""
    if chosen is None:
        return {}
    at = frozenset({chosen})
    scores = {at: _scored(effect, by_seed)}
    others = [pair for pair in effect["pairs"] if pair[0] != effect["config_hash"]]
    for number, (there, without) in enumerate(others):
        beside = frozenset({("setting", str(number))})
        scores[at | beside] = _scored({**effect, "config_hash": there}, by_seed)
        scores[beside] = _scored({**effect, "config_hash": without}, by_seed)
    return scores


def _compared(effect: EffectRecord) -> tuple[str, ...]:
    """What an effect shares with its reference."""
    return tuple(effect[key] for key in ("model", "domain", "data_version", "metric", "split"))


def _scored(effect: EffectRecord, by_seed: Mapping[tuple[str, ...], Mapping[int, float]]) -> Mapping[int, float]:
    return by_seed.get(_measured(effect), {})


def _measured(effect: EffectRecord) -> tuple[str, ...]:
    """By which the rows of its arm in its metric are known."""
    return tuple(effect[key] for key in ("config_hash", "data_version", "metric", "split"))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _alike(told: Any, value: Any) -> bool:
    """But for rounding of numbers, in lists too."""
    if isinstance(told, list) and isinstance(value, list | tuple):
        return len(told) == len(value) and all(map(_alike, told, value))
    if isinstance(told, int | float) and isinstance(value, int | float):
        return abs(told - value) <= _ROUNDING
    return bool(told == value)


def _untold(effects: Sequence[EffectRecord], rows: Sequence[Row]) -> list[str]:
    """Arms that were run in this store and do not stand in its table, as where it was told of some models alone."""
    told = {(effect["config_hash"], effect["data_version"]) for effect in effects}
    others = {row.model for row in rows if row.trained not in told}
    return [f"Stored and not told: {'; '.join(sorted(others))}."] if others else []


def _earlier(effects: Sequence[EffectRecord]) -> list[str]:
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
