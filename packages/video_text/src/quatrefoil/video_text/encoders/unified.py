"""One encoder and one decoder for tokens of several modalities (VLSA, arXiv 2405.07202, section 3), from core's blocks.

Both are as in masked autoencoders (He et al. 2021, arXiv 2111.06377).

Legend: B rows, T tokens, V visible tokens, D width of the encoder, E width of the decoder.
"""

from collections.abc import Collection, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.video_text.encoders.patches import PatchEmbedding, Positions, hidden_places, take, wide

Modality = Literal["video", "text", "audio"]
MODALITIES: tuple[Modality, ...] = ("video", "text", "audio")


def mae_transformer(width: int, layers: int, heads: int) -> TransformerConfig:
    """A stack of masked autoencoders' blocks: pre-norm, with their epsilon, not scaled with depth."""
    return TransformerConfig(width=width, layers=layers, heads=heads, norm_eps=1e-6, depth_scaled=False)


MAE_BASE, MAE_BASE_DECODER = mae_transformer(768, 12, 12), mae_transformer(512, 8, 16)


def sharing_groups(shared: Collection[Modality]) -> tuple[tuple[Modality, ...], ...]:
    """Who has a module together: the shared modalities, and each other one alone.

    Raises:
        ValueError: one modality, which has nobody to share with, or one that is named twice or unknown.
    """
    together = tuple(modality for modality in MODALITIES if modality in shared)
    if len(together) != len(shared) or len(together) == 1:
        raise ValueError(f"share among two or three of {', '.join(MODALITIES)}, or among none, not {tuple(shared)}")
    alone = tuple((modality,) for modality in MODALITIES if modality not in together)
    return (together, *alone) if together else alone


class NormedStack(nn.Module):
    """A stack of pre-norm blocks and the norm at its end."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.transformer = config.build()
        self.norm = nn.LayerNorm(config.width, eps=config.norm_eps)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """(B, T, D)."""
        states_BTD: Tensor = self.norm(self.transformer(x_BTD, mask_BT=mask_BT))
        return states_BTD


class UnifiedEncoder(nn.Module):
    """Tokens of the modalities that share a stack see one another; what is given alone is encoded alone.

    That modalities with stacks of their own do not see the others is our choice: the paper says of its ablation
    (figure 3) only whose weights are shared.
    """

    def __init__(self, config: TransformerConfig, shared: Collection[Modality]) -> None:
        super().__init__()
        self.config, self.groups = config, sharing_groups(shared)
        self.stacks = nn.ModuleList(NormedStack(config) for _ in self.groups)

    def forward(
        self, tokens: Mapping[Modality, Tensor], masks: Mapping[Modality, Tensor] | None = None
    ) -> dict[Modality, Tensor]:
        """States (B, V, D) of each modality's tokens.

        Args:
            masks: boolean (B, V), True = a real token, of the modalities that are not real throughout.
        """
        states: dict[Modality, Tensor] = {}
        for group, stack in zip(self.groups, self.stacks, strict=True):
            given = [modality for modality in group if modality in tokens]
            if given:
                parts = [tokens[modality] for modality in given]
                joined_BTD = stack(torch.cat(parts, 1), _joined_mask(given, tokens, masks or {}))
                states |= zip(given, joined_BTD.split([part.shape[1] for part in parts], 1), strict=True)
        return states


def _joined_mask(
    given: Collection[Modality], tokens: Mapping[Modality, Tensor], masks: Mapping[Modality, Tensor]
) -> Tensor | None:
    if not any(modality in masks for modality in given):
        return None
    real = {modality: torch.ones_like(tokens[modality][..., 0], dtype=torch.bool) for modality in given}
    return torch.cat([masks.get(modality, real[modality]) for modality in given], 1)


class Decoder(nn.Module):
    """From visible states to states of all tokens: a learned token stands for those that were hidden.

    Args:
        hides: there are such tokens; words are masked by their ids and all visible.
    """

    def __init__(self, width: int, config: TransformerConfig, *, hides: bool) -> None:
        super().__init__()
        self.embed = nn.Linear(width, config.width)
        self.hidden_token = nn.Parameter(torch.empty(config.width)) if hides else None
        self.stack = NormedStack(config)

    def forward(
        self,
        states_BVD: Tensor,
        positions_TE: Tensor,
        *,
        visible_BV: Tensor | None = None,
        mask_BT: Tensor | None = None,
    ) -> Tensor:
        """(B, T, E).

        Args:
            visible_BV: int64 places of the visible tokens; None where all T are.
            mask_BT: boolean, True = a real token.
        """
        tokens_BTE = self.embed(states_BVD)
        if visible_BV is not None:
            assert self.hidden_token is not None
            hidden_BTE = self.hidden_token.to(tokens_BTE.dtype).expand(len(tokens_BTE), len(positions_TE), -1)
            tokens_BTE = hidden_BTE.scatter(1, wide(visible_BV, tokens_BTE), tokens_BTE)
        decoded_BTE: Tensor = self.stack(tokens_BTE + positions_TE, mask_BT)
        return decoded_BTE


class SharedDecoder(nn.Module):
    """One decoder for the modalities that share it, one for each other; each modality is decoded by itself.

    Args:
        sizes: places on each axis of a modality's positions, which are its own.
    """

    def __init__(
        self,
        width: int,
        config: TransformerConfig,
        shared: Collection[Modality],
        sizes: Mapping[Modality, tuple[int, ...]],
    ) -> None:
        super().__init__()
        groups = sharing_groups(shared)
        self.decoders = nn.ModuleList(Decoder(width, config, hides=group != ("text",)) for group in groups)
        self.positions = nn.ModuleDict({modality: Positions(axes, config.width) for modality, axes in sizes.items()})
        self.number_of = {modality: number for number, group in enumerate(groups) for modality in group}

    def forward(self, modality: Modality, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """(B, T, E), where all tokens are visible. `mask_BT` is True at real ones."""
        positions_TE = self.positions[modality](states_BTD.shape[1])
        decoded_BTE: Tensor = self.decoders[self.number_of[modality]](states_BTD, positions_TE, mask_BT=mask_BT)
        return decoded_BTE

    def hidden(self, modality: Modality, states_BVD: Tensor, visible_BV: Tensor, tokens: int) -> Tensor:
        """(B, T - V, E), the tokens that are not visible, of all T."""
        decoder, positions_TE = self.decoders[self.number_of[modality]], self.positions[modality](tokens)
        decoded_BTE: Tensor = decoder(states_BVD, positions_TE, visible_BV=visible_BV)
        return take(decoded_BTE, hidden_places(visible_BV, tokens))


def start_as_mae(module: nn.Module) -> None:
    """Xavier's uniform rule for all linear layers, normal numbers of deviation 0.02 for tables and lone vectors.

    Places of patches, and all places in a decoder, are added to what a linear layer gives, which is about one, and are
    fixed sines in masked autoencoders: learned ones start as loud as those. At 0.02 nobody sees them: text did not find
    out in 150 steps which of 16 patches of sound was loud (loss at chance, 2.77), and does (0.63).
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, std=0.02)
        elif isinstance(part, Positions):
            nn.init.normal_(part.modality, std=0.02)
        elif isinstance(part, Decoder) and part.hidden_token is not None:
            nn.init.normal_(part.hidden_token, std=0.02)
    for part in module.modules():  # after all tables: a module comes before its parts
        if isinstance(part, PatchEmbedding):
            part.positions.start_as_loud_as_sines()
        elif isinstance(part, SharedDecoder):
            for positions in part.positions.values():
                assert isinstance(positions, Positions)
                positions.start_as_loud_as_sines()
