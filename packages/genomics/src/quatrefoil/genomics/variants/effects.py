"""What a model says that each variant changes: alt minus ref.

Legend: V variants, L bases, K classes, E effects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from quatrefoil.core.data.collate import collate
from quatrefoil.core.evaluation.classification import all_log_odds
from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.genomics.models.classifier import SequenceModel
from quatrefoil.genomics.models.openness import Openness
from quatrefoil.genomics.models.variant_classifier import VariantClassifier
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.variants.vcf import Variant
from quatrefoil.genomics.variants.windows import Alleles, alleles

if TYPE_CHECKING:  # its store is an extra, which classifiers do without
    from quatrefoil.genomics.datasets.openness.module import RegionReader

BATCH = 64


class Scorer(Protocol):
    """Scores variants; `names` (E) says what each effect is of, `length` how many bases of each allele are read."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def length(self) -> int: ...

    def score(self, variants: Sequence[Variant]) -> Floats:
        """Effects (V, E), 0 = nothing changes. Raises VcfError as `windows.alleles`."""


def effects(scorer: Scorer, variants: Sequence[Variant]) -> Floats:
    """Effects (V, E) of any number of variants."""
    return np.concatenate([scorer.score(part) for part in _parts(variants)])


def _parts(variants: Sequence[Variant]) -> Iterator[Sequence[Variant]]:
    for start in range(0, len(variants), BATCH):
        yield variants[start : start + BATCH]


@dataclass(frozen=True, eq=False)
class ClassEffects:
    """By a classifier of sequences: how the log odds of each class change (of two, of the second alone).

    A `VariantClassifier` has seen both alleles: its effects are the log odds of its classes themselves.

    Args:
        length: bases of a window; as the model was trained on.
    """

    model: SequenceModel
    genome: Genome
    length: int

    @property
    def names(self) -> Sequence[str]:
        classes = self.model.classes
        return classes[1:] if len(classes) == 2 else classes

    @torch.no_grad()
    def score(self, variants: Sequence[Variant]) -> Floats:
        pairs = [alleles(self.genome, variant, self.length) for variant in variants]
        reference_VL, alternative_VL = _stacked(pairs)
        if isinstance(self.model, VariantClassifier):
            batch = {"bases": reference_VL, "alternative": alternative_VL}
            return _odds(self.model.encode(batch, "class_logits"))
        with_alternative, without = (
            _odds(self.model.encode({"bases": bases}, "class_logits")) for bases in (alternative_VL, reference_VL)
        )
        return with_alternative - without


@dataclass(frozen=True, eq=False)
class OpennessEffects:
    """By GeneBERT's two-modality read-out: how the log odds of being open change in a cell type.

    The regions about the variant are as they are; what touches a window about its own peaks is left out, or about the
    nearest one where it has none. Each allele is read in two windows, in the middle of the second half of one and of
    the first half of the other, as no known motif is found over the cut between halves; the mean is taken.
    """

    model: Openness
    reader: "RegionReader"
    cell_type: str

    @property
    def names(self) -> Sequence[str]:
        return (f"open in {self.cell_type}",)

    @property
    def length(self) -> int:
        return 3 * self.reader.sizes.segment

    @torch.no_grad()
    def score(self, variants: Sequence[Variant]) -> Floats:
        found = [self._of(variant) for variant in variants]
        odds = [_odds(self.model.encode(collate(rows, fill={}), "openness")) for rows in zip(*found, strict=True)]
        reference, alternative = (np.mean(of_allele, axis=0) for of_allele in (odds[:2], odds[2:]))
        difference: Floats = alternative - reference
        return difference

    def _of(self, variant: Variant) -> list[dict[str, object]]:
        """Samples with the reference in two windows, and with the alternative in the same two."""
        segment, pair = self.reader.sizes.segment, alleles(self.reader.genome, variant, self.length)
        windows = [codes[first : first + 2 * segment] for codes in pair for first in (0, segment)]
        end = variant.position + len(variant.reference)
        regions = self.reader.region_fields(self.cell_type, variant.chromosome, variant.position, end)
        named = {"id": variant.name, "group": 0}
        return [{**named, **regions, **self.reader.sequence_fields(codes)} for codes in windows]


def _stacked(pairs: Sequence[Alleles]) -> tuple[Tensor, Tensor]:
    reference_VL, alternative_VL = (torch.from_numpy(np.stack(side)) for side in zip(*pairs, strict=True))
    return reference_VL, alternative_VL


def _odds(logits_VK: Tensor) -> Floats:
    """Log odds of each class against the rest; of two classes, of the second alone (V, E)."""
    odds_VK = all_log_odds(logits_VK.double().cpu().numpy())
    return odds_VK if odds_VK.shape[1] > 2 else odds_VK[:, 1:]
