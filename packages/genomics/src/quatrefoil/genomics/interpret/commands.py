"""`quatrefoil interpret`, `quatrefoil filters` and `quatrefoil logos`."""

import argparse
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from quatrefoil.core.text_files import check_target
from quatrefoil.core.wording import counted
from quatrefoil.genomics.extras import extras

if TYPE_CHECKING:
    from quatrefoil.genomics.interpret.filters import Filter
    from quatrefoil.genomics.interpret.mutagenesis import Mutagenesis

_PICTURES = (".png", ".svg", ".pdf")


class InterpretCommand:
    """What every substitution changes, as a picture."""

    help = "Draw what each base of a sequence means to a classifier: in-silico mutagenesis, as a picture and a table."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "trained", metavar="RUN", type=Path, help="a run of a classifier of sequences, e.g. of genebert/classify"
        )
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--sequence", help="bases")
        which.add_argument("--fasta", type=Path, help="a FASTA file (or any set that `classify` reads)")
        parser.add_argument("--limit", type=int, default=4, help="sequences of a file (default: %(default)s)")
        parser.add_argument("--class", dest="class_name", help="the class that is asked for (default: the likeliest)")
        parser.add_argument("--table", type=Path, help="write the changes as a table, too")
        parser.add_argument("--out", type=Path, required=True, help=f"the picture to write: {', '.join(_PICTURES)}")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.genomics.interpret.mutagenesis import mutagenesis
        from quatrefoil.genomics.interpret.plots import draw_mutagenesis
        from quatrefoil.genomics.interpret.sequences import named_sequences
        from quatrefoil.genomics.models.stored import classifier_of

        check_picture(args.out, (args.fasta,))
        check_target("--table", args.table, (args.fasta, args.out))
        model = classifier_of(args.trained)
        sequences, left_out = named_sequences(args.sequence, args.fasta, args.limit, model.least_bases)
        with tqdm(sequences, "sequences", leave=False, dynamic_ncols=True) as shown:  # closed before an error is told
            found = [(name, mutagenesis(model, codes, args.class_name)) for name, codes in shown]
        draw_mutagenesis(found, args.out)
        if args.table:
            write_changes(found, args.table)
        print(f"{counted(len(found), 'sequence')} in {args.out}{_beyond(left_out)}")
        return 0


class FiltersCommand:
    """Motifs that a classifier has learned."""

    help = (
        "Draw the motif filters of a classifier as logos: of each the sites that excite it most, and what is like it."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "trained", metavar="RUN", type=Path, help="a run of genebert/classify or genebert/classify-motif-cnn"
        )
        parser.add_argument("--fasta", type=Path, required=True, help="sequences: any set that `classify` reads")
        parser.add_argument("--known", type=Path, help="motifs (JASPAR, MEME, TRANSFAC) to name the most alike of")
        parser.add_argument(
            "--limit", type=int, default=500, help="sequences of the file, spread evenly (default: %(default)s)"
        )
        parser.add_argument("--sites", type=int, default=100, help="sites counted of a filter (default: %(default)s)")
        parser.add_argument("--count", type=int, default=16, help="filters drawn (default: %(default)s)")
        parser.add_argument("--motifs", type=Path, help="write all filters as motifs, too, in MEME's format")
        parser.add_argument("--table", type=Path, help="write a line for every filter, too")
        parser.add_argument("--out", type=Path, required=True, help=f"the picture to write: {', '.join(_PICTURES)}")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.core.text_files import write_lines
        from quatrefoil.genomics.interpret.filters import read_filters
        from quatrefoil.genomics.interpret.logos import draw_logos
        from quatrefoil.genomics.interpret.sequences import spread_sequences
        from quatrefoil.genomics.meme import minimal_meme
        from quatrefoil.genomics.models.stored import classifier_of
        from quatrefoil.genomics.regions.motifs import read_motifs

        if args.count < 1:
            raise ValueError(f"--count is {args.count}; draw one filter at least")
        inputs = [args.fasta, args.known]
        check_picture(args.out, inputs)
        check_target("--motifs", args.motifs, [*inputs, args.out])
        check_target("--table", args.table, [*inputs, args.out, args.motifs])
        known = read_motifs(args.known) if args.known else []
        sequences, left_out = spread_sequences(args.fasta, args.limit)
        found = read_filters(classifier_of(args.trained), sequences, args.sites, known)
        shown = found[: args.count]
        draw_logos([one.motif for one in shown], args.out, list(map(_title, shown)))
        if args.motifs:
            sites = ((one.motif.name, one.motif.frequencies_W4, one.motif.sites) for one in found)
            write_lines(args.motifs, minimal_meme(sites))
        if args.table:
            write_filters(found, args.table)
        print(f"{len(shown)} of {counted(len(found), 'filter')} in {args.out}{_beyond(left_out)}")
        return 0


class LogosCommand:
    """Logos of a motif file."""

    help = "Draw motifs of a JASPAR, MEME or TRANSFAC file as logos."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("motifs", type=Path, help="JASPAR, MEME or TRANSFAC file")
        parser.add_argument("--names", nargs="*", help="ids, or factors, of which all motifs are drawn (default: all)")
        parser.add_argument("--out", type=Path, required=True, help=f"the picture to write: {', '.join(_PICTURES)}")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.core.config import nearest
        from quatrefoil.genomics.interpret.logos import draw_logos, names_of
        from quatrefoil.genomics.regions.motifs import read_motifs

        check_picture(args.out, (args.motifs,))
        motifs = read_motifs(args.motifs)
        known = set[str]().union(*map(names_of, motifs))
        for name in args.names or ():
            if name not in known:
                raise ValueError(f"{args.motifs} has no motif `{name}`{nearest(name, known)}")
        chosen = [motif for motif in motifs if args.names is None or names_of(motif) & set(args.names)]
        draw_logos(chosen, args.out)
        print(f"{len(chosen)} logos in {args.out}")
        return 0


interpret, filters, logos = InterpretCommand(), FiltersCommand(), LogosCommand()


def check_picture(path: Path, inputs: Iterable[Path | None]) -> None:
    """Raise `ValueError` for a picture that could not be written, or is an input, before anything is computed.

    Raises ImportError without matplotlib, which commands tell as the extra that has it.
    """
    import_module("matplotlib")
    if path.suffix not in _PICTURES:
        raise ValueError(f"--out {path}: give a name that ends in one of {', '.join(_PICTURES)}")
    check_target("--out", path, inputs)


def _beyond(left_out: int) -> str:
    return f", {left_out} beyond --limit left out" if left_out else ""


def _title(one: "Filter") -> str:
    from quatrefoil.genomics.interpret.logos import title_of

    like = f"\n{one.like.similarity:.2f} like {title_of(one.like.motif)}" if one.like else ""
    return f"{one.motif.name}, effect {one.effect:.2f}{like}"


def write_filters(found: "Iterable[Filter]", path: Path) -> None:
    """A line for every filter: its effect, its sites, the known motif that is most alike, or nothing, and how alike."""
    from quatrefoil.core.text_files import write_table
    from quatrefoil.genomics.interpret.logos import title_of

    rows = [
        (one.motif.name, f"{one.effect:.6g}", one.motif.sites)
        + ((title_of(one.like.motif), f"{one.like.similarity:.4f}") if one.like else ("", ""))
        for one in found
    ]
    write_table(path, [("filter", "effect", "sites", "like", "similarity"), *rows], "\t")


def write_changes(found: "list[tuple[str, Mutagenesis]]", path: Path) -> None:
    """A line for every place: sequence, place from 0, its base, and what A, C, G and T change (log odds)."""
    from quatrefoil.core.text_files import write_table
    from quatrefoil.genomics.sequence.codes import LETTERS

    rows = [
        (name, place, chr(LETTERS[code]), *(f"{x:.6g}" for x in changes))
        for name, one in found
        for place, (code, changes) in enumerate(zip(one.codes_L, one.change_L4.tolist(), strict=True))
    ]
    write_table(path, [("sequence", "place", "base", "A", "C", "G", "T"), *rows], "\t")
