"""The classifier that pre-training is for: BERT on overlapping k-mers, one code per sequence, one linear layer.

    bases -> k-mers, in pieces that fit BERT -> states -> one code per piece -> their mean -> logits

Legend: B sequences, L bases, W k-mers of the longest, P pieces of all sequences, T tokens of a piece, D width.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.bert import BertConfig, bert_transformer
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import Tokens, view
from quatrefoil.genomics.models.bases import kmer_ids
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.models.dnabert_weights import initialise_from_dnabert
from quatrefoil.genomics.models.pretrained import initialise_from_pretrained, refuse_two_starts
from quatrefoil.genomics.sequence.kmers import CLS, PAD, SEP, KmerVocabulary

SMALL = bert_transformer(128, 4, 4)
Pooling = Literal["mean", "cls", "pooler"]


@dataclass(frozen=True, kw_only=True)
class SequenceClassifierConfig(ClassifierConfig):
    """Sizes and choices.

    Args:
        k: length of the k-mers, 3-6.
        max_positions: the most tokens of a piece; longer sequences are read in pieces (DNABERT-XL's idea).
        transformer: post-norm.
        pooling: a piece's code: the `mean` of its k-mers' states, that of `cls`, or the `pooler`'s, a tanh layer on it.
        dropout: of the code, in training.
        pretrained: run, checkpoint or model folder of a pre-training to start from; None = random weights.
        dnabert: folder, file or hub id of DNABERT's weights to start from instead.
    """

    k: int = 6
    max_positions: int = 512
    transformer: TransformerConfig = SMALL
    pooling: Pooling = "mean"
    dropout: float = 0.1
    pretrained: str | None = field(default=None, metadata=START)
    dnabert: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        refuse_two_starts(self.pretrained, self.dnabert)
        if not 3 <= self.k <= 6:
            raise ValueError(f"model.k is {self.k}; k-mers of 3 to 6 bases are what DNABERT's vocabularies have")
        if self.max_positions < 3:
            raise ValueError(f"model.max_positions is {self.max_positions}; [CLS], a k-mer and [SEP] take 3")

    @property
    def bert(self) -> BertConfig:
        return BertConfig(
            vocab_size=KmerVocabulary(self.k).size,
            max_positions=self.max_positions,
            pooler=self.pooling == "pooler",
            transformer=self.transformer,
        )

    @property
    def least_bases(self) -> int:
        return self.k

    @property
    def model_type(self) -> type["SequenceClassifier"]:
        return SequenceClassifier

    def build(self) -> "SequenceClassifier":
        model = self.model_type(self)
        if self.pretrained is not None:
            initialise_from_pretrained(model.bert, self.pretrained)
            model.started_from = f"{self.pretrained}, fresh: all but its encoder of k-mers"
        if self.dnabert is not None:
            initialise_from_dnabert(model.bert, self.dnabert)
            model.started_from = f"{self.dnabert} (DNABERT), fresh: what is not of its encoder"
        return model


class Pieces(NamedTuple):
    """`ids_PT` as BERT reads them, `mask_PT` True at real tokens, and the sequence of each piece, `row_P`."""

    ids_PT: Tensor
    mask_PT: Tensor
    row_P: Tensor


class SequenceClassifier(SequenceModel):
    """The encoder is GeneBERT's sequence encoder; regions are not seen."""

    def __init__(self, config: SequenceClassifierConfig) -> None:
        super().__init__(config, config.transformer.width)
        self.config = config
        self.bert = config.bert.build()
        self.dropout = nn.Dropout(config.dropout)

    @view
    def pieces(self, bases: Tensor) -> Pieces:
        """[CLS] k-mers [SEP], cut from the start of each sequence into as few pieces as fit."""
        return cut(kmer_ids(bases, self.config.k), self.config.max_positions)

    @view
    def tokens(self, pieces: Pieces) -> Tokens:
        """(P, T, D)."""
        whole = bool(pieces.mask_PT.all())
        return Tokens(self.bert(pieces.ids_PT, None if whole else pieces.mask_PT), pieces.mask_PT)

    @view
    def sequence(self, tokens: Tokens, pieces: Pieces, bases: Tensor) -> Tensor:
        """(B, D): the mean of the codes of a sequence's pieces, each weighted by its number of k-mers."""
        kmers_P1 = pieces.mask_PT.sum(1, keepdim=True) - 2
        code_BD = tokens.states_BTD.new_zeros(len(bases), self.config.transformer.width, dtype=torch.float32)
        code_BD = code_BD.index_add(0, pieces.row_P, (kmers_P1 * self._code(tokens, pieces)).float())
        total_B1 = kmers_P1.new_zeros(len(bases), 1).index_add(0, pieces.row_P, kmers_P1)
        return code_BD / total_B1

    @view
    def strand_logits(self, sequence: Tensor) -> Tensor:
        """(B, K)."""
        return self.logits_of(self.dropout(sequence))

    def _code(self, tokens: Tokens, pieces: Pieces) -> Tensor:
        """(P, D)."""
        if self.config.pooling == "mean":
            real_PT = pieces.mask_PT & (pieces.ids_PT != CLS) & (pieces.ids_PT != SEP)
            return Tokens(tokens.states_BTD, real_PT).mean()
        return self.bert.pool(tokens.states_BTD) if self.config.pooling == "pooler" else tokens.states_BTD[:, 0]


def cut(ids_BW: Tensor, max_positions: int) -> Pieces:
    """K-mers of each row, `PAD` after its last, in pieces of at most `max_positions` tokens with [CLS] and [SEP]."""
    rows, windows = ids_BW.shape
    size = min(max_positions - 2, windows)
    count = -(-windows // size)
    padded = nn.functional.pad(ids_BW, (0, count * size - windows), value=PAD)
    kmers_PT = padded.view(rows * count, size)
    used_P = kmers_PT[:, 0] != PAD
    row_P = torch.arange(rows, device=ids_BW.device).repeat_interleave(count)[used_P]
    ids_PT = nn.functional.pad(nn.functional.pad(kmers_PT[used_P], (1, 0), value=CLS), (0, 1), value=PAD)
    end_P1 = (ids_PT != PAD).sum(1, keepdim=True)
    ids_PT = ids_PT.scatter(1, end_P1, SEP)
    return Pieces(ids_PT, ids_PT != PAD, row_P)
