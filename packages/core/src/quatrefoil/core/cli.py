"""The command line: `quatrefoil train | evaluate | recipes | describe | data`, and the commands that packages bring."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from quatrefoil.core import installed
from quatrefoil.core.config import ConfigError, nearest, override
from quatrefoil.core.ending import ended_in_order

OVERRIDES = """\
overrides:
  key=value, dotted into the recipe; `quatrefoil describe RECIPE` prints every key with its value. Keys of every recipe:

    seed=1                     of weights, order, augmentation, masks and negatives
    run.dir=FOLDER             where the run is kept (default: runs/RECIPE/HASH-seedN)
    run.processes=2            an error if the run has another number of processes
    run.workers=2              loader processes of each rank
    train.steps=1000           optimisation steps
    train.batch_size=128       samples per step over all processes
    train.precision=bf16       or fp32
    train.optimizer.lr=1e-4    also .weight_decay, .multipliers='[["visual", 0.001]]', .clip_norm
    train.select=NAME          validation metric that chooses the checkpoint that is evaluated
    data.root=FOLDER           of a real corpus
    data.size=tiny             of the embedded one: tiny, default or large
    objectives.NAME=off        switches an objective off; objectives.NAME.weight=0.5 weighs it
    resume=auto                go on from the newest valid checkpoint in run.dir, or start

  A value is JSON where it can be, else text; `none` empties an optional key.
"""
DATA_OPTIONS = """\
options (an unknown one is answered with those that the action has):

  root=FOLDER   of a real corpus: where its files lie. Of an embedded benchmark: the folder in which benchmarks are kept
                (default: QUATREFOIL_CACHE, or ~/.cache/quatrefoil), or the benchmark's own, which holds manifest.json
  size=tiny     of an embedded benchmark: tiny, default or large
  seed=1        of an embedded benchmark: another seed is another benchmark
"""


Adder = Callable[..., argparse.ArgumentParser]
"""Adds a command of this name, what runs it and a line of help; gives the parser that takes its arguments."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit status: 0 done, 1 problems found, 2 the user's mistake (said in a line), 130 Ctrl-C.

    SIGTERM exits with 143, but with 0 where a run that trains has saved its state.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with ended_in_order():
            options = _parsed(given)
            status: int = options.run(options)
    except BrokenPipeError:  # the reader (`| head`) has had enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nothing is left to say at exit
        return 0
    except KeyboardInterrupt:
        if os.environ.get("QUATREFOIL_DEBUG"):
            raise
        print("\nquatrefoil: interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError, ModuleNotFoundError) as error:
        if os.environ.get("QUATREFOIL_DEBUG") or (
            isinstance(error, ModuleNotFoundError) and error.name != "accelerate"
        ):
            raise
        missing = '; pip install "quatrefoil-core[train]"' if isinstance(error, ModuleNotFoundError) else ""
        print(f"quatrefoil: {type(error).__name__}: {error}{missing}", file=sys.stderr)
        return 2
    return status


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    """The options; overrides may stand behind them, too, where argparse alone takes no more positional arguments."""
    top = parser(given)
    options, late = top.parse_known_args(given)
    if late and ("overrides" not in options or any(each.startswith("-") for each in late)):
        top.error(f"unrecognized arguments: {' '.join(late)}")
    if late:
        options.overrides = [*options.overrides, *late]
    return options


def parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The whole command line; of the commands that packages bring, only what `arguments` ask for is imported."""
    top = argparse.ArgumentParser(prog="quatrefoil", description="Views, objectives and recipes for multimodal models.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str, **more: Any) -> argparse.ArgumentParser:
        plain = argparse.RawDescriptionHelpFormatter
        listed = help.replace("%", "%%")
        sub = commands.add_parser(name, help=listed, description=help, formatter_class=plain, **more)
        sub.set_defaults(run=run)
        return sub

    for add in (_add_train, _add_describe, _add_evaluate, _add_recipes, _add_data):
        add(command)
    asked = arguments[0] if arguments else None
    _add_brought(command, built_in=commands.choices, asked=asked)
    if asked == "data" and {"-h", "--help"} & set(arguments):
        commands.choices["data"].epilog = f"{_data_actions()}\n{DATA_OPTIONS}"
    if asked is not None and not asked.startswith("-") and asked not in commands.choices:
        top.error(f"no command `{asked}`{nearest(asked, commands.choices)}; there are {', '.join(commands.choices)}")
    return top


def _add_train(command: Adder) -> None:
    _add_recipe(command("train", _train, "Train and evaluate a recipe.", epilog=OVERRIDES))


def _add_describe(command: Adder) -> None:
    what = "Print a recipe: its configuration, views, objectives, parameters."
    sub = command("describe", _describe, what, epilog=OVERRIDES)
    _add_recipe(sub)
    flops = "count the work of a step on a few samples; this opens the data"
    sub.add_argument("--flops", action="store_true", help=flops)


def _add_recipe(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("recipe", metavar="RECIPE", help="a name from `quatrefoil recipes`")
    _add_settings(sub, "overrides", "what to change in it; see below")


def _add_settings(sub: argparse.ArgumentParser, name: str, what: str) -> None:
    sub.add_argument(name, nargs="*", default=(), metavar="key=value", help=what)


def _add_evaluate(command: Adder) -> None:
    sub = command("evaluate", _evaluate, "Evaluate a finished run folder or a checkpoint again.")
    path = "a run folder, or one of its checkpoints/step-*"
    sub.add_argument("path", type=Path, metavar="RUN_OR_CHECKPOINT", help=path)
    _add_settings(sub, "overrides", "where things are now, e.g. data.root, or what is scored, e.g. evaluate.NAME=off")
    on = "on the data and by the evaluations of another recipe; overrides are then of that one"
    sub.add_argument("--on", metavar="RECIPE", help=on)
    split = "which split; may be repeated (default: all but `train`)"
    sub.add_argument("--split", action="append", default=[], help=split)
    sub.add_argument("--json", action="store_true", help="print JSON: all numbers, ranks too")


def _add_recipes(command: Adder) -> None:
    sub = command("recipes", _recipes, "List the installed recipes, one per line.")
    sub.add_argument("-v", "--verbose", action="store_true", help="with what each one is")


def _add_data(command: Adder) -> None:
    what = "Work with a data set: `data check NAME root=FOLDER`, `data make NAME`, `data gallery NAME`."
    sub = command("data", _data, what)
    sub.add_argument("action", metavar="ACTION", help="what to do; see below")
    sub.add_argument("name", metavar="NAME", help=f"the data set: {', '.join(installed.names(installed.DATASETS))}")
    _add_settings(sub, "options", "of the action, e.g. root=FOLDER")


def _add_brought(command: Adder, built_in: Container[str], asked: str | None) -> None:
    """Add the command that is asked for, or all of them where all are listed: in the help, or after a mistyped name."""
    brought = installed.names(installed.COMMANDS)
    if ours := [name for name in brought if name in built_in]:
        raise ConfigError(f"a package brings a command `{ours[0]}`, which is one of ours: rename or remove it")
    if asked not in built_in:
        for name in [asked] if asked in brought else brought:
            _add_one(command, name, asked)


def _add_one(command: Adder, name: str, asked: str | None) -> None:
    try:
        found = installed.load_command(name)
    except ConfigError as error:
        if name == asked:
            raise
        command(name, lambda _: 2, f"BROKEN: {error}")  # listed, never run
    else:
        found.add_arguments(command(name, found.run, found.help))


def _train(options: argparse.Namespace) -> int:
    installed.find(options.recipe)  # a wrong name is told before an extra that it would need
    from quatrefoil.core.training.run import train

    train(options.recipe, options.overrides)
    return 0


def _describe(options: argparse.Namespace) -> int:
    from quatrefoil.core.describe import describe

    print(describe(options.recipe, options.overrides, flops=options.flops))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from quatrefoil.core.evaluation.printed import whole_table
    from quatrefoil.core.runs.stored import evaluate

    if options.on is not None:
        return _evaluate_on(options)
    scores = evaluate(options.path, options.overrides, options.split)
    plain = {split: score.plain() for split, score in scores.items()}
    print(json.dumps(plain) if options.json else f"{_evaluated(options.path)}\n{whole_table(scores)}")
    return 0


def _evaluate_on(options: argparse.Namespace) -> int:
    from quatrefoil.core.evaluation.printed import whole_table
    from quatrefoil.core.evaluation.tasks import Scores, beside_known
    from quatrefoil.core.runs.elsewhere import evaluate_on

    facts = evaluate_on(options.path, options.on, options.overrides, options.split)
    scores = beside_known({split: Scores(**found) for split, found in facts["scores"].items()}, facts["data"])
    said = f"{_evaluated(options.path)}\nprotocol: {facts['data']['protocol']}\n{whole_table(scores)}"
    print(json.dumps(facts) if options.json else said)
    return 0


def _evaluated(path: Path) -> str:
    """Which weights a run folder or checkpoint (one that could be read) gave: their file, step, and why these."""
    from quatrefoil.core.runs import checkpoint
    from quatrefoil.core.runs.folder import RunFolder

    if checkpoint.is_checkpoint(path):
        return f"evaluated: checkpoint {path}, step {int(path.name.rpartition('-')[2]):,}"
    folder = RunFolder(path)
    facts = folder.facts()
    select = facts["config"]["train"]["select"]
    why = f"the best on validation by {select}" if select else "the last"
    weights = folder.model / "model.safetensors"
    return f"evaluated: {weights}, step {facts['evaluated_step']:,} of {facts['steps']:,} ({why})"


def _recipes(options: argparse.Namespace) -> int:
    for name in installed.names():
        summary = (installed.find(name).load().__doc__ or "").split("\n")[0] if options.verbose else ""
        print(f"{name:32} {summary}".rstrip())
    return 0


def _data(options: argparse.Namespace) -> int:
    dataset = installed.find(options.name, installed.DATASETS).load()
    actions = _actions(dataset)
    if options.action not in actions:
        raise ConfigError(f"`{options.name}` has no action `{options.action}`; it offers: {', '.join(actions)}")
    action = getattr(dataset, options.action)
    settings_type = get_type_hints(action)["options"]
    status: int = action(override(settings_type(), options.options))
    return status


def _data_actions() -> str:
    """Each action, and the data sets that offer it."""
    offered: dict[str, list[str]] = {}
    known = installed.names(installed.DATASETS)
    for name in known:
        for action in _actions(installed.find(name, installed.DATASETS).load()):
            offered.setdefault(action, []).append(name)
    lines = [
        f"  {action:13} {'all' if names == known else ', '.join(names)}" for action, names in sorted(offered.items())
    ]
    return "\n".join(["actions, and what offers them:\n", *lines, ""])


def _actions(dataset: object) -> list[str]:
    return [name for name in dir(dataset) if not name.startswith("_")]
