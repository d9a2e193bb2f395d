"""`quatrefoil pack`."""

import argparse
from pathlib import Path


class PackCommand:
    """Copies a FASTA file into a folder that all other commands take for a genome."""

    help = "Copy a FASTA file, also a plain gzip one, into a folder that is read by window: one byte a base, no index."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("fasta", type=Path, metavar="FASTA", help="plain, gzip or bgzip")
        parser.add_argument(
            "--out", type=Path, required=True, help="the folder to make; it is then given as the genome"
        )

    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.core.wording import counted
        from quatrefoil.genomics.sequence.fasta import Genome

        lengths = Genome.pack(args.fasta, args.out).lengths
        print(f"{counted(sum(lengths.values()), 'base')} of {counted(len(lengths), 'record')} in {args.out}")
        return 0


pack = PackCommand()
