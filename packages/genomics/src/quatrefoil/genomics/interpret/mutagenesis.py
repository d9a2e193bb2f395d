"""In-silico mutagenesis: how each possible substitution changes what a classifier says.

Legend: L bases of a sequence, B rows, K classes; 4 = A, C, G, T.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quatrefoil.core.evaluation.classification import log_odds
from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.genomics.models.classifier import SequenceModel
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes

BATCH = 256


@dataclass(frozen=True, eq=False)
class Mutagenesis:
    """What substitutions change.

    Attributes:
        codes_L: the sequence.
        class_name: the class whose log odds are meant.
        log_odds: of the sequence as it is.
        change_L4: what each base in each place adds to them; 0 for the base that is there, NaN at unknown bases.
    """

    codes_L: Codes
    class_name: str
    log_odds: float
    change_L4: Floats

    @property
    def importance_L(self) -> Floats:
        """How much a place matters: the mean loss over its three substitutions; 0 at unknown bases."""
        mean_L: Floats = -np.nan_to_num(self.change_L4).sum(1) / 3
        return mean_L


@torch.no_grad()
def mutagenesis(model: SequenceModel, codes_L: Codes, class_name: str | None = None) -> Mutagenesis:
    """Every substitution of one base, scored by a classifier.

    Args:
        class_name: None = the most probable class of the sequence as it is.

    Raises:
        ValueError: a class that the model does not have, or a model that needs another sequence beside this one.
    """
    bases_1L = torch.tensor(codes_L)[None]
    as_it_is_1K = _logits(model, bases_1L)
    number = int(as_it_is_1K.argmax()) if class_name is None else _number(model, class_name)
    places_N2 = [(at, base) for at in np.flatnonzero(codes_L < UNKNOWN).tolist() for base in range(UNKNOWN)]
    mutants_NL = bases_1L.repeat(len(places_N2), 1)
    mutants_NL[torch.arange(len(places_N2)), [at for at, _ in places_N2]] = torch.tensor(
        [base for _, base in places_N2], dtype=torch.uint8
    )
    scores_NK = np.concatenate([_logits(model, rows_BL) for rows_BL in _batches(mutants_NL)])
    before = log_odds(as_it_is_1K, number).item()
    change_L4 = np.full((len(codes_L), UNKNOWN), np.nan)
    for (at, base), after in zip(places_N2, log_odds(scores_NK, number).tolist(), strict=True):
        change_L4[at, base] = 0.0 if base == codes_L[at] else after - before
    return Mutagenesis(codes_L, model.classes[number], before, change_L4)


def _batches(rows_NL: Tensor) -> Iterator[Tensor]:
    yield from (rows_NL[start : start + BATCH] for start in range(0, len(rows_NL), BATCH))


def _number(model: SequenceModel, class_name: str) -> int:
    if class_name not in model.classes:
        raise ValueError(f"the model has no class {class_name!r}; it has {', '.join(model.classes)}")
    return model.classes.index(class_name)


def _logits(model: SequenceModel, bases_BL: Tensor) -> Floats:
    found: Floats = model.encode({"bases": bases_BL}, "class_logits").double().cpu().numpy()
    return found
