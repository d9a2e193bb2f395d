"""What the motif filters of a classifier have become: of each the sites that excite it most, aligned, as a motif.

A filter is followed by an exponential, so that its highest sites are all that is heard of it; they are counted as
Alipanahi et al. (2015), "Predicting the sequence specificities of DNA- and RNA-binding proteins by deep learning",
Nature Biotechnology 33, count theirs: one a sequence, where it is highest. How much a filter changes is our choice: by
how much the log odds that the filters' readings give move, in either direction, where it says its mean everywhere.

Legend: N sequences, B of a batch, L bases, F filters, S sites, W bases of a filter; 4 = A, C, G, T.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from quatrefoil.core.evaluation.classification import all_log_odds
from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.core.views import Views
from quatrefoil.genomics.models.bases import padded
from quatrefoil.genomics.models.classifier import SequenceModel
from quatrefoil.genomics.models.motif_cnn import MotifCnn, MotifFilters
from quatrefoil.genomics.regions.motifs import Motif
from quatrefoil.genomics.regions.similarity import similarity
from quatrefoil.genomics.sequence.codes import PADDED, UNKNOWN, Codes, reverse_complement

_BATCH: Final = 32  # of which the scores of all filters at every base are held at once


class Likeness(NamedTuple):
    """A motif, and how alike it is (`regions.similarity`)."""

    motif: Motif
    similarity: float


@dataclass(frozen=True, eq=False)
class Filter:
    """A filter as a motif.

    Attributes:
        motif: base frequencies of its sites; its name is the filter's.
        effect: mean absolute change, where it is silenced, of the log odds that the filters' readings give.
        like: the most alike of the known motifs; None where none is known.
    """

    motif: Motif
    effect: float
    like: Likeness | None = None


def motif_cnn_of(model: SequenceModel) -> MotifCnn:
    """The part of a classifier that reads its motif filters. Raises ValueError for one that has none."""
    found = [part for part in model.modules() if isinstance(part, MotifCnn)]
    if not found:
        raise ValueError(
            f"a {type(model).__name__} has no motif filters; give a run of genebert/classify or -classify-motif-cnn"
        )
    return found[0]


@torch.no_grad()
def read_filters(
    model: SequenceModel, sequences: Sequence[Codes], sites: int = 100, known: Sequence[Motif] = ()
) -> list[Filter]:
    """All filters, those that change most first; on both strands where the model reads both.

    Args:
        sites: the most that are counted of a filter, the highest, one of each strand of a sequence that is read.
        known: motifs to name the most alike of.

    Raises:
        ValueError: a model without filters, no sequence, fewer sites than one, or no window of known bases.
    """
    reader = motif_cnn_of(model.eval())
    if not sequences or sites < 1:
        raise ValueError(f"{len(sequences)} sequences and {sites} sites a filter: give one at least of each")
    strands = [*sequences, *map(reverse_complement, sequences)] if model.both_strands else sequences
    motifs = _motifs(reader.motifs, strands, sites)
    found = list(map(Filter, motifs, _effects(reader, strands)))
    if known:
        alike = similarity([*motifs, *known])[: len(motifs), len(motifs) :]
        best = zip(found, alike.argmax(1).tolist(), alike.max(1).tolist(), strict=True)
        found = [replace(one, like=Likeness(known[place], value)) for one, place, value in best]
    return sorted(found, key=lambda one: -one.effect)


def _batches(filters: MotifFilters, sequences: Sequence[Codes]) -> Iterator[Tensor]:
    for start in range(0, len(sequences), _BATCH):
        yield padded(sequences[start : start + _BATCH]).to(filters.weight.device)


def _motifs(filters: MotifFilters, sequences: Sequence[Codes], sites: int) -> list[Motif]:
    """Of each filter, by its number. Raises ValueError where no sequence has a window without N."""
    width = filters.weight.shape[2]
    scores, windows = [], []
    for bases_BL in _batches(filters, sequences):
        if bases_BL.shape[1] < width:
            continue
        windows_BLW = bases_BL.unfold(1, width, 1)
        middle = slice(width // 2, width // 2 + windows_BLW.shape[1])  # where a filter's score of a window stands
        known_BL = (windows_BLW < UNKNOWN).all(2)
        best_BF = filters(bases_BL)[..., middle].masked_fill(~known_BL[:, None], -torch.inf).max(2)
        real_B = known_BL.any(1)
        scores.append(best_BF.values[real_B])
        windows.append(windows_BLW[torch.arange(len(bases_BL))[:, None], best_BF.indices][real_B])
    if not sum(map(len, scores)):
        raise ValueError(f"no sequence has {width} known bases in a row, as a filter sees")
    scores_NF, windows_NFW = torch.cat(scores), torch.cat(windows)
    places_SF = scores_NF.topk(min(sites, len(scores_NF)), dim=0).indices
    sites_SFW = windows_NFW.gather(0, places_SF[..., None].expand(-1, -1, width)).long()
    shares_FW4 = nn.functional.one_hot(sites_SFW, UNKNOWN).double().mean(0).cpu().numpy()
    return [Motif(f"filter-{n}", f"filter-{n}", shares_W4, len(places_SF)) for n, shares_W4 in enumerate(shares_FW4)]


def _effects(model: MotifCnn, sequences: Sequence[Codes]) -> list[float]:
    """Of each filter, by its number: mean absolute change of log odds without it, over sequences and classes."""
    filters, means_F = range(len(model.motifs.weight)), _means(model.motifs, sequences)
    moved_F = np.zeros(len(filters))
    with tqdm(total=len(sequences), desc="what filters change", unit="sequence", dynamic_ncols=True) as bar:
        for bases_BL in _batches(model.motifs, sequences):
            scores_BFL = model.motifs(bases_BL)
            batch = {"bases": bases_BL, "motif_scores": scores_BFL}
            before_BK = _log_odds(model, batch)
            for number in filters:
                said_BL = scores_BFL[:, number].clone()
                scores_BFL[:, number] = means_F[number]
                moved_F[number] += np.abs(_log_odds(model, batch) - before_BK).mean(1).sum()
                scores_BFL[:, number] = said_BL
            bar.update(len(bases_BL))
    return [float(moved) / len(sequences) for moved in moved_F]


def _means(filters: MotifFilters, sequences: Sequence[Codes]) -> Tensor:
    """(F,): of each filter's scores at all bases; padding would have its bias there."""
    total_F = torch.stack(
        [(filters(bases_BL) * (bases_BL != PADDED)[:, None]).sum((0, 2)) for bases_BL in _batches(filters, sequences)]
    ).sum(0)
    mean_F: Tensor = total_F / sum(map(len, sequences))
    return mean_F


def _log_odds(model: MotifCnn, batch: Mapping[str, Tensor]) -> Floats:
    """(B, K)."""
    return all_log_odds(Views(model, batch)["strand_logits"].double().cpu().numpy())
