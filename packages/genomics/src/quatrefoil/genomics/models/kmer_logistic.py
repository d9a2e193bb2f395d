"""The oldest baseline: logistic regression on counts of k-mers, trained as all other models are.

Legend: B sequences, L bases, F features.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from quatrefoil.core.views import view
from quatrefoil.genomics.models.bases import kmer_ids
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.sequence.kmers import SPECIAL_TOKENS


@dataclass(frozen=True, kw_only=True)
class KmerLogisticConfig(ClassifierConfig):
    """Which k-mers are counted: all of `shortest` to `longest` bases."""

    shortest: int = 3
    longest: int = 6

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest <= 6:
            raise ValueError(f"model: k-mers of 1 to 6 bases can be counted, shortest first: {self}")

    @property
    def lengths(self) -> range:
        return range(self.shortest, self.longest + 1)

    @property
    def model_type(self) -> type["KmerLogistic"]:
        return KmerLogistic


class KmerLogistic(SequenceModel):
    """Linear in the counts; weight decay is its regularisation."""

    def __init__(self, config: KmerLogisticConfig) -> None:
        super().__init__(config, sum(4**k for k in config.lengths))
        self.config = config
        if self.head is not None:
            torch.nn.init.zeros_(self.head.weight)

    @view
    def counts(self, bases: Tensor) -> Tensor:
        """(B, F): for each length, the counts of its k-mers as a vector of length one."""
        return kmer_profile(bases, self.config.lengths, "model.longest")

    @view
    def strand_logits(self, counts: Tensor) -> Tensor:
        """(B, K)."""
        return self.logits_of(counts)


def kmer_profile(bases_BL: Tensor, lengths: Iterable[int], key: str) -> Tensor:
    """(B, F): for each length, the counts of its k-mers as a vector of length one.

    Args:
        key: the setting that the lengths are from.

    Raises:
        ValueError: a row that is shorter than a length; names the key.
    """
    return torch.cat([torch.nn.functional.normalize(count_kmers(bases_BL, k, key), dim=1) for k in lengths], 1)


def count_kmers(bases_BL: Tensor, k: int, key: str = "model.k") -> Tensor:
    """How often each k-mer occurs, (B, 4^k), in the order of `KmerVocabulary`; none with an unknown base is counted."""
    ids_BW = kmer_ids(bases_BL, k, key)
    counts_BV = torch.zeros(len(ids_BW), 4**k + len(SPECIAL_TOKENS), device=ids_BW.device)
    counts_BV.scatter_add_(1, ids_BW, torch.ones_like(ids_BW, dtype=counts_BV.dtype))
    return counts_BV[:, len(SPECIAL_TOKENS) :]
