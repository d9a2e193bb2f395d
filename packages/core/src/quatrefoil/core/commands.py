"""Core's own commands that are brought by entry points, as packages bring theirs. What they do is imported when they
run, so that `quatrefoil --help` is quick."""

import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import NoReturn

from quatrefoil.core.measuring.options import add_where


class AblateCommand:
    """`quatrefoil ablate STUDY`."""

    help = "Run an ablation study: what each level of each factor does, over seeds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", nargs="?", help="a name from `quatrefoil ablate --list`")
        parser.add_argument("overrides", nargs="*", default=(), metavar="key=value", help="set in all arms")
        parser.add_argument("--list", action="store_true", help="print the studies, or all levels of STUDY")
        parser.add_argument("--dry-run", action="store_true", help="print what would be run, and what it would take")
        parser.add_argument("--seeds", type=int, help="how many, from 0 on, in place of the study's own")
        parser.add_argument("--model", action="append", default=[], help="only this model; may be repeated")
        parser.add_argument("--factor", action="append", default=[], help="only this factor; may be repeated")
        parser.add_argument("--store", type=Path, help="folder of results (default: runs/ablate/STUDY)")
        parser.add_argument(
            "--known", type=Path, action="append", default=[], help="one more store to read; may be repeated"
        )
        add_where(parser)

    def run(self, args: Namespace) -> int:
        from quatrefoil.core.ablation.ablate import ablate

        return ablate(args)


def ablate_arguments(command: str) -> Namespace:
    """What a command line of `quatrefoil ablate` gives. Raises ValueError where it is none, or wrong."""
    program, separator, said = command.partition(" ablate ")
    if not separator:
        raise ValueError(f"{command!r} is no command of {program} ablate")
    parser = _Strict(add_help=False)
    AblateCommand().add_arguments(parser)
    return parser.parse_intermixed_args(shlex.split(said))


class _Strict(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


class ConsolidateCommand:
    """`quatrefoil consolidate RUN FOLDER`."""

    help = "Write the weights of a run's checkpoint, of any engine and number of processes, as one safetensors file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = "of a run folder: its newest valid one"
        parser.add_argument("path", type=Path, metavar="RUN_OR_CHECKPOINT", help=whose)
        parser.add_argument("to", type=Path, metavar="FOLDER", help="to make: model.safetensors and run.json")

    def run(self, args: Namespace) -> int:
        from quatrefoil.core.runs.consolidate import consolidate

        written = consolidate(args.path, args.to)
        whole = "a finished run's model/ is what from_pretrained reads, whole under every engine"
        print(f"{written}: weights alone; {whole}")
        return 0


ablate, consolidate = AblateCommand(), ConsolidateCommand()
