"""BERT (Devlin et al. 2019, arXiv 1810.04805): a bidirectional encoder of token ids over core's post-norm blocks.

Legend: B rows, L tokens, D width.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from quatrefoil.core.nn.transformer import Activation, TransformerConfig, initialise


def bert_transformer(
    width: int,
    layers: int,
    heads: int,
    *,
    mlp_ratio: float = 4.0,
    activation: Activation = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_eps: float = 1e-12,
) -> TransformerConfig:
    """A stack of BERT's blocks: post-norm, not scaled with depth, with BERT's epsilon and dropout."""
    return TransformerConfig(
        width=width,
        layers=layers,
        heads=heads,
        mlp_ratio=mlp_ratio,
        activation=activation,
        norm_order="post",
        norm_eps=norm_eps,
        dropout=dropout,
        attention_dropout=attention_dropout,
        depth_scaled=False,
    )


BERT_BASE = bert_transformer(768, 12, 12)


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Sizes of an encoder; the defaults are those of bert-base-uncased.

    Args:
        vocab_size: rows of the table of words.
        max_positions: the most tokens that a row may have.
        type_vocab_size: kinds of token (first and second segment).
        pooler: a tanh layer on the first token, as next-sentence prediction trains it; see `Bert.pool`.
        transformer: post-norm, as the embeddings end with a norm; its dropout is also that of the embeddings.

    Raises:
        ValueError: a size that is not positive, or a pre-norm transformer.
    """

    vocab_size: int = 30522
    max_positions: int = 512
    type_vocab_size: int = 2
    pooler: bool = False
    transformer: TransformerConfig = BERT_BASE

    def __post_init__(self) -> None:
        if min(self.vocab_size, self.max_positions, self.type_vocab_size) < 1:
            raise ValueError(f"every table of BERT needs a row: {self}")
        if self.transformer.norm_order != "post":
            raise ValueError(
                "BERT is post-norm (a norm stands before its first block); set transformer.norm_order=post"
            )

    def build(self) -> "Bert":
        return Bert(self)


class Bert(nn.Module):
    """Words, positions and types added and normalised, then a stack of blocks."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config, width = config, config.transformer.width
        self.token_embedding = nn.Embedding(config.vocab_size, width)
        self.position_embedding = nn.Embedding(config.max_positions, width)
        self.type_embedding = nn.Embedding(config.type_vocab_size, width)
        self.embedding_norm = nn.LayerNorm(width, eps=config.transformer.norm_eps)
        self.dropout = nn.Dropout(config.transformer.dropout)
        self.pooler = nn.Linear(width, width) if config.pooler else None
        initialise(self)
        self.transformer = config.transformer.build()  # which has its own start

    def forward(self, ids_BL: Tensor, mask_BL: Tensor | None = None, types_BL: Tensor | None = None) -> Tensor:
        """Token states, (B, L, D); those at padded positions are finite and mean nothing.

        Args:
            mask_BL: boolean, True = a real token; None, the fast path, where nothing is padded.
            types_BL: ids of token types; None = all of type 0.

        Raises:
            ValueError: more tokens than positions, or a mask that is not boolean.
        """
        embedded_BLD = self.dropout(self.embedding_norm(self._embed(ids_BL, types_BL)))
        tokens_BLD: Tensor = self.transformer(embedded_BLD, mask_BT=mask_BL)
        return tokens_BLD

    def _embed(self, ids_BL: Tensor, types_BL: Tensor | None) -> Tensor:
        length, most = ids_BL.shape[1], self.config.max_positions
        if length > most:
            raise ValueError(f"{length} tokens exceed max_positions {most}; truncate the rows or raise max_positions")
        types = self.type_embedding.weight[0] if types_BL is None else self.type_embedding(types_BL)
        embedded_BLD: Tensor = self.token_embedding(ids_BL) + self.position_embedding.weight[:length] + types
        return embedded_BLD

    def pool(self, tokens_BLD: Tensor) -> Tensor:
        """(B, D): tanh of a linear map of the first token's state.

        Raises:
            ValueError: the encoder was built without a pooler.
        """
        if self.pooler is None:
            raise ValueError("this BERT has no pooler; set pooler=true in its configuration, or read tokens[:, 0]")
        pooled_BD: Tensor = self.pooler(tokens_BLD[:, 0]).tanh()
        return pooled_BD
