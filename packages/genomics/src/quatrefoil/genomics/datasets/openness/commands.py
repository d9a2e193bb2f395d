"""`quatrefoil openness-tables`."""

import argparse
from pathlib import Path

from quatrefoil.genomics.extras import extras

_LONGEST = 5000


class TablesCommand:
    """Writes the tables that `genebert/openness` reads."""

    help = "Write tables of open and closed regions by cell types, from the peaks of a matrix, for genebert/openness."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--matrix", type=Path, required=True, help="a folder made by `quatrefoil matrix`")
        parser.add_argument("--validation", required=True, nargs="+", metavar="CHROMOSOME", help="these validate")
        parser.add_argument(
            "--test",
            nargs="+",
            metavar="CHROMOSOME",
            default=[],
            help="these test, in the cell types that the matrix holds out, or in all",
        )
        parser.add_argument(
            "--longest", type=int, default=_LONGEST, help="leave longer places out (default: %(default)s bases)"
        )
        parser.add_argument("--out", type=Path, required=True, help="folder of train.tsv, validation.tsv and test.tsv")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.genomics.datasets.openness.from_peaks import TableRule, write_tables
        from quatrefoil.genomics.regions.store import RegionMatrix

        rule, matrix = TableRule(args.validation, args.test, args.longest), RegionMatrix.open(args.matrix)
        for table in write_tables(matrix, rule, args.out):
            types = f"{len(table.cell_types)} cell types ({', '.join(table.cell_types)})"
            print(f"{table.path}: {table.places:,} places x {types}, {table.open:,} open, {table.closed:,} closed")
        if args.test and not matrix.held_out:
            print("the matrix holds no cell type out, so the test is of types that are trained on")
        if args.test and len(matrix.held_out) == 1:
            print("of one cell type alone no region varies: hold out another one, or set evaluate.openness-varying=off")
        return 0


tables = TablesCommand()
