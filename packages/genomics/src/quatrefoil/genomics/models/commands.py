"""`quatrefoil predict`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from quatrefoil.core.text_files import check_target

help = "Classify sequences by a finished run: a table with the probability of each class."


def add_arguments(parser: ArgumentParser) -> None:
    """A run, sequences, and where the table goes."""
    parser.add_argument("trained", metavar="RUN", type=Path, help="a run of a classifier, e.g. of genebert/classify")
    parser.add_argument(
        "--sequences",
        metavar="FILE",
        required=True,
        help="FASTA, one sequence a line, or any set that `classify` reads; labels are not looked at",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="probabilities as the model gives them, without the temperature that the run's validation asks for",
    )
    parser.add_argument("--out", type=Path, required=True, help="the table to write, by tabs")


def run(args: Namespace) -> int:
    """Write the table; say by which temperature."""
    from quatrefoil.genomics.models.predictions import write_predictions

    check_target("--out", args.out, map(Path, args.sequences.split("+")))
    print(write_predictions(args.trained, args.sequences, args.out, args.raw))
    return 0
