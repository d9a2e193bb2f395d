"""`quatrefoil overlap A B`: exit status 1 where two sets share loci or sequences."""

from argparse import ArgumentParser, Namespace

from quatrefoil.genomics.datasets.labelled.near_duplicates import LEAST_K, THRESHOLD

help = "Report what two sets of sequences share: loci, and sequences that are alike on either strand; status 1 if any."


def add_arguments(parser: ArgumentParser) -> None:
    """Two sets, and when sequences are alike."""
    for name in ("a", "b"):
        parser.add_argument(
            name,
            help="table with `sequence` or with `chrom`, `start` and `end`, FASTA, DeepBind, UCI, one sequence a line, "
            "BED; or two of sequences joined by `+`",
        )
    parser.add_argument(
        "--k",
        type=int,
        help=f"bases of a k-mer: fewer see copies that differ more (default: {LEAST_K}, more where sequences "
        "are longer than 5,200 bases, which hold many words by chance; a pre-training's data.exclude takes 16)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=THRESHOLD,
        help="share of the shorter sequence's k-mers that makes two sequences alike (default: %(default)s)",
    )
    parser.add_argument(
        "--limit", type=int, default=10, help="pairs of each kind that are named (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with all pairs")


def run(args: Namespace) -> int:
    """Print the report; 1 where anything is shared."""
    from quatrefoil.genomics.datasets.labelled.overlap import overlap

    if args.limit < 0:
        raise ValueError(f"--limit is {args.limit}; give 0 or more")
    found = overlap(args.a, args.b, k=args.k, threshold=args.threshold)
    print(found.json() if args.json else found.text(args.limit))
    return int(found.any)
