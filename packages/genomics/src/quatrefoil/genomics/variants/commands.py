"""`quatrefoil variants` and `quatrefoil cohort`."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from quatrefoil.core.text_files import check_target, write_json, write_table
from quatrefoil.genomics.compressed import content_of
from quatrefoil.genomics.extras import extras

if TYPE_CHECKING:
    from quatrefoil.genomics.models.openness import Openness
    from quatrefoil.genomics.sequence.fasta import Genome
    from quatrefoil.genomics.variants.cohort import Risk
    from quatrefoil.genomics.variants.effects import Scorer
    from quatrefoil.genomics.variants.vcf import Genotypes

_LENGTH = (
    "for a run of a classifier: bases of a window, as many as it was trained on (default: data.length of the run; "
    "needed where the run has none, as those of genebert/classify)"
)
_PLACE = ("variant", "chrom", "position", "reference", "alternative")


class VariantsCommand:
    """Scores every variant of a VCF by a run: alt minus ref."""

    help = "Score the variants of a VCF file by a run: what each changes, alt minus ref, in log odds."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "trained", metavar="RUN", type=Path, help="a run of a classifier of sequences or variants, or of openness"
        )
        parser.add_argument("--vcf", type=Path, required=True, help="VCF or BCF; every alternative allele is a variant")
        parser.add_argument("--genome", type=Path, required=True, help="FASTA (plain or bgzip), or a packed genome")
        parser.add_argument("--length", type=int, help=_LENGTH)
        parser.add_argument("--matrix", type=Path, help="for a run of openness: a folder made by `quatrefoil matrix`")
        parser.add_argument("--cell-type", help="for a run of openness: of which cell type of the matrix")
        parser.add_argument("--out", type=Path, required=True, help="the table to write")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.core.wording import counted
        from quatrefoil.genomics.variants.effects import effects
        from quatrefoil.genomics.variants.vcf import read_vcf

        check_target("--out", args.out, (args.vcf, args.genome))
        genotypes = read_vcf(args.vcf)
        scorer = _scorer(args)
        found = effects(scorer, genotypes.variants)
        places = [(v.name, v.chromosome, v.position + 1, v.reference, v.alternative) for v in genotypes.variants]
        rows = [(*place, *(f"{x:.6g}" for x in row)) for place, row in zip(places, found.tolist(), strict=True)]
        write_table(args.out, [(*_PLACE, *scorer.names), *rows], "\t")
        left_out = f", {counted(genotypes.without_alternative, 'record')} without an alternative allele left out"
        read = f"{counted(len(rows), 'variant')}, each read in a window of {scorer.length} bases, in {args.out}"
        print(f"{read}{left_out if genotypes.without_alternative else ''}")
        _tell_filtered(genotypes, args.vcf)
        return 0


class CohortCommand:
    """Disease risk from scored variants, genotypes and covariates, cross-validated."""

    help = (
        "Predict a disease from scored variants, genotypes and covariates, cross-validated, with what structure tells."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("effects", type=Path, help="a table written by `quatrefoil variants`")
        parser.add_argument("--vcf", type=Path, required=True, help="VCF or BCF with genotypes")
        parser.add_argument("--phenotypes", type=Path, required=True, help="table with `sample`, outcome, covariates")
        parser.add_argument("--outcome", default="disease", help="column of 0 and 1 (default: %(default)s)")
        parser.add_argument("--covariates", nargs="*", default=[], metavar="COLUMN", help="numbers or categories")
        parser.add_argument("--folds", type=int, default=5, help="parts, each left out once (default: %(default)s)")
        parser.add_argument("--repeats", type=int, default=5, help="of the dealing into parts (default: %(default)s)")
        parser.add_argument("--bounds", type=Path, help="bounds.json of Regulome, to be shown beside the scores")
        parser.add_argument("--out", type=Path, help="JSON to write, with the log odds of every person")

    @extras()
    def run(self, args: argparse.Namespace) -> int:
        from quatrefoil.core.wording import counted
        from quatrefoil.genomics.variants.cohort import CrossValidation, risk
        from quatrefoil.genomics.variants.phenotypes import read_people
        from quatrefoil.genomics.variants.scored import read_effects
        from quatrefoil.genomics.variants.vcf import MISSING, read_vcf

        check_target("--out", args.out, (args.effects, args.vcf, args.phenotypes, args.bounds))
        how, bounds = CrossValidation(folds=args.folds, repeats=args.repeats), _bounds(args.bounds)
        people = read_people(args.phenotypes, args.outcome, args.covariates)
        genotypes = read_vcf(args.vcf)
        dosages_VP = genotypes.of(people.names)
        found = risk(people, dosages_VP, read_effects(args.effects, genotypes.variants), how)
        if args.out:
            write_json(args.out, found.plain())
        if unknown := len(genotypes.samples) - len(people.names):
            print(f"{counted(unknown, 'person', 'people')} of {args.vcf} without a phenotype left out")
        _tell_filtered(genotypes, args.vcf)
        if missing := int((dosages_VP == MISSING).sum()):
            share = f"{counted(missing, 'call')} of {dosages_VP.size:,} ({missing / dosages_VP.size:.2%})"
            print(
                f"{share} missing, half calls (`./1`) among them: each counts as the mean of the others of its variant"
            )
        print(_table(found, bounds))
        return 0


variants, cohort = VariantsCommand(), CohortCommand()


def _tell_filtered(genotypes: "Genotypes", vcf: Path) -> None:
    from quatrefoil.core.wording import counted

    if genotypes.filtered:
        kept = counted(genotypes.filtered, "record")
        print(f"{kept} of {vcf} kept that FILTER says something of; `bcftools view -f PASS,.` drops such")


def _scorer(args: argparse.Namespace) -> "Scorer":
    from quatrefoil.genomics.models.classifier import SequenceModel
    from quatrefoil.genomics.models.openness import Openness
    from quatrefoil.genomics.models.stored import model_of
    from quatrefoil.genomics.sequence.fasta import Genome
    from quatrefoil.genomics.variants.effects import ClassEffects

    model, genome = model_of(args.trained), Genome.open(args.genome)
    if isinstance(model, SequenceModel):
        if args.matrix is not None or args.cell_type is not None:
            raise ValueError(f"{args.trained}: a classifier reads no peaks; leave --matrix and --cell-type out")
        return ClassEffects(model, genome, length_of(args))
    if isinstance(model, Openness):
        return _of_openness(model, genome, args)
    raise ValueError(
        f"a {type(model).__name__} cannot score variants; give a run of a classifier of sequences or variants "
        f"(genebert/classify, genebert/regulome-variants), or of genebert/openness"
    )


def length_of(args: argparse.Namespace) -> int:
    """Bases of a window: what is asked for, else what the data of the run were told."""
    from quatrefoil.core.runs.folder import RunFolder

    if args.length is not None:
        return int(args.length)
    length = RunFolder(args.trained).facts()["config"]["data"].get("length")
    if length is None:
        raise ValueError(
            f"{args.trained} does not say how long the windows are that it was trained on; give that as --length"
        )
    return int(length)


def _of_openness(model: "Openness", genome: "Genome", args: argparse.Namespace) -> "Scorer":
    from quatrefoil.core.config import nearest
    from quatrefoil.genomics.datasets.openness.config import OpennessSizes
    from quatrefoil.genomics.datasets.openness.module import RegionReader
    from quatrefoil.genomics.datasets.pretraining.fields import ASSET, assets_of
    from quatrefoil.genomics.regions.store import RegionMatrix
    from quatrefoil.genomics.variants.effects import OpennessEffects

    if args.matrix is None or args.cell_type is None:
        raise ValueError("a run of openness scores variants in a cell type; give --matrix and --cell-type")
    if args.length is not None:
        raise ValueError(f"{args.trained}: a run of openness reads windows of its own length; leave --length out")
    facts, matrix = json.loads(model.assets[ASSET]), RegionMatrix.open(args.matrix)
    if list(matrix.motifs) != facts["motifs"]:
        raise ValueError(
            f"{args.matrix} has other motifs than {args.trained} was trained on, or in another order; build it in the "
            f"same way (--motifs or --hits), with the same file"
        )
    model.assets |= assets_of(matrix, **{size: facts[size] for size in ("k", "segment", "regions")})
    model.check_assets()  # refused where other hits are usual, or motifs are scored otherwise
    if args.cell_type not in matrix.cell_types:
        raise ValueError(f"{args.matrix} has no cell type {args.cell_type}{nearest(args.cell_type, matrix.cell_types)}")
    matrix.refuse_other_genome(genome)
    sizes = OpennessSizes(k=facts["k"], segment=facts["segment"], regions=facts["regions"])
    return OpennessEffects(model, RegionReader(genome, matrix, sizes), args.cell_type)


def _bounds(path: Path | None) -> dict[str, float]:
    if path is None:
        return {}
    content = content_of(path, ValueError)
    try:
        shares = json.loads(content)["disease"]["auc"]
        return {f"bound: {who}": 100 * float(share) for who, share in shares.items()}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: no bounds of `disease`; give the bounds.json of a folder of Regulome") from error


def _table(found: "Risk", bounds: dict[str, float]) -> str:
    lines = [f"{'features':32} {'ROC-AUC':>8} {'AUPR':>7} {'accuracy':>9}  95 % interval of ROC-AUC over people"]
    for who, metrics in found.metrics.items():
        low, high = found.intervals[who]
        values = f"{metrics['ROC-AUC']:8.2f} {metrics['AUPR']:7.2f} {metrics['accuracy']:9.2f}"
        lines.append(f"{who:32} {values}  {low:.1f} .. {high:.1f}")
    lines += [f"{who:32} {value:8.2f}" for who, value in bounds.items()]
    low, high = found.gain_interval
    gain = f"gain of {found.compared[0]} over {found.compared[1]}: {found.gain:+.2f} ({low:+.2f} .. {high:+.2f})"
    dealt = f"effects dealt to the variants at random, {found.deals} times: {found.reaching} reach the burden"
    return "\n".join([*lines, gain, dealt])
