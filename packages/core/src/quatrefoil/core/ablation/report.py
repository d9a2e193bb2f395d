"""What a study found, as one table, as JSON lines and as Markdown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from quatrefoil.core.ablation.arms import Arm
from quatrefoil.core.ablation.compute import equal_compute
from quatrefoil.core.ablation.effects import Effect
from quatrefoil.core.ablation.study import Study
from quatrefoil.core.measuring.rows import portable
from quatrefoil.core.measuring.store import Results
from quatrefoil.core.measuring.tables import NOTHING, Cell, Table, TableRow, interval_text, table_text

COLUMNS = (
    "model, data and metric",
    "factor: level",
    "seeds",
    "score",
    "effect",
    "95 % interval",
    "in spreads",
    "train s",
    "peak MB",
    "trained",
)


EffectRecord = Mapping[str, Any]
"""What `effect_record` tells of an effect, and a line of JSON holds."""
PAIRED = (
    "effects are paired by seed; intervals are Student's, of a reference that of its score, and are not corrected for "
    "their number"
)
SPREAD = (
    "a spread is the standard deviation of the reference over its seeds, itself uncertain from few of them; where the "
    "scores are all alike there is none"
)
TRAINED = "trained: parameters that an objective reaches; the others stay as they are"
OF_EVERY_STUDY = (PAIRED, SPREAD, TRAINED)
"""Remarks that stand below every table."""


def effect_table(study: Study, arms: Sequence[Arm], effects: Sequence[Effect]) -> Table:
    """All effects, subject by subject, each reference above what is compared with it."""
    return table_of(study.question, map(effect_record, effects), _remarks(study, arms, effects))


def table_of(question: str, effects: Iterable[EffectRecord], remarks: Sequence[str]) -> Table:
    """The table of effects as they are stored."""
    return Table(question, list(COLUMNS), [TableRow(effect_cells(each)) for each in effects], remarks)


def effect_cells(told: EffectRecord) -> list[Cell]:
    """The table's row of an effect."""
    memory = None if told["peak_memory_bytes"] is None else told["peak_memory_bytes"] / 1e6
    return [
        Cell(f"{told['model']} on {told['domain']}: {told['metric']}, {told['split']}"),
        Cell(f"{told['factor']}: {told['level']}" if told["factor"] else told["level"]),
        Cell.of(len(told["seeds"])),
        Cell.of(told["score"], ".2f"),
        Cell.of(told["difference"], "+.2f"),
        Cell(interval_text(told["interval"], ".2f")),
        _spreads(told),
        Cell.of(told["seconds"], ".0f"),
        Cell.of(memory, ".0f"),
        Cell.of(told["trained_parameters"], ",d"),
    ]


def _spreads(told: EffectRecord) -> Cell:
    """Of the reference, what one spread is in the metric's unit."""
    if told["factor"] is None:
        return Cell(NOTHING if told["spread"] is None else f"1 is {told['spread']:.2f}")
    return Cell.of(told["in_spreads"], "+.1f")


def _remarks(study: Study, arms: Sequence[Arm], effects: Sequence[Effect]) -> list[str]:
    machines = sorted({machine for effect in effects for machine in effect.cost.hardware})
    fewest = min(len(arm.entry.seeds) for arm in arms)
    one = (
        ["1 seed has no spread: effects have neither an interval nor a unit; run more (--seeds)"] if fewest < 2 else []
    )
    return [
        *one,
        PAIRED,
        SPREAD,
        f"seconds are of training, by the clock, on {' and on '.join(machines) or 'nothing yet'}, and depend on what "
        "else was done there; memory is that of the process",
        TRAINED,
        f"equal in all arms of a model: {study.equal}",
        *(f"compute: {said}" for said in equal_compute(arms)),
    ]


def markdown(study: Study, arms: Sequence[Arm], effects: Sequence[Effect], command: str) -> str:
    """The table, under the command that makes it and what is set in every arm."""
    settings = reference_settings(map(effect_record, effects))
    head = ["What was trained, before any level:", "", *(f"- `{said}`" for said in settings)]
    return "\n".join([f"Made by `{command}`.", "", *head, "", table_text(effect_table(study, arms, effects))])


def reference_settings(effects: Iterable[EffectRecord]) -> list[str]:
    """What stands above a table of each model: its recipe and what is set, before any level."""
    references = (told for told in effects if told["factor"] is None)
    return list(
        dict.fromkeys(
            f"{told['model']} on {told['domain']}: {told['recipe']} {' '.join(told['overrides'])}".strip()
            for told in references
        )
    )


def chance_text(effects: Iterable[EffectRecord], stored: Results) -> str:
    """What the scores of these effects are without any learning, each on its own ground; nothing where that was not
    computed."""
    known = {(each.ground, each.metric): each.values["chance"] for each in stored.references if "chance" in each.values}
    grounds = {(*row.trained, row.split): row.ground for row in stored.rows}
    asked = (
        (grounds.get((each["config_hash"], each["data_version"], each["split"])), each["metric"]) for each in effects
    )
    told = dict.fromkeys(f"{each[1]} {known[each]:.2f}" for each in asked if each in known)
    return f"By chance: {', '.join(told)}." if told else ""


def json_lines(effects: Sequence[Effect]) -> str:
    """One line for each effect, with everything that its table row says."""
    return "".join(json.dumps(effect_record(effect), allow_nan=False) + "\n" for effect in effects)


def effect_record(effect: Effect) -> dict[str, Any]:
    """Everything that is said of an effect."""
    arm = effect.arm
    return {
        "model": arm.subject.model,
        "domain": arm.subject.domain,
        "data_version": arm.subject.data_version,
        "recipe": arm.entry.recipe,
        "overrides": [portable(each) for each in arm.entry.overrides],
        "config_hash": arm.recipe.config_hash,
        "factor": effect.factor,
        "level": effect.level,
        "metric": effect.measure.metric,
        "split": effect.measure.split,
        "seeds": list(effect.seeds),
        "score": effect.score,
        "difference": effect.difference,
        "interval": effect.interval,
        "spread": effect.spread,
        "in_spreads": effect.in_spreads,
        "pairs": effect.pairs,
        **vars(effect.cost),
    }
