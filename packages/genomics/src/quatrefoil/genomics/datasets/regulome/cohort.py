"""The cohort: genotypes of people, and a disease that follows from variants that break open elements of one cell type.

Ancestry shifts allele frequencies and risk, and one batch holds more patients and loses heterozygotes, as in life: a
model that reads the structure alone does better than chance, and the bounds say how much.

Legend: V variants, P people, A ancestries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Final, NamedTuple

import numpy as np

from quatrefoil.genomics.datasets.regulome.chromosome import Chromosome
from quatrefoil.genomics.datasets.regulome.elements import Element
from quatrefoil.genomics.datasets.regulome.grammar import Grammar
from quatrefoil.genomics.datasets.regulome.motifs import Motif, scan
from quatrefoil.genomics.datasets.regulome.scores import auc
from quatrefoil.genomics.datasets.regulome.world import (
    CELL_TYPES,
    DISEASE_TYPE,
    Bools,
    Floats,
    Size,
    codes_of,
    stream,
)
from quatrefoil.genomics.logistic import predict_in_turn
from quatrefoil.genomics.sequence.kmers import Bytes, Ids

IN_SITES: Final = 0.4  # share of the variants that lie in planted sites
BREAKS: Final = 2.0  # bits of the matrix's score that a breaking allele costs
ANCESTRIES: Final = (0.5, 0.3, 0.2)
DIVERGENCE: Final = 0.08  # fixation index of the ancestries
RISK: Final = {"genetic": 0.45, "ancestry": 0.15, "noise": 0.40}  # shares of the variance of the liability
PATIENTS_IN_BATCH_2: Final = 0.65  # of the others, the rest
DROPOUT: Final = (0.05, 0.5)  # share of the variants that batch 2 calls badly, and of their heterozygotes that it loses
_ANCESTRY_RISK = (-0.6, 0.3, 1.2)
_CENTRES = ((0.0, 0.0), (1.5, 0.5), (0.4, 1.6))


class Variant(NamedTuple):
    """A substitution: 0-based position, codes of both bases, the element whose site it lies in (or -1), whether its
    allele closes that element in the cell type of the disease."""

    chromosome: str
    position: int
    reference: int
    alternative: int
    element: int
    breaking: bool


@dataclass(frozen=True)
class Cohort:
    """People and what is true of them.

    Args:
        genotypes_VP: copies of the alternative allele, as called.
        burden_P: the true genetic risk, from the genotypes as they are.
    """

    variants: tuple[Variant, ...]
    effect_V: Floats
    genotypes_VP: Ids
    burden_P: Floats
    disease_P: Bools
    ancestry_P: Ids
    batch_P: Ids
    sex_P: Ids
    age_P: Ids
    components_P2: Floats


def draw_cohort(
    chromosomes: Sequence[Chromosome], grammar: Grammar, motifs: Sequence[Motif], size: Size, seed: int
) -> Cohort:
    """The cohort of a benchmark."""
    rng = stream(seed, "cohort")
    variants = draw_variants(chromosomes, grammar, motifs, size.variants, rng)
    ancestry_P = rng.choice(len(ANCESTRIES), size.people, p=ANCESTRIES)
    true_VP = _draw_genotypes(len(variants), ancestry_P, rng)
    effect_V = np.array([variant.breaking for variant in variants]) * np.abs(rng.normal(1, 0.5, len(variants)))
    burden_P = np.asarray(effect_V @ true_VP, np.float64)
    disease_P = _fall_ill(burden_P, ancestry_P, rng)
    batch_P = 1 + (rng.random(size.people) < np.where(disease_P, PATIENTS_IN_BATCH_2, 1 - PATIENTS_IN_BATCH_2))
    called_VP = _call(true_VP, batch_P, rng)
    components_P2 = np.array(_CENTRES)[ancestry_P] + rng.normal(0, 0.4, (size.people, 2))
    sex_P, age_P = rng.integers(0, 2, size.people), rng.integers(18, 80, size.people)
    return Cohort(variants, effect_V, called_VP, burden_P, disease_P, ancestry_P, batch_P, sex_P, age_P, components_P2)


def draw_variants(
    chromosomes: Sequence[Chromosome],
    grammar: Grammar,
    motifs: Sequence[Motif],
    count: int,
    rng: np.random.Generator,
) -> tuple[Variant, ...]:
    """Variants at distinct places, in the order of the genome."""
    in_sites = [
        (c, number, position)
        for c, chromosome in enumerate(chromosomes)
        for number, element in enumerate(chromosome.elements)
        for site in element.sites
        for position in range(site.start, site.end)
    ]
    chosen = rng.choice(len(in_sites), round(IN_SITES * count), replace=False)
    places = {(c, position): number for c, number, position in (in_sites[i] for i in chosen)}
    within = {(c, position) for c, _, position in in_sites}
    while len(places) < count:
        c = int(rng.integers(len(chromosomes)))
        position = int(rng.integers(len(chromosomes[c].letters_L)))
        if not chromosomes[c].unknown_L[position] and (c, position) not in within:
            places[c, position] = -1
    return tuple(
        _draw_variant(chromosomes[c], position, element, grammar, motifs, rng)
        for (c, position), element in sorted(places.items())
    )


def _draw_variant(
    chromosome: Chromosome,
    position: int,
    element: int,
    grammar: Grammar,
    motifs: Sequence[Motif],
    rng: np.random.Generator,
) -> Variant:
    reference = int(codes_of(chromosome.letters_L[position : position + 1])[0])
    alternative = (reference + int(rng.integers(1, 4))) % 4
    breaking = element >= 0 and _closes(chromosome.elements[element], position, reference, alternative, grammar, motifs)
    return Variant(chromosome.name, position, reference, alternative, element, breaking)


def _closes(
    element: Element, position: int, reference: int, alternative: int, grammar: Grammar, motifs: Sequence[Motif]
) -> bool:
    """Whether the allele breaks a site without which the element is no longer open in the cell type of the disease."""
    site = next(site for site in element.sites if site.start <= position < site.end)
    forward = site.strand > 0
    row_4 = motifs[site.factor].log_odds_W4[position - site.start if forward else site.end - 1 - position]
    cost = row_4[reference if forward else 3 - reference] - row_4[alternative if forward else 3 - alternative]
    left = [other for other in element.sites if other != site]
    where = CELL_TYPES.index(DISEASE_TYPE)
    return bool(cost > BREAKS and grammar.open_in(element.sites)[where] and not grammar.open_in(left)[where])


def breaking_odds(reference_VL: Bytes, alternative_VL: Bytes, grammar: Grammar, motifs: Sequence[Motif]) -> Floats:
    """What tells a breaking allele (V,) to who knows the matrices and what is active in the cell type of the disease,
    and reads windows (codes): the log odds of the best site of a helping factor that the allele breaks, 0 where it
    breaks none.

    It is no ceiling: what else the element holds, which decides whether a broken site closes it, is not looked at.
    """
    helping_F = grammar.active_CF[CELL_TYPES.index(DISEASE_TYPE)] & ~grammar.repressor_F
    odds_V = np.zeros(len(reference_VL))
    for log_odds_W4 in chain.from_iterable(motif.log_odds_of_strands for motif in compress(motifs, helping_F)):
        before, after = scan(reference_VL, log_odds_W4), scan(alternative_VL, log_odds_W4)
        odds_V = np.maximum(odds_V, np.where(before - after > BREAKS, before, 0).max(1))
    return odds_V


def _draw_genotypes(variants: int, ancestry_P: Ids, rng: np.random.Generator) -> Ids:
    """Copies of the alternative allele under the Balding-Nichols model."""
    common_V1 = np.clip(rng.beta(0.8, 2.0, (variants, 1)), 0.02, 0.6)
    spread = (1 - DIVERGENCE) / DIVERGENCE
    shares_VA = rng.beta(common_V1 * spread, (1 - common_V1) * spread, (variants, len(ANCESTRIES)))
    genotypes_VP: Ids = rng.binomial(2, shares_VA[:, ancestry_P])
    return genotypes_VP


def _fall_ill(burden_P: Floats, ancestry_P: Ids, rng: np.random.Generator) -> Bools:
    """The half with the greater liability: genes, ancestry (what comes with it, not its alleles), and chance."""
    parts = {
        "genetic": burden_P,
        "ancestry": np.array(_ANCESTRY_RISK)[ancestry_P],
        "noise": rng.normal(size=len(burden_P)),
    }
    liability_P = sum(np.sqrt(RISK[name]) * (part - part.mean()) / part.std() for name, part in parts.items())
    ill_P: Bools = liability_P > np.median(liability_P)
    return ill_P


def _call(true_VP: Ids, batch_P: Ids, rng: np.random.Generator) -> Ids:
    """Batch 2 calls some heterozygotes of some variants as the reference."""
    hard_V1 = rng.random((len(true_VP), 1)) < DROPOUT[0]
    lost_VP = hard_V1 & (batch_P == 2) & (true_VP == 1) & (rng.random(true_VP.shape) < DROPOUT[1])
    return np.where(lost_VP, 0, true_VP)


def cohort_bounds(cohort: Cohort) -> dict[str, float]:
    """Area under the ROC curve for the disease. All but `true_burden` and `chance` are fitted, and scored on people
    that the fit has not seen (five stratified folds).

    - `true_burden`: the genetic risk itself; `burden_and_covariates`: with batch and ancestry components.
    - `ancestry`, `batch`: what the structure alone tells; `covariates`: both.
    - `genotypes`: a logistic regression on all variants as called, which cannot know which of them matter.
    """
    ill_P, labels_P = cohort.disease_P, cohort.disease_P.astype(np.int64)
    batch_P1, burden_P1 = cohort.batch_P[:, None].astype(np.float64), cohort.burden_P[:, None]
    covariates = np.concatenate([batch_P1, cohort.components_P2], axis=1)
    fitted = {
        "burden_and_covariates": (np.concatenate([burden_P1, covariates], axis=1), 1.0),
        "covariates": (covariates, 1.0),
        "ancestry": (cohort.components_P2, 1.0),
        "batch": (batch_P1, 1.0),
        "genotypes": (cohort.genotypes_VP.T.astype(np.float64), 0.001),
    }
    scores = {who: auc(ill_P, predict_in_turn(x, labels_P, strength)[:, 1]) for who, (x, strength) in fitted.items()}
    return {"true_burden": auc(ill_P, cohort.burden_P), **scores, "chance": 0.5}
