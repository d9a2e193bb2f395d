"""`quatrefoil ablate STUDY`: what a study has to run is said, run, stored, and told in one table.

A study that was cut short goes on: what is stored is skipped, what is finished is stored, what was begun is resumed.
"""

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quatrefoil.core import installed
from quatrefoil.core.ablation.arms import Arm, arms_of
from quatrefoil.core.ablation.effects import Effect, effects_of
from quatrefoil.core.ablation.installed import load_study, narrowed
from quatrefoil.core.ablation.plan import Planned, check_splits, plan_of, plan_text
from quatrefoil.core.ablation.plot import effects_plot
from quatrefoil.core.ablation.records import merged, of_arms
from quatrefoil.core.ablation.report import chance_text, effect_record, effect_table, json_lines, markdown
from quatrefoil.core.ablation.study import Study, StudyError
from quatrefoil.core.config import ConfigError
from quatrefoil.core.files import replace_text
from quatrefoil.core.measuring.launch import launcher
from quatrefoil.core.measuring.make import make, tell
from quatrefoil.core.measuring.rows import portable
from quatrefoil.core.measuring.store import Results, Store
from quatrefoil.core.measuring.tables import table_text


def ablate(args: Namespace) -> int:
    """Run the command; the exit status: 0 done, 1 a run failed (what the others found is told).

    Raises:
        Preempted: as `make`.
    """
    if args.study is None or args.list:
        return _list_studies(installed.names(installed.STUDIES) if args.study is None else [args.study])
    study, arms = _declared(args)
    place = Place(args.store or Path("runs/ablate") / args.study, args.known)
    known = place.results()
    planned = plan_of(arms, known)
    print(plan_text(planned, known.rows), flush=True)
    if args.dry_run:
        return 0
    check_splits([each.arm for each in planned if each.missing])
    failures = _made(planned, place, args)
    print(place.tell(study, arms, _command(args)))
    return tell(failures)


def told_anew(args: Namespace, command: str, results: Results) -> dict[str, str]:
    """What a command, whose arguments these are, would write of these results, by the name of the file.

    Raises:
        StudyError: its study, as it is declared today, cannot be told of them.
    """
    try:
        study, arms = _declared(args)
    except (ConfigError, ImportError) as error:
        raise StudyError(str(error)) from error
    return _texts(study, arms, effects_of(arms, results), command)


def _declared(args: Namespace) -> tuple[Study, list[Arm]]:
    study = _seeded(narrowed(load_study(args.study), args.model, args.factor), args.seeds)
    return study, arms_of(study, args.overrides)


def _texts(study: Study, arms: Sequence[Arm], effects: Sequence[Effect], command: str) -> dict[str, str]:
    return {
        "effects.md": markdown(study, arms, effects, command),
        "effects.jsonl": json_lines(effects),
        "effects.svg": effects_plot(list(map(effect_record, effects))),
    }


@dataclass(frozen=True)
class Place:
    """Where a study keeps its rows and what it found, and other stores that it reads."""

    folder: Path
    known: Sequence[Path]

    def results(self) -> Results:
        """Everything that is stored. Raises StudyError where a folder to read besides holds nothing."""
        known = [Store(folder).read() for folder in self.known]
        if empty := [folder for folder, results in zip(self.known, known, strict=True) if not results.rows]:
            raise StudyError(f"--known {empty[0]} holds no rows; name a folder with a rows.jsonl, or leave it out")
        return merged([Store(self.folder).read(), *known])

    def tell(self, study: Study, arms: Sequence[Arm], command: str) -> str:
        """Write what was found; the table and where all is. What other stores hold of its arms is kept here, too."""
        own = Store(self.folder)
        own.add(of_arms(arms, self.results()))
        stored = own.read()  # which holds all of the arms now
        effects = effects_of(arms, stored)
        texts = _texts(study, arms, effects, command)
        for name, text in texts.items():
            replace_text(self.folder / name, text)
        chance = chance_text(map(effect_record, effects), stored)
        table, names = table_text(effect_table(study, arms, effects)), ", ".join(texts)
        return f"\n{table}\n{chance}\nin {self.folder}: rows.jsonl, {names}"


def _made(planned: Sequence[Planned], place: Place, args: Namespace) -> list[Exception]:
    entries = [each.entry for each in planned if each.missing]
    with launcher(args.on, args.processes, gpus=args.gpus, cores=args.cores) as launch:
        return make(entries, Store(place.folder), launch)


def _seeded(study: Study, seeds: int | None) -> Study:
    if seeds is not None and seeds < 1:
        raise StudyError(f"--seeds {seeds}: a study takes one seed at least, and two for an interval")
    return study if seeds is None else replace(study, seeds=tuple(range(seeds)))


def _command(args: Namespace) -> str:
    """What tells the same on any machine: neither where runs are made and kept, nor its paths."""
    chosen = [f"--{name} {shlex.quote(value)}" for name in ("model", "factor") for value in getattr(args, name)]
    seeds = [] if args.seeds is None else [f"--seeds {args.seeds}"]
    return portable(" ".join(["quatrefoil ablate", args.study, *map(shlex.quote, args.overrides), *seeds, *chosen]))


def _list_studies(names: Sequence[str]) -> int:
    """Print what each can vary; 1 where one of several cannot be loaded, which hides none of the others."""
    broken = list[StudyError]()
    for name in names:
        try:
            print(f"{_listed(name, load_study(name))}\n")
        except StudyError as error:
            if len(names) == 1:
                raise
            broken.append(error)
    if not names:
        print("no package brings a study")
    for each in broken:
        print(f"error: {each}", file=sys.stderr)
    return bool(broken)


def _listed(name: str, study: Study) -> str:
    lines = [f"{name}: {study.question} ({study.design}, seeds {', '.join(map(str, study.seeds))})"]
    for subject in study.subjects:
        lines.append(f"  {subject}, {subject.recipe}: {'; '.join(map(str, subject.measures))}")
        for factor in subject.factors:
            levels = "; ".join([f"{factor.reference} (reference)", *(level.name for level in factor.levels)])
            lines.append(f"    {factor.name}: {levels}")
    return "\n".join(lines)
