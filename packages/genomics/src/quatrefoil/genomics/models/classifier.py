"""What all models that tell classes of sequences apart have in common.

Legend: B sequences, L bases, K classes, D width.
"""

import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from quatrefoil.core.data import DataModule
from quatrefoil.core.hub import Model
from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import Views, view
from quatrefoil.core.wording import counted
from quatrefoil.genomics.datasets.labelled.module import CLASSES, LabelledModule
from quatrefoil.genomics.models.bases import other_strand, padded
from quatrefoil.genomics.sequence.codes import Codes
from quatrefoil.genomics.sequence.fasta import codes_of


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """What every classifier of sequences needs to know.

    Args:
        classes: how many; None = as many as the training data have.
        both_strands: once trained, the logits of a sequence are the mean of those of its two strands; None = where
            training reads both (`data.both_strands`).
    """

    classes: int | None = None
    both_strands: bool | None = None

    @property
    def least_bases(self) -> int:
        """The shortest sequence that the model can read."""
        return 1

    @property
    @abstractmethod
    def model_type(self) -> type["SequenceModel"]: ...

    def build(self) -> "SequenceModel":
        return self.model_type(self)  # type: ignore[call-arg]  # the width is known to each model

    def fitted(self, data: DataModule) -> Self:
        """With the number of classes of the data, and both strands where the data have no direction.

        Raises:
            ValueError: the data have no classes, another number than was asked for, or a sequence that is too short.
        """
        if CLASSES not in data.assets():
            raise ValueError(f"{data.describe()['name']}: these data have no classes; use labelled sequences")
        names = json.loads(data.assets()[CLASSES])
        if self.classes not in (None, len(names)):
            raise ValueError(f"model.classes={self.classes}, but the data have {len(names)}: {', '.join(names)}")
        if isinstance(data, LabelledModule):
            data.refuse_shorter(self.least_bases)
        undirected = bool(data.describe().get("both_strands", False))
        both_strands = undirected if self.both_strands is None else self.both_strands
        return replace(self, classes=len(names), both_strands=both_strands)


class SequenceModel(Model):
    """A model whose view `class_logits` (B, K) is made from the field `bases` (B, L), by its own `strand_logits`.

    Args:
        width: of what the last layer reads.
    """

    asset_names = (CLASSES,)

    def __init__(self, config: ClassifierConfig, width: int) -> None:
        super().__init__()
        self.both_strands, self.least_bases, self.width = bool(config.both_strands), config.least_bases, width
        # Without data (`describe`) the number of classes is not known, and neither is the last layer.
        self.head = nn.Linear(width, config.classes) if config.classes is not None else None
        if self.head is not None:
            initialise(self.head)

    @view
    def class_logits(self, strand_logits: Tensor, bases: Tensor) -> Tensor:
        """(B, K), not depending on the strand that was read where that means nothing; training reads one of them."""
        if self.training or not self.both_strands:
            return strand_logits
        other_BK: Tensor = Views(self, {"bases": other_strand(bases)})["strand_logits"]
        return (strand_logits + other_BK) / 2

    def logits_of(self, code_BD: Tensor) -> Tensor:
        """(B, K)."""
        assert self.head is not None, "built without classes: `fitted` tells how many there are"
        logits_BK: Tensor = self.head(code_BD)
        return logits_BK

    def check_data(self, data: DataModule) -> None:
        """Raise `TextError` for a sequence that is too short; its line is named."""
        if isinstance(data, LabelledModule):
            data.refuse_shorter(self.least_bases)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the logits."""
        names: list[str] = json.loads(self.assets[CLASSES])
        return names

    @torch.no_grad()
    def logits(self, sequences: Iterable[Codes]) -> Tensor:
        """Of each class (B, K), fp32 on the CPU, of sequences of any lengths."""
        device = next(self.parameters()).device
        return self.eval().encode({"bases": padded(sequences).to(device)}, "class_logits").float().cpu()

    def predict(self, sequences: Sequence[str]) -> Tensor:
        """The probability of each class (B, K), fp32 on the CPU, of sequences as text.

        Raises:
            ValueError: no sequence, one that is no DNA or too short for this model, or no list of texts.
        """
        if isinstance(sequences, str):
            raise ValueError(f"sequences is one text of {len(sequences)} letters; give a list of sequences")
        if not sequences:
            raise ValueError("no sequences; give at least one")
        for place, sequence in enumerate(sequences):
            if not isinstance(sequence, str):
                raise ValueError(f"sequences[{place}] is a {type(sequence).__name__}; give bases as text")
            if len(sequence) < self.least_bases:
                has = counted(len(sequence), "base")
                raise ValueError(
                    f"sequences[{place}] has {has}; this model reads sequences of {self.least_bases} and more"
                )
        return self.logits(map(codes_of, sequences)).softmax(1)


def mean_opinion(*logits_BK: Tensor) -> Tensor:
    """(B, K): the mean of the log-probabilities of several readings.

    One that says the same of all sequences changes no order of them, but makes the answer less sure.
    """
    return torch.stack([logits.float().log_softmax(1) for logits in logits_BK]).mean(0)
