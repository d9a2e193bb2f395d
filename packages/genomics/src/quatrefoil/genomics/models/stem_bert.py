"""BERT behind a stem where a plain BERT could stand: the same tokens in, a state for each of them out.

    ids of [CLS] A [SEP] B [SEP] -> stem and transformer -> a state per token
                                                         -> what attention picks and the highest of every channel
                                                            -> the state of [CLS]

Our choice, see `stem_encoder`. A piece in which [CLS] stands holds k-mers too, so that its state would not be one of
the whole sequence; here it is.

Legend: B rows, L tokens, D width.
"""

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import Tokens
from quatrefoil.genomics.models.pooling import picked_and_highest
from quatrefoil.genomics.models.stem_encoder import PerKmer, StemEncoderConfig
from quatrefoil.genomics.sequence.kmers import PAD


class StemBert(nn.Module):
    """`encoder.*` is what `StemClassifier` takes up with `model.pretrained`."""

    def __init__(self, config: StemEncoderConfig) -> None:
        super().__init__()
        self.encoder, width = config.build(), config.width
        self.per_kmer, self.attention = PerKmer(config), nn.Linear(width, 1)
        self.picked_norm, self.highest_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.gathered, self.pooler = nn.Linear(2 * width, width), nn.Linear(width, width)
        # Not the tokens' own table, which is long (see `StemEncoder`): logits over it would start far from even.
        self.decoded = nn.Parameter(torch.empty_like(self.encoder.token_embedding.weight))
        nn.init.normal_(self.decoded, std=width**-0.5)
        for part in (self.per_kmer, self.attention, self.gathered, self.pooler):
            initialise(part)

    def forward(self, ids_BL: Tensor, mask_BL: Tensor | None = None, types_BL: Tensor | None = None) -> Tensor:
        """Token states, (B, L, D); those at padded positions are finite and mean nothing.

        Args:
            mask_BL: boolean, True = a real token; None = all but [PAD].
            types_BL: not needed: [SEP] tells them.
        """
        if mask_BL is not None:
            ids_BL = ids_BL.masked_fill(~mask_BL, PAD)
        encoded = self.encoder.of_ids(ids_BL)
        states = Tokens(self.per_kmer(encoded), encoded.kmers.mask_BT)
        picked_BD, highest_BD = picked_and_highest(states, self.attention(states.states_BTD)[..., 0]).chunk(2, dim=1)
        # The highest of many is high in every channel and every sequence: without norms that is most of the code.
        code_BD = self.gathered(torch.cat([self.picked_norm(picked_BD), self.highest_norm(highest_BD)], 1))
        return torch.cat([code_BD[:, None], states.states_BTD[:, 1:]], 1)

    def pool(self, tokens_BLD: Tensor) -> Tensor:
        """(B, D), from the first token's state.

        BERT has a tanh there. Some hundred steps of a loss that does not fall yet saturate it, and then nothing is
        learned through it any more.
        """
        pooled_BD: Tensor = self.pooler(nnf.gelu(tokens_BLD[:, 0]))
        return pooled_BD
