"""Bounds of the window sets: what a matcher that knows the true motifs reaches, GC content alone, k-mers, and chance.

`bounds.json` is `{task: {metric: {who: value}}}`, on the test split. The matcher is computed: its score is the
logarithm of how much likelier the window is with the planted motifs than without. Where the line between the classes
lies is fitted to the train split, for the matcher and for GC content on their one or two numbers, for k-mers on all
counts.

Legend: B windows, L bases.
"""

from collections.abc import Callable, Mapping

import numpy as np

from quatrefoil.genomics.datasets.regulome import genes
from quatrefoil.genomics.datasets.regulome.genes import ACCEPTOR, ACCEPTOR_CUT, DONOR, DONOR_CUT
from quatrefoil.genomics.datasets.regulome.motifs import FACTORS, Motif, scan
from quatrefoil.genomics.datasets.regulome.scores import (
    STRENGTH,
    Metrics,
    chance,
    gc_share,
    kmer_counts,
    score,
)
from quatrefoil.genomics.datasets.regulome.windows import CLASSES, PROMOTER_WINDOWS, SPLICE_LENGTH, Windows
from quatrefoil.genomics.datasets.regulome.world import Floats, codes_of
from quatrefoil.genomics.logistic import predict
from quatrefoil.genomics.sequence.kmers import Bytes

Bounds = dict[str, dict[str, dict[str, float]]]
Matcher = Callable[[Bytes], Floats]


def window_bounds(task: str, motifs: list[Motif], train: Windows, test: Windows) -> dict[str, Metrics]:
    """Who -> metrics."""
    matcher = matcher_of(task, motifs)
    readers: Mapping[str, tuple[Matcher, float]] = {
        "true_sites": (matcher, 1.0),
        "gc_content": (gc_share, 1.0),
        "kmers": (kmer_counts, STRENGTH),
    }
    fitted = {
        who: score(test.labels_B, predict(read(train.letters_BL), train.labels_B, read(test.letters_BL), strength))
        for who, (read, strength) in readers.items()
    }
    return {**fitted, "chance": chance(test.labels_B)}


def by_metric(found: Mapping[str, Metrics]) -> dict[str, dict[str, float]]:
    """Who -> metric -> value, the other way round."""
    metrics = next(iter(found.values()))
    return {metric: {who: values[metric] for who, values in found.items()} for metric in metrics}


def matcher_of(task: str, motifs: list[Motif]) -> Matcher:
    """What is known of a task's windows, as a function from windows to one or two numbers each."""
    kind, _, name = task.partition("/")
    if kind == "splice":
        return _splice_odds
    if kind == "tfbs":
        return lambda letters_BL: _best_site(letters_BL, motifs[FACTORS.index(name)])
    _, length, promoter_class = name.rsplit("_", 2)
    return lambda letters_BL: _promoter_odds(letters_BL, -PROMOTER_WINDOWS[length][0], CLASSES[promoter_class])


def _best_site(letters_BL: Bytes, motif: Motif) -> Floats:
    """The best log odds on either strand (B, 1)."""
    codes_BL = codes_of(letters_BL)
    both = [scan(codes_BL, odds).max(1, keepdims=True) for odds in motif.log_odds_of_strands]
    best_B1: Floats = np.maximum(*both)
    return best_B1


def _promoter_odds(letters_BL: Bytes, first_base: int, tata: bool) -> Floats:
    """Log odds that the core motifs of the class stand at their places (B, 1). An island tells nothing by construction
    of the matched negatives, so it is left out."""
    codes_BL = codes_of(letters_BL)
    total_B1 = np.zeros((len(letters_BL), 1))
    for motif in (genes.TATA, genes.INITIATOR, genes.DOWNSTREAM):
        odds, jitter = genes.CORE_ODDS[tata][motif.name], genes.CORE_JITTER[motif.name]
        start = first_base + genes.CORE_AT[motif.name]
        scores = scan(codes_BL, motif.log_odds_W4)[:, start - jitter : start + jitter + 1]
        likelier_B = np.exp2(scores).mean(1)
        total_B1 += np.log(odds * likelier_B + 1 - odds)[:, None]
    return total_B1


def _splice_odds(letters_BL: Bytes) -> Floats:
    """Log odds of an acceptor's and of a donor's signal at the middle (B, 2)."""
    middle = SPLICE_LENGTH // 2
    columns = []
    for motif, before in ((ACCEPTOR, ACCEPTOR_CUT), (DONOR, DONOR_CUT)):
        around = codes_of(letters_BL[:, middle - before : middle - before + motif.width])
        columns.append(scan(around, motif.log_odds_W4))
    return np.concatenate(columns, axis=1)
