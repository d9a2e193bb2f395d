"""`quatrefoil scan` and `quatrefoil matrix`."""

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quatrefoil.core.text_files import check_target
from quatrefoil.core.wording import counted
from quatrefoil.genomics.extras import extras

if TYPE_CHECKING:
    from quatrefoil.genomics.regions.matrix import MatrixPlan
    from quatrefoil.genomics.regions.peaks import Peaks
    from quatrefoil.genomics.regions.pvalues import Scoring
    from quatrefoil.genomics.regions.scan import Scanner
    from quatrefoil.genomics.regions.sources import HitSource
    from quatrefoil.genomics.sequence.fasta import Genome


_MOTIFS = "JASPAR, MEME or TRANSFAC file"
_P_VALUE = 1e-4


class ScanCommand:
    """Writes the motif hits of a genome, or of its peaks, as BED."""

    help = "Find motif hits in a genome, or in peaks: BED with motif, score in bits, strand and p-value."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--motifs", type=Path, required=True, help=_MOTIFS)
        _add_scan_arguments(parser)
        parser.add_argument("--peaks", type=Path, help="BED or narrowPeak: only hits that overlap these")
        parser.add_argument(
            "--device", default="cpu", help="cpu (the default: tables of words), or e.g. cuda (convolution)"
        )
        parser.add_argument("--out", type=Path, required=True, help="the BED file to write")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.genomics.regions.bed import write_hits
        from quatrefoil.genomics.regions.motifs import read_motifs
        from quatrefoil.genomics.regions.peaks import merged, read_peaks
        from quatrefoil.genomics.regions.scan import Scanner
        from quatrefoil.genomics.regions.sources import Scan
        from quatrefoil.genomics.sequence.fasta import Genome

        _check_device(args.device)
        if args.exclude and not args.peaks:
            raise ValueError("--exclude leaves peaks out; give --peaks, too")
        check_target("--out", args.out, (args.genome, args.motifs, args.peaks))
        genome = Genome.open(args.genome)
        scanner = Scanner(read_motifs(args.motifs), _scoring(args, genome))
        pieces = None
        if args.peaks:
            peaks = read_peaks(args.peaks, genome.lengths, args.exclude)
            _check_excluded(args.exclude, genome, [peaks])
            _tell(args.peaks.name, peaks)
            pieces = merged([peaks], genome.lengths)
        count = write_hits(Scan(genome, scanner, args.device), pieces, args.out)
        print(f"{count:,} hits of {len(scanner.motifs)} motifs in {args.out}")
        _tell_unreachable(scanner)
        return 0


class MatrixCommand:
    """Builds the (motif x region) matrix of cell types."""

    help = "Build the matrix of motifs x peaks for cell types; run again to go on with an interrupted build."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        hits = parser.add_mutually_exclusive_group(required=True)
        hits.add_argument("--motifs", type=Path, help=f"{_MOTIFS}, to scan with")
        hits.add_argument(
            "--hits",
            type=Path,
            help="hits made before (BED with six columns or more), in place of a scan; known motifs need a scan",
        )
        _add_scan_arguments(parser)
        parser.add_argument(
            "--peaks", required=True, nargs="+", metavar="NAME=FILE", help="a cell type and its BED or narrowPeak file"
        )
        parser.add_argument(
            "--training",
            required=True,
            nargs="+",
            metavar="CHROMOSOME",
            help="values are scaled by these, of the cell types that are not held out",
        )
        parser.add_argument(
            "--held-out",
            nargs="*",
            default=[],
            metavar="NAME",
            help="cell types that only test: values are not scaled by them",
        )
        parser.add_argument("--workers", type=int, default=0, help="processes (default: 0, this one alone)")
        parser.add_argument("--out", type=Path, required=True, help="the folder of the matrix")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.genomics.regions.matrix import build

        plan = _plan(args)
        for name, peaks in plan.peaks.items():
            _tell(name, peaks)
        matrix = build(plan, args.out, args.workers, progress=True)
        print(f"{len(matrix.motifs)} motifs x {sum(map(len, plan.peaks.values())):,} peaks in {args.out}")
        return 0


scan, matrix = ScanCommand(), MatrixCommand()


def _add_scan_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--genome", type=Path, required=True, help="FASTA (plain or bgzip), or a packed genome")
    parser.add_argument("--exclude", nargs="*", default=[], metavar="CHROMOSOME", help="leave peaks there out")
    parser.add_argument("--p-value", type=float, help="threshold of a hit (default: 1e-4, as FIMO)")
    parser.add_argument("--background", help="genome (counted, the default), uniform, or A,C,G,T such as .3,.2,.2,.3")


def _scoring(args: argparse.Namespace, genome: "Genome") -> "Scoring":
    from quatrefoil.genomics.regions.pvalues import Scoring
    from quatrefoil.genomics.sequence.fasta import background

    p_value = _P_VALUE if args.p_value is None else args.p_value
    if args.background in (None, "genome"):
        return Scoring(background(genome), p_value)
    if args.background == "uniform":
        return Scoring((0.25, 0.25, 0.25, 0.25), p_value)
    try:
        a, c, g, t = map(float, args.background.split(","))
    except ValueError:
        raise ValueError(
            f"--background {args.background}: genome, uniform or four numbers A,C,G,T are needed"
        ) from None
    return Scoring((a, c, g, t), p_value)


def _plan(args: argparse.Namespace) -> "MatrixPlan":
    from quatrefoil.genomics.regions.matrix import MatrixPlan
    from quatrefoil.genomics.regions.peaks import read_peaks
    from quatrefoil.genomics.sequence.fasta import Genome

    if args.out.is_file():
        raise ValueError(f"--out {args.out}: a file; name a folder")
    genome = Genome.open(args.genome)
    pairs = [text.partition("=") for text in args.peaks]
    if wrong := ["".join(pair) for pair in pairs if not all(pair) or "/" in pair[0] or not pair[0].strip(".")]:
        raise ValueError(f"--peaks {wrong[0]}: give each cell type as NAME=FILE, the name without a slash")
    name, times = Counter(name for name, *_ in pairs).most_common(1)[0]
    if times > 1:
        raise ValueError(f"--peaks names cell type {name} twice; one file each is needed")
    peaks = {name: read_peaks(file, genome.lengths, args.exclude) for name, _, file in pairs}
    _check_excluded(args.exclude, genome, peaks.values())
    source, order, made_of = _source(args, genome, peaks)
    return MatrixPlan(source, peaks, genome.lengths, args.training, order, made_of, args.held_out)


def _check_excluded(names: Sequence[str], genome: "Genome", peaks: "Iterable[Peaks]") -> None:
    from quatrefoil.core.config import nearest

    known = {*genome.lengths}.union(*(found.left_out for found in peaks))
    if unknown := [name for name in names if name not in known]:
        hint = nearest(unknown[0], genome.lengths)
        raise ValueError(f"--exclude {unknown[0]}: neither genome nor peaks have it{hint}; leave it out")


def _source(
    args: argparse.Namespace, genome: "Genome", peaks: "Mapping[str, Peaks]"
) -> "tuple[HitSource, list[int], dict[str, str]]":
    from quatrefoil.core.files import sha256
    from quatrefoil.genomics.regions.motifs import read_motifs
    from quatrefoil.genomics.regions.peaks import merged
    from quatrefoil.genomics.regions.same_genome import BASES_UNDER_PEAKS, bases_under
    from quatrefoil.genomics.regions.scan import SCAN_VERSION, Scanner
    from quatrefoil.genomics.regions.similarity import similar_first
    from quatrefoil.genomics.regions.sources import Scan, read_hits

    made_of = {BASES_UNDER_PEAKS: bases_under(genome, peaks)}
    if args.hits:
        if args.p_value is not None or args.background is not None:
            raise ValueError(
                "--hits are taken as they are: leave out --p-value and --background, or scan with --motifs"
            )
        hits = read_hits(args.hits, merged(peaks.values(), genome.lengths), genome.lengths, progress=True)
        if hits.repeated:
            print(f"{counted(hits.repeated, 'hit')} of {args.hits} more than once in it; each counts every time")
        return hits, list(range(len(hits.names))), made_of | {"hits": sha256(args.hits)[:16]}  # clusters in their order
    motifs, scoring = read_motifs(args.motifs), _scoring(args, genome)
    scanner = Scanner(motifs, scoring)
    _tell_unreachable(scanner)
    lengths = hashlib.sha256(str(dict(genome.lengths)).encode()).hexdigest()[:16]
    made_of |= {"genome": f"{args.genome.resolve()} ({lengths})", "motif file": sha256(args.motifs)[:16]}
    made_of |= {"scoring": str(scoring), "version of the scan": str(SCAN_VERSION)}
    return Scan(genome, scanner), similar_first(motifs), made_of


def _tell(name: str, peaks: "Peaks") -> None:
    print(f"{name}: {len(peaks):,} peaks, {peaks.duplicates} duplicate lines, {peaks.excluded} excluded")


def _tell_unreachable(scanner: "Scanner") -> None:
    if names := scanner.unreachable:
        likelier = f"their best word is likelier than {scanner.scoring.p_value:g}"
        print(f"{len(names)} motifs have no hits, {likelier}: {', '.join(names)}")


def _check_device(name: str) -> None:
    import torch

    try:
        torch.zeros(1, device=name).item()  # a device of no memory fails here
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device {name}: torch has none here ({str(error).splitlines()[0]}); take cpu") from error
