"""GeneBERT: sequence and regulatory regions (arXiv 2110.05231).

The paper's body could not be read. (a): its abstract says so; (b): others say so of it; the rest is our choice.

    a sequence (a), two halves -> k-mers -> BERT (b), or a stem ---+-- states -> masked k-mers (b)
                                                                  +-- pooled -> is B the half that follows A?
           known motifs hit in each half ----------------------+-- pooled --+
    motifs x regions (a) -> Swin, or another --+--------------> z_R -----------+-> does the sequence belong to the
             hits above what is usual ---------+                                   regions?

Legend: B rows, L tokens, M motifs, R regions, D width, K masked positions.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.hub import Model
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.bert import BERT_BASE, Bert, BertConfig
from quatrefoil.core.nn.heads import PairClassifier, TokenHead
from quatrefoil.core.nn.transformer import TransformerConfig, initialise
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import Tokens, view
from quatrefoil.genomics.datasets.pretraining.fields import ASSET, SCORED, USUAL
from quatrefoil.genomics.models.dnabert_weights import initialise_from_dnabert
from quatrefoil.genomics.models.known_motifs import KnownMotifs
from quatrefoil.genomics.models.masked_sequences import share_of_hits
from quatrefoil.genomics.models.region_encoders import Enrichment, RegionsConfig
from quatrefoil.genomics.models.stem_bert import StemBert
from quatrefoil.genomics.models.stem_encoder import Stem, StemEncoderConfig
from quatrefoil.genomics.sequence.kmers import PAD, KmerVocabulary


@dataclass(frozen=True, kw_only=True)
class GeneBertConfig:
    """GeneBERT's open choices.

    Args:
        k: length of the k-mers; the vocabulary has 4^k + 5 tokens.
        max_positions: the most tokens of a sequence that a plain BERT reads.
        transformer: of the sequence encoder; post-norm, with a stem pre-norm.
        stem: convolutions before the transformer (see `stem_encoder`); None = a plain BERT, as DNABERT's.
        regions: the encoder of the matrix; a map brings its code to the sequence's width where they differ.
        known_motifs: add to the sequence's code which motifs of the matrix are hit in it (see `KnownMotifs`): the most
            bases of a motif; None = the encoder finds its motifs alone, as the paper's.
        enrichment: add to the regions' code how much more than usual each motif is hit (see `Enrichment`).
        dnabert: folder, file or hub id of DNABERT's weights to start from; None = random weights.
    """

    k: int = 6
    max_positions: int = 512
    transformer: TransformerConfig = BERT_BASE
    stem: Stem | None = None
    known_motifs: int | None = None
    regions: RegionsConfig
    enrichment: bool = True
    dnabert: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        if self.known_motifs is not None and self.known_motifs < 1:
            raise ValueError(f"model.known_motifs={self.known_motifs}: the most bases of a motif, or null")
        if self.stem is not None and self.dnabert is not None:
            raise ValueError(f"DNABERT has no stem: set model.stem=null to start from dnabert={self.dnabert}")

    def bert(self) -> Bert | StemBert:
        """The sequence encoder."""
        if self.stem is not None:
            return StemBert(StemEncoderConfig(k=self.k, transformer=self.transformer, **asdict(self.stem)))
        return BertConfig(
            vocab_size=KmerVocabulary(self.k).size,
            max_positions=self.max_positions,
            pooler=True,
            transformer=self.transformer,
        ).build()

    @property
    def model_type(self) -> type["GeneBert"]:
        return GeneBert

    def build(self) -> "GeneBert":
        model = self.model_type(self)
        if self.dnabert is not None:
            assert isinstance(model.bert, Bert)
            initialise_from_dnabert(model.bert, self.dnabert, model.token_head)
            model.started_from = f"{self.dnabert} (DNABERT), fresh: what is not of its sequence encoder"
        return model


class GeneBert(Model):
    """A sequence's code does not depend on the regions, so that it can be used where there are none."""

    asset_names: ClassVar[tuple[str, ...]] = (ASSET, USUAL, SCORED)
    reading_assets: ClassVar[tuple[str, ...]] = (USUAL, SCORED)  # refused by `check_assets` where they matter

    def __init__(self, config: GeneBertConfig) -> None:
        super().__init__()
        self.config, width = config, config.transformer.width
        self.bert = config.bert()
        self.region_encoder = config.regions.build()
        self.region_map = nn.Identity() if config.regions.width == width else nn.Linear(config.regions.width, width)
        initialise(self.region_map)
        self.enrichment = Enrichment(config.regions.rows, width) if config.enrichment else None
        words = self.bert.token_embedding.weight if isinstance(self.bert, Bert) else self.bert.decoded
        self.token_head = TokenHead(width, words, norm_eps=config.transformer.norm_eps)
        self.next_head = PairClassifier(width)
        self.match_head = FusedPair(width)
        # Last, so that GeneBERT's other parts start alike with and without them.
        longest = config.known_motifs
        self.known_motifs = None if longest is None else KnownMotifs(config.regions.rows, longest, config.k, width)

    def check_assets(self) -> None:
        """Raise `ValueError` where sequences or regions of the data do not fit the model.

        A model that does not know yet which hits are usual, and how motifs are scored, takes it from the data.
        """
        facts = json.loads(self.assets[ASSET])
        if facts["k"] != self.config.k:
            raise ValueError(f"data.k={facts['k']}, but model.k={self.config.k}; set both alike")
        tokens = 2 * (facts["segment"] - facts["k"] + 1) + 3
        if isinstance(self.bert, Bert) and tokens > self.config.max_positions:
            raise ValueError(
                f"two segments of {facts['segment']} bases are {tokens} tokens, but model.max_positions="
                f"{self.config.max_positions}; shorten data.segment"
            )
        self.config.regions.check(len(facts["motifs"]), facts["regions"])
        if self.enrichment is not None:
            self.enrichment.set_usual(**json.loads(self.assets[USUAL]))
        if self.known_motifs is not None:
            if (tables := json.loads(self.assets[SCORED])) is None:
                raise ValueError(
                    "the matrix was built of hits that were made before, which do not say how motifs are scored; build "
                    "it with --motifs, or train with model.known_motifs=null"
                )
            self.known_motifs.set_motifs(**tables)

    def require_motifs(self, motifs: int) -> None:
        """Raise `ValueError` where the data name another number of motifs than `motifs`."""
        if (found := len(json.loads(self.assets[ASSET])["motifs"])) != motifs:
            raise ValueError(f"the data name {found} motifs, model.motifs={motifs}; set it to theirs")

    @view
    def tokens(self, ids: Tensor, token_mask: Tensor, segments: Tensor) -> Tokens:
        """(B, L, D): states of [CLS] A [SEP] B [SEP], nothing masked."""
        return Tokens(self.bert(ids, token_mask, segments), token_mask)

    @view
    def sequence(self, tokens: Tokens, ids: Tensor, segments: Tensor) -> Tensor:
        """z_S (B, D), the pooled state of [CLS]: what other tasks start from."""
        code_BD = self.bert.pool(tokens.states_BTD)
        if self.known_motifs is None:
            return code_BD
        hits_BD: Tensor = self.known_motifs(ids.masked_fill(~tokens.mask_BT, PAD), segments)
        return code_BD + hits_BD

    @view
    def masked_tokens(self, masked_ids: Tensor, token_mask: Tensor, segments: Tensor) -> Tokens:
        """(B, L, D): the same states where k-mers are masked; one pass serves all three tasks, as BERT's does."""
        return self.tokens(masked_ids, token_mask, segments)

    @view
    def masked_sequence(self, masked_tokens: Tokens, masked_ids: Tensor, segments: Tensor) -> Tensor:
        """z_S (B, D) of the masked sequence."""
        return self.sequence(masked_tokens, masked_ids, segments)

    @view
    def regions(self, matrix: Tensor, region_mask: Tensor) -> Tensor:
        """z_R (B, D) of a window of regions: `matrix` (a) (B, M, R), `region_mask` (B, R)."""
        code_BD: Tensor = self.region_map(self.region_encoder(matrix, region_mask))
        return code_BD if self.enrichment is None else code_BD + self.enrichment(matrix, region_mask)

    @view
    def token_logits(self, masked_tokens: Tokens, labels: Tensor) -> Tensor:
        """(K, vocabulary) at the masked positions."""
        logits_KV: Tensor = self.token_head(masked_tokens.states_BTD[labels != IGNORE])
        return logits_KV

    @view
    def masked_hits(self, token_logits: Tensor, labels: Tensor) -> Tensor:
        """(B, 1), the share of a row's masked k-mers whose own logit alone is the highest."""
        return share_of_hits(token_logits, labels)

    @view
    def next_segment(self, masked_sequence: Tensor) -> Tensor:
        """(B, 2), class 1: B follows A."""
        logits_B2: Tensor = self.next_head(masked_sequence)
        return logits_B2

    @view
    def match(self, masked_sequence: Tensor, regions: Tensor) -> Tensor:
        """(B, 2), class 1: A comes from one of the regions, or from where one was taken out."""
        logits_B2: Tensor = self.match_head(masked_sequence, regions)
        return logits_B2


class FusedPair(nn.Module):
    """Do two codes belong together? An MLP of [a; b; a * b; |a - b|]: on [a; b] alone a linear map could not match."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fuse, self.classify = nn.Linear(4 * width, width), PairClassifier(width)
        initialise(self)

    def forward(self, a_BD: Tensor, b_BD: Tensor) -> Tensor:
        """(B, 2)."""
        sides = torch.cat([a_BD, b_BD, a_BD * b_BD, (a_BD - b_BD).abs()], 1)
        logits_B2: Tensor = self.classify(nnf.gelu(self.fuse(sides)))
        return logits_B2
