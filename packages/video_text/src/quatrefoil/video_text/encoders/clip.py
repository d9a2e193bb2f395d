"""CLIP's two towers (Radford et al. 2021, arXiv 2103.00020) over core's transformer.

Legend: B rows, C channels, H W pixels, L text tokens, T tokens, D width of a tower, P width of the shared space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import Activation, TransformerConfig, initialise

PIXEL_MEAN = (0.48145466, 0.4578275, 0.40821073)
PIXEL_STD = (0.26862954, 0.26130258, 0.27577711)


def clip_transformer(width: int, layers: int, heads: int, activation: Activation = "quick_gelu") -> TransformerConfig:
    """The sizes of a CLIP tower: pre-norm, and QuickGELU in OpenAI's weights (some later ones use `gelu`)."""
    return TransformerConfig(width=width, layers=layers, heads=heads, activation=activation)


VIT_B_VISION = clip_transformer(768, 12, 12)
VIT_B_TEXT = clip_transformer(512, 12, 8)


def _require_pre_norm(transformer: TransformerConfig) -> None:
    if transformer.norm_order != "pre":
        raise ValueError("CLIP's towers are pre-norm (their final norm stands outside); set transformer.norm_order=pre")


@dataclass(frozen=True, kw_only=True)
class ClipVisionConfig:
    """The visual tower; the defaults are ViT-B/32.

    Args:
        image_size, patch_size: sides in pixels; the patch's divides the image's.
        projection: P.
    """

    image_size: int = 224
    patch_size: int = 32
    projection: int = 512
    transformer: TransformerConfig = VIT_B_VISION

    def __post_init__(self) -> None:
        _require_pre_norm(self.transformer)
        if self.image_size % self.patch_size:
            raise ValueError(f"patch_size {self.patch_size} does not divide image_size {self.image_size}")

    @property
    def tokens(self) -> int:
        """Tokens of one image: the class token and its patches."""
        return 1 + (self.image_size // self.patch_size) ** 2

    def build(self) -> "ClipVision":
        return ClipVision(self)


@dataclass(frozen=True, kw_only=True)
class ClipTextConfig:
    """The text tower; the defaults are those of all ViT-B models of OpenAI.

    Args:
        vocab_size: rows of the pre-trained embedding.
        context_length: the most tokens that a text may have.
        projection: P.
        end_of_text: id of the token whose state is the text's code.
        extra_tokens: rows after the vocabulary's own, e.g. one for a mask token, which CLIP's vocabulary lacks.
    """

    vocab_size: int = 49408
    context_length: int = 77
    projection: int = 512
    end_of_text: int = 49407
    extra_tokens: int = 0
    transformer: TransformerConfig = VIT_B_TEXT

    def __post_init__(self) -> None:
        _require_pre_norm(self.transformer)
        if not 0 <= self.end_of_text < self.vocab_size:
            raise ValueError(f"end_of_text {self.end_of_text} is not an id of a vocabulary of {self.vocab_size}")

    def build(self) -> "ClipText":
        return ClipText(self)


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Both towers, which project to one width."""

    vision: ClipVisionConfig = ClipVisionConfig()
    text: ClipTextConfig = ClipTextConfig()

    def __post_init__(self) -> None:
        if self.vision.projection != self.text.projection:
            raise ValueError(f"projection must be one width, not {self.vision.projection} and {self.text.projection}")


VIT_B_32 = ClipConfig()
VIT_B_16 = ClipConfig(vision=ClipVisionConfig(patch_size=16))


class ClipOutput(NamedTuple):
    """`tokens` (B, T, D) are states after the tower's final norm, `pooled` (B, P) one of them, projected.

    Neither has length one. A tower's `project` takes any of its tokens into the shared space.
    """

    tokens: Tensor
    pooled: Tensor


def normalise_pixels(
    frames: Tensor, mean: Sequence[float] = PIXEL_MEAN, deviation: Sequence[float] = PIXEL_STD
) -> Tensor:
    """uint8 (..., C, H, W) to float32, by the mean and the deviation of each channel (CLIP's), on a scale of 0 to 1.

    Frames travel as bytes, a quarter of the traffic; per channel, so that no constant has to be copied to the device.

    Raises:
        ValueError: anything but uint8 with three channels.
    """
    if frames.dtype != torch.uint8 or frames.ndim < 3 or frames.shape[-3] != 3:
        raise ValueError(f"frames are uint8 (..., 3, H, W), these are {frames.dtype} {tuple(frames.shape)}")
    channels = zip(frames.unbind(-3), mean, deviation, strict=True)
    return torch.stack([(channel / 255 - middle) / spread for channel, middle, spread in channels], dim=-3)


class ClipVision(nn.Module):
    """A ViT whose class token is the image's code."""

    def __init__(self, config: ClipVisionConfig) -> None:
        super().__init__()
        self.config, width = config, config.transformer.width
        self.class_token = nn.Parameter(width**-0.5 * torch.randn(width))
        self.patches = nn.Conv2d(3, width, config.patch_size, stride=config.patch_size, bias=False)
        self.position_embedding = nn.Embedding(config.tokens, width)
        self.input_norm = nn.LayerNorm(width, eps=config.transformer.norm_eps)
        self.transformer = config.transformer.build()
        self.final_norm = nn.LayerNorm(width, eps=config.transformer.norm_eps)
        self.project = nn.Linear(width, config.projection, bias=False)
        for module in (self.patches, self.project):
            initialise(module)
        initialise(self.position_embedding, embedding_std=width**-0.5)

    def forward(self, pixels_BCHW: Tensor) -> ClipOutput:
        """Normalised pixels to tokens [class | patches, row by row] and the code of the class token.

        Raises:
            ValueError: pixels of another size, or not normalised.
        """
        side = self.config.image_size
        if pixels_BCHW.shape[1:] != (3, side, side) or not pixels_BCHW.is_floating_point():
            given = f"{pixels_BCHW.dtype} {tuple(pixels_BCHW.shape)}"
            raise ValueError(f"this tower takes float (B, 3, {side}, {side}), not {given}; see normalise_pixels")
        patches_BTD = self.patches(pixels_BCHW).flatten(2).transpose(1, 2)
        class_B1D = self.class_token.to(patches_BTD.dtype).expand(len(patches_BTD), 1, -1)
        x_BTD = torch.cat([class_B1D, patches_BTD], dim=1) + self.position_embedding.weight
        tokens_BTD = self.final_norm(self.transformer(self.input_norm(x_BTD)))
        return ClipOutput(tokens_BTD, self.project(tokens_BTD[:, 0]))


class ClipText(nn.Module):
    """A causal transformer whose end-of-text token is the text's code."""

    def __init__(self, config: ClipTextConfig) -> None:
        super().__init__()
        self.config, self.width = config, config.transformer.width
        self.token_embedding = nn.Embedding(config.vocab_size + config.extra_tokens, self.width)
        self.position_embedding = nn.Embedding(config.context_length, self.width)
        self.transformer = config.transformer.build()
        self.final_norm = nn.LayerNorm(self.width, eps=config.transformer.norm_eps)
        self.project = nn.Linear(self.width, config.projection, bias=False)
        initialise(self.token_embedding)
        initialise(self.position_embedding, embedding_std=0.01)
        initialise(self.project)

    def forward(self, ids_BL: Tensor, mask_BL: Tensor | None = None) -> ClipOutput:
        """Token states and the code of each text's first end-of-text token.

        Args:
            mask_BL: boolean, True = a real token. Texts padded on the right need none: attention is causal, no real
                token sees what follows it. None is the fast path; only the states at padded positions differ.

        Raises:
            ValueError: more tokens than the context length, or a text without its end token (a device assertion on
                CUDA, where looking would make the host wait).
        """
        length = ids_BL.shape[1]
        if length > self.config.context_length:
            raise ValueError(f"{length} tokens exceed context_length {self.config.context_length}; truncate the texts")
        x_BLD = self.token_embedding(ids_BL) + self.position_embedding.weight[:length]
        tokens_BLD = self.final_norm(self.transformer(x_BLD, mask_BT=mask_BL, causal=True))
        rows_B = torch.arange(len(ids_BL), device=ids_BL.device)
        return ClipOutput(tokens_BLD, self.project(tokens_BLD[rows_B, self._end_positions(ids_BL)]))

    def _end_positions(self, ids_BL: Tensor) -> Tensor:
        is_end_BL = ids_BL == self.config.end_of_text
        problem = f"a text without the end token {self.config.end_of_text}; truncation must keep it"
        if ids_BL.device.type == "cuda":
            torch._assert_async(is_end_BL.any(1).all(), problem)
        elif ids_BL.device.type == "cpu" and not is_end_BL.any(1).all():
            raise ValueError(problem)
        return is_end_BL.int().argmax(1)
