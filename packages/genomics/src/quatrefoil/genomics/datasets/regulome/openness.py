"""Where regions are open, in cell types never seen: the task, and what sequence alone can say of it.

The same sequence is open in one cell type and closed in another, so a score of the sequence alone is the same for
both. On the regions that are open in exactly one of the two held-out types (`varies`) its area under the ROC curve is
one half by construction, whatever the model. What tells them apart is which other regions are open in that type.

Legend: E elements, C cell types, F factors.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from quatrefoil.genomics.datasets.regulome.chromosome import Chromosome, Peak
from quatrefoil.genomics.datasets.regulome.elements import Element
from quatrefoil.genomics.datasets.regulome.grammar import PILE, Grammar
from quatrefoil.genomics.datasets.regulome.motifs import FACTORS
from quatrefoil.genomics.datasets.regulome.scores import auc, gc_share
from quatrefoil.genomics.datasets.regulome.world import (
    CELL_TYPES,
    HELD_OUT_TYPES,
    TRAINING_TYPES,
    Bools,
    Floats,
    Split,
    upper_case,
)

HEAD = ("chrom", "start", "end", "name", "cell_type", "open", "varies")
TYPES_OF: dict[Split, tuple[str, ...]] = {"train": TRAINING_TYPES, "dev": TRAINING_TYPES, "test": HELD_OUT_TYPES}


def element_name(chromosome: str, number: int) -> str:
    """The name of an element in all files."""
    return f"{chromosome}_element{number}"


def openness_rows(chromosome: Chromosome, types: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """A row for each element and cell type: whether it is open by the grammar, and whether that varies over `types`."""
    open_EC = chromosome.open_EC[:, [CELL_TYPES.index(name) for name in types]]
    for number, (element, open_C) in enumerate(zip(chromosome.elements, open_EC, strict=True)):
        where = (chromosome.name, element.start, element.end, element_name(chromosome.name, number))
        varies = int(open_C.any() and not open_C.all())
        yield from ((*where, name, int(is_open), varies) for name, is_open in zip(types, open_C, strict=True))


def openness_bounds(test: Sequence[Chromosome], grammar: Grammar) -> dict[str, dict[str, float]]:
    """Area under the ROC curve over all pairs of element and held-out type, and over those of elements that vary.

    - `grammar`: knows the sites, the rules and the active factors.
    - `neighbours`: knows sites and rules, and infers the active factors from the peaks of the same chromosome and type,
      without the element's own.
    - `sequence`: knows in how many of the held-out types the element is open, which no sequence tells better.
    - `training_types`: knows in how many of the training types it is open.
    """
    held_out, trained = ([CELL_TYPES.index(name) for name in names] for names in (HELD_OUT_TYPES, TRAINING_TYPES))
    open_EC = np.concatenate([chromosome.open_EC for chromosome in test])
    truth_EC = open_EC[:, held_out]
    gc_E1 = np.concatenate([gc_share(upper_case(c.letters_L[None, e.start : e.end])) for c in test for e in c.elements])
    scores = {
        "grammar": truth_EC,
        "neighbours": np.concatenate([np.stack([_infer(c, grammar, h) for h in held_out], 1) for c in test]),
        "sequence": truth_EC.mean(1, keepdims=True),
        "training_types": open_EC[:, trained].mean(1, keepdims=True),
        "gc_content": gc_E1,
        "chance": np.zeros((len(open_EC), 1)),
    }
    varies_E = truth_EC.any(1) & ~truth_EC.all(1)
    return {
        name: {
            who: auc(truth_EC[rows].ravel(), np.broadcast_to(found, truth_EC.shape)[rows].astype(float).ravel())
            for who, found in scores.items()
        }
        for name, rows in (("auc/all", np.full(len(open_EC), True)), ("auc/varies", varies_E))
    }


def _infer(chromosome: Chromosome, grammar: Grammar, cell_type: int) -> Floats:
    """How likely each element (E,) is open, from the others that have a peak in this type: factors whose sites are
    commoner among those than among all elements are held to be active."""
    seen_E = has_peak(chromosome.elements, chromosome.peaks[cell_type])
    sites_EF = np.array([np.isin(np.arange(len(FACTORS)), [s.factor for s in e.sites]) for e in chromosome.elements])
    others_EF = sites_EF.sum(0) - sites_EF
    seen_EF = (sites_EF & seen_E[:, None]).sum(0) - (sites_EF & seen_E[:, None])
    share_E1 = ((seen_E.sum() - seen_E + 1) / (len(seen_E) + 1))[:, None]
    # Shrunk towards the share of all elements that is open, by the weight of two elements.
    activity_EF = np.log((seen_EF + 2 * share_E1) / (others_EF + 2) / share_E1)
    return np.array([_promise(e, grammar, row_F) for e, row_F in zip(chromosome.elements, activity_EF, strict=True)])


def _promise(element: Element, grammar: Grammar, activity_F: Floats) -> float:
    """The best of the element's ways to be open, each as good as its weakest factor, less what represses it."""
    factors = sorted({site.factor for site in element.sites})
    helping = sorted((float(activity_F[f]) for f in factors if not grammar.repressor_F[f]), reverse=True)
    ways = [helping[PILE - 1]] if len(helping) >= PILE else []
    ways += [float(min(activity_F[pair.first], activity_F[pair.second])) for pair in grammar.pairs_in(element.sites)]
    repressed = sum(min(0.0, float(activity_F[f])) for f in factors if grammar.repressor_F[f])
    return max(ways) + repressed if ways else -1e3


def has_peak(elements: Sequence[Element], peaks: Sequence[Peak]) -> Bools:
    """Whether a summit lies in the element (E,)."""
    summits = np.sort([peak.start + peak.summit for peak in peaks])
    starts, ends = (np.searchsorted(summits, [getattr(e, side) for e in elements]) for side in ("start", "end"))
    found_E: Bools = ends > starts
    return found_E
