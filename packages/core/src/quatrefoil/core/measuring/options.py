"""Options that say where runs are made; what makes them (`launch`) is imported when they are."""

from argparse import ArgumentParser
from typing import Literal, get_args

Where = Literal["local", "slurm"]
MOST_PROCESSES = 4
GPUS, CORES = 1, 4
_DEFAULT = f"one for each GPU; without one, for each of up to {MOST_PROCESSES} processor cores"


def add_where(parser: ArgumentParser) -> None:
    """The options `--processes`, `--on`, `--gpus` and `--cores`, which `launcher` takes."""
    parser.add_argument("--processes", type=int, help=f"runs at once (default: {_DEFAULT})")
    parser.add_argument("--on", choices=get_args(Where), default="local", help="where runs are made")
    parser.add_argument("--gpus", type=int, default=GPUS, help=f"that a cluster gives each run (default: {GPUS})")
    parser.add_argument("--cores", type=int, default=CORES, help=f"that a cluster gives each run (default: {CORES})")
