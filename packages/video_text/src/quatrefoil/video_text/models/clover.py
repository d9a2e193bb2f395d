"""Clover (arXiv 2207.07885, CVPR 2023): video, text and what both become together, in one space.

The paper's body could not be read: this is its figure (`overview.png` of the official repository) with the official
code's sizes. What stands after `m_` is the same module on a semantically masked copy. `fused_video` and `fused_text`,
where nothing is masked, are no part of the figure: an ablation without masked copies aligns them.

    frames, m_frames --> video Swin -+-> video head --------------> video, video_masked
                                     |
                                     +-> fusion(m_video, text) ---> fused_masked_video
                                     +-> fusion(video, m_text) -+-> fused_masked_text
                                     |                          +-> text_token_logits
                                     +-> fusion(video, text) -----> fused_video, fused_text
    caption, m_caption --> BERT -----+-> text head ---------------> text, text_masked

Each module runs once for the complete and once for the masked copy, and only if an objective asks for that copy.

Legend: B samples, S clips of a sample, F frames, T times, H W pixels or places, C width of the video encoder's states,
V visual tokens, L text tokens, K masked tokens, D width of text and fusion, P width of the shared space.
"""

from dataclasses import dataclass, field, replace
from math import prod
from typing import ClassVar, Literal

from torch import Tensor, nn

from quatrefoil.core.hub import load_weights
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.bert import BertConfig
from quatrefoil.core.nn.bert_weights import load_bert, load_blocks, read_bert
from quatrefoil.core.nn.heads import TokenHead
from quatrefoil.core.nn.swin import SwinConfig, SwinOutput
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import Tokens, view
from quatrefoil.core.weights import require_same
from quatrefoil.video_text.datasets.fields import mask_id_of
from quatrefoil.video_text.encoders.clip import normalise_pixels
from quatrefoil.video_text.encoders.video_swin import PIXEL_MEAN, PIXEL_STD, VIDEO_SWIN_B
from quatrefoil.video_text.encoders.video_swin_weights import initialise_from_video_swin
from quatrefoil.video_text.models.clover_fusion import Fused, FusionConfig, FusionEncoder, VisualTokens
from quatrefoil.video_text.models.clover_heads import Head, HeadWidths, code, video_head
from quatrefoil.video_text.models.clover_weights import is_official, load_clover
from quatrefoil.video_text.models.pretrained import reads_other_tokens, trained_weights
from quatrefoil.video_text.retriever import RetrievalModel

VIDEO, TEXT, FUSION, HEADS = replace(VIDEO_SWIN_B, mask_token=True), BertConfig(), FusionConfig(), HeadWidths()


@dataclass(frozen=True, kw_only=True)
class CloverConfig:
    """Clover's sizes and choices; the defaults are the official code's, in the version of the paper's final figure.

    Args:
        video, text, fusion, heads: sizes of the parts.
        image_size: side of a frame in pixels; the fusion encoder has positions for its places.
        projection: P.
        fused_readout: what of fusion(masked video, text) goes to its head. `visual_mean` = the mean of visual states
            (official in August 2022, and our choice); `text_cls` = the joint state, as in the last official version.
        bert: folder or hub id of a BERT (with its masked-token head) from which text encoder, fusion encoder and token
            head start; None = random weights.
        swin: file of Video Swin weights, or of those of a 2-D Swin of as wide windows, which are then carried over to
            time; None = random weights.
        pretrained: a Clover to be fine-tuned, instead of `bert` and `swin`: a run folder, a checkpoint, a folder of a
            saved model, or a hub id, of this project; or a file of the official code (`epoch_N.pth`).

    Raises:
        ValueError: text and fusion of two widths, or two starts.
    """

    video: SwinConfig = VIDEO
    text: BertConfig = TEXT
    fusion: FusionConfig = FUSION
    heads: HeadWidths = HEADS
    image_size: int = 224
    projection: int = 768
    fused_readout: Literal["visual_mean", "text_cls"] = "visual_mean"
    bert: str | None = field(default=None, metadata=START)
    swin: str | None = field(default=None, metadata=START)
    pretrained: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        text, fusion = self.text.transformer.width, self.fusion.transformer.width
        if text != fusion:
            raise ValueError(f"the fusion encoder reads the text encoder's states: one width, not {text} and {fusion}")
        if self.pretrained is not None and (self.bert is not None or self.swin is not None):
            raise ValueError(f"start from pretrained={self.pretrained}, or from bert and swin, not from both")

    @property
    def places(self) -> int:
        """Places of a frame in the video encoder's last stage."""
        sides = [-(-self.image_size // step) for step in self.video.step[1:]]
        for _ in self.video.depths[1:]:
            sides = [-(-side // 2) for side in sides]
        return prod(sides)

    @property
    def model_type(self) -> type["Clover"]:
        return Clover

    def build(self) -> "Clover":
        model = self.model_type(self)
        model.initialise()
        return model


class Clover(RetrievalModel):
    """Retrieval reads `video` and `text` alone; what both become together trains them, and answers questions.

    Parts whose names begin with one of `fresh` have no weights in a pre-trained Clover.
    """

    fresh: ClassVar[tuple[str, ...]] = ()
    taken_over: frozenset[str] = frozenset()
    """Those of `fresh` that the start had after all, as a run of the same task has."""

    def __init__(self, config: CloverConfig) -> None:
        super().__init__()
        self.config: CloverConfig = config  # type: ignore[assignment]
        width, space, hidden = config.text.transformer.width, config.projection, config.heads
        states = config.video.widths[-1]
        self.visual, self.textual = config.video.build(), config.text.build()
        self.visual_tokens = VisualTokens(config.fusion, states, config.places)
        self.fusion = FusionEncoder(config.fusion)
        self.video_head = video_head(states, hidden.video, space)
        self.text_head = Head(width, hidden.text, space)
        self.fused_video_head = video_head(width, hidden.fused_video, space)
        self.fused_text_head = Head(width, hidden.fused_text, space, hidden_dropout=0.1)
        words = nn.Parameter(self.textual.token_embedding.weight.detach().clone())  # a decoder of its own
        self.token_head = TokenHead(width, words, norm_eps=config.text.transformer.norm_eps)

    def initialise(self) -> None:
        """Start from the weights that the configuration names."""
        config = self.config
        if config.pretrained is not None:
            self._go_on_from(config.pretrained)
        if config.swin is not None:
            initialise_from_video_swin(self.visual, config.swin, mask_token=False)
        if config.bert is not None:
            self._start_from_bert(config.bert)

    def _go_on_from(self, source: str) -> None:
        given = trained_weights(source)
        if is_official(given):
            self.started_from = f"{source} (official), fresh: {', '.join(load_clover(self, given)) or 'nothing'}"
            return
        own = {name: value for name, value in self.state_dict().items() if name.startswith(self.fresh)}
        load_weights(self, {**own, **given})
        fresh = [part for part in self.fresh if any(name.startswith(part) for name in own.keys() - given.keys())]
        self.taken_over = frozenset(self.fresh) - set(fresh)
        self.started_from = f"{source}, fresh: {', '.join(part.rstrip('.') for part in fresh) or 'nothing'}"

    def check_assets(self) -> None:
        """Raise `ValueError` where what the data give does not fit the model."""
        if found := [what for what, wrong in self.mismatches().items() if wrong]:
            raise ValueError(f"data and model do not fit: {'; '.join(found)}")

    def mismatches(self) -> dict[str, bool]:
        """What of the data could fail to fit the model, in words -> whether it does."""
        given, config = self.preprocessing, self.config
        ids, rows = max(self.tokenizer.vocab_size, mask_id_of(self.tokenizer) + 1), config.text.vocab_size
        return {
            f"data.transform.size={given.transform.size}, model.image_size={config.image_size}": (
                given.transform.size != config.image_size
            ),
            f"data.text_length={given.text_length} > model.text.max_positions={config.text.max_positions}": (
                given.text_length > config.text.max_positions
            ),
            f"{ids} token ids, rows for {rows} (model.text.vocab_size)": ids > rows,
            f"data.tokenizer is not that of model.pretrained={config.pretrained}": reads_other_tokens(
                self.tokenizer, config.pretrained if self.just_started else None
            ),
        }

    def _start_from_bert(self, source: str) -> None:
        checkpoint = read_bert(source)
        require_same(f"{source}: BERT", self.config.text, checkpoint.config, free=("pooler",))
        fusion = self.config.fusion.transformer
        require_same(f"{source}: layers of the fusion encoder", fusion, checkpoint.config.transformer, free=("layers",))
        load_bert(self.textual, checkpoint.state, self.token_head)
        load_blocks(self.fusion.transformer, checkpoint.state)

    @view
    def pixels(self, frames: Tensor) -> Tensor:
        """(B, S, 3, F, H, W), normalised. `frames` are uint8 (B, F, 3, H, W), with several clips (B, S, F, 3, H, W)."""
        clips = frames if frames.ndim == 6 else frames[:, None]
        return normalise_pixels(clips, PIXEL_MEAN, PIXEL_STD).transpose(2, 3)

    @view
    def video_states(self, pixels: Tensor) -> Tensor:
        """(B, T, H, W, C): the mean over the clips of a sample."""
        return self._mean_clip(self.visual(pixels.flatten(0, 1)), pixels)

    @view
    def video_masked_states(self, pixels: Tensor, video_masked_cells: Tensor) -> Tensor:
        """(B, T, H, W, C). `video_masked_cells` (B, H, W), True = a mask token stands for the cell, at all times."""
        cells = video_masked_cells[:, None, None].expand(-1, pixels.shape[1], -1, -1, -1)
        return self._mean_clip(self.visual(pixels.flatten(0, 1), masked=cells.flatten(0, 1)), pixels)

    @staticmethod
    def _mean_clip(encoded: SwinOutput, pixels: Tensor) -> Tensor:
        tokens_BGD = encoded.tokens_BGD
        return tokens_BGD.reshape(*pixels.shape[:2], *tokens_BGD.shape[1:]).mean(1)

    @view
    def video(self, video_states: Tensor) -> Tensor:
        """(B, P)."""
        return code(self.video_head(video_states.mean((1, 2, 3))))

    @view
    def video_masked(self, video_masked_states: Tensor) -> Tensor:
        """(B, P)."""
        return code(self.video_head(video_masked_states.mean((1, 2, 3))))

    @view
    def text_states(self, text_ids: Tensor, text_mask: Tensor) -> Tokens:
        """(B, L, D)."""
        return Tokens(self.textual(text_ids, text_mask), text_mask)

    @view
    def text_masked_states(self, text_masked_ids: Tensor, text_mask: Tensor) -> Tokens:
        """(B, L, D)."""
        return Tokens(self.textual(text_masked_ids, text_mask), text_mask)

    @view
    def text(self, text_states: Tokens) -> Tensor:
        """(B, P): the code of the first token."""
        return code(self.text_head(text_states.states_BTD[:, 0]))

    @view
    def text_masked(self, text_masked_states: Tokens) -> Tensor:
        """(B, P)."""
        return code(self.text_head(text_masked_states.states_BTD[:, 0]))

    @view
    def fusion_masked_video(self, video_masked_states: Tensor, text_states: Tokens) -> Fused:
        """<masked video, text>."""
        fused: Fused = self.fusion(self.visual_tokens(video_masked_states), text_states)
        return fused

    @view
    def fusion_masked_text(self, video_states: Tensor, text_masked_states: Tokens) -> Fused:
        """<video, masked text>."""
        fused: Fused = self.fusion(self.visual_tokens(video_states), text_masked_states)
        return fused

    @view
    def fusion_complete(self, video_states: Tensor, text_states: Tokens) -> Fused:
        """<video, text>, nothing of which is masked."""
        fused: Fused = self.fusion(self.visual_tokens(video_states), text_states)
        return fused

    @view
    def fused_masked_video(self, fusion_masked_video: Fused) -> Tensor:
        """(B, P)."""
        return code(self.fused_video_head(self.read_fused_video(fusion_masked_video)))

    def read_fused_video(self, fused: Fused) -> Tensor:
        """(B, D): what of <masked video, text> goes to its head."""
        return fused.visual_BVD.mean(1) if self.config.fused_readout == "visual_mean" else fused.joint_BD

    @view
    def fused_masked_text(self, fusion_masked_text: Fused) -> Tensor:
        """(B, P)."""
        return code(self.fused_text_head(fusion_masked_text.joint_BD))

    @view
    def fused_video(self, fusion_complete: Fused) -> Tensor:
        """(B, P)."""
        return code(self.fused_video_head(self.read_fused_video(fusion_complete)))

    @view
    def fused_text(self, fusion_complete: Fused) -> Tensor:
        """(B, P)."""
        return code(self.fused_text_head(fusion_complete.joint_BD))

    @view
    def text_token_logits(self, fusion_masked_text: Fused, text_labels: Tensor) -> Tensor:
        """(K, vocabulary) at masked positions; the clip tells what the text does not."""
        logits: Tensor = self.token_head(fusion_masked_text.text_BLD[text_labels != IGNORE])
        return logits

    @view
    def text_has_mask(self, text_ids: Tensor, text_masked_ids: Tensor) -> Tensor:
        """(B,), False where the copy equals the text, as nothing could be masked or all that was chosen was kept.

        Such a copy is no worse, and is not to be ranked so.
        """
        return (text_masked_ids != text_ids).any(1)
