"""VLSA: video, text and synchronised sound in one encoder (arXiv 2405.07202).

    frames -> patches -> visible quarter --+                    +-> per modality -> shared decoder -> hidden patches,
    text   -> masked tokens ---------------+-> unified encoder -+                                     masked tokens
    sound  -> patches -> visible quarter --+   (joint pass)

    each of them alone -> the same encoder -> mean -> video_global, text_global, audio_global  (contrast and matching)
    nothing hidden, alone -> the same encoder -> mean -> video, text, audio                    (retrieval)

The paper pools the global codes from the joint pass too, in which every modality has seen the others: a code can then
be matched by copying. That is `gam_source=joint`, and not the default.

Legend: B samples, F frames, C channels, H W pixels, W windows of sound, R S rows and columns of its picture, L text
tokens, T tokens, V visible tokens, M hidden patches, D width, E width of the decoder, K masked tokens.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.heads import LogitScale, PairClassifier, TokenHead
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.datasets.fields import mask_id_of
from quatrefoil.video_text.encoders.clip import normalise_pixels
from quatrefoil.video_text.encoders.mae_weights import initialise_from_mae, initialise_words
from quatrefoil.video_text.encoders.patches import PatchEmbedding, Positions, hidden_places, patches_of, take
from quatrefoil.video_text.encoders.unified import (
    MAE_BASE,
    MAE_BASE_DECODER,
    MODALITIES,
    Modality,
    SharedDecoder,
    UnifiedEncoder,
    start_as_mae,
)
from quatrefoil.video_text.encoders.video_swin import PIXEL_MEAN, PIXEL_STD
from quatrefoil.video_text.models.clover_heads import code
from quatrefoil.video_text.retriever import RetrievalModel

Joint = dict[Modality, Tensor]
"""States of the visible tokens of each modality, (B, V, D)."""


@dataclass(frozen=True, kw_only=True)
class VlsaConfig:
    """VLSA's sizes, which are the paper's and those of its "ViT-base as in MAE", and its open choices.

    Args:
        image_size, patch_size: sides in pixels of frames, and of patches of frames and of pictures of sound.
        frames: most frames of a clip.
        sound_rows, sound_columns: sides of a picture of sound.
        vocab_size, text_length: rows of the tables of words and of their positions.
        encoder, decoder: the stacks of blocks.
        encoder_shared, decoder_shared: the modalities that have one encoder (decoder) together; each other one has its
            own. All three is the paper's best (its figures 3 and 4), `()` is none.
        gam_source: where the codes of global matching come from. `unimodal` = passes of each modality alone, as in
            retrieval (our choice); `joint` = the paper's equations 6 and 7 to the letter, which leak.
        mae: folder, file or hub id of a Hugging Face ViTMAE from which the encoder starts; None = random weights.
        bert: folder or hub id of a BERT whose word embeddings text starts from; None = random weights.

    Raises:
        ValueError: sides that the patch's does not divide, sharing with nobody, or a post-norm stack.
    """

    image_size: int = 224
    patch_size: int = 16
    frames: int = 8
    sound_rows: int = 256
    sound_columns: int = 256
    vocab_size: int = 30522
    text_length: int = 40
    encoder: TransformerConfig = MAE_BASE
    decoder: TransformerConfig = MAE_BASE_DECODER
    encoder_shared: tuple[Modality, ...] = MODALITIES
    decoder_shared: tuple[Modality, ...] = MODALITIES
    gam_source: Literal["unimodal", "joint"] = "unimodal"
    mae: str | None = None
    bert: str | None = None

    def __post_init__(self) -> None:
        sides = (self.image_size, self.sound_rows, self.sound_columns)
        if any(side % self.patch_size for side in sides):
            raise ValueError(
                f"patch_size {self.patch_size} does not divide all of image_size, sound_rows, sound_columns {sides}"
            )
        if "post" in (self.encoder.norm_order, self.decoder.norm_order):
            raise ValueError("the stacks end with a norm of their own: set norm_order=pre in encoder and decoder")

    @property
    def axes(self) -> dict[Modality, tuple[int, ...]]:
        """Places on each axis of positions: frames and their patches, tokens, frequencies and times."""
        per_frame = (self.image_size // self.patch_size) ** 2
        sound = (self.sound_rows // self.patch_size, self.sound_columns // self.patch_size)
        return {"video": (self.frames, per_frame), "text": (self.text_length,), "audio": sound}

    @property
    def model_type(self) -> type["Vlsa"]:
        return JointVlsa if self.gam_source == "joint" else Vlsa

    def build(self) -> "Vlsa":
        model = self.model_type(self)
        if self.mae is not None:
            initialise_from_mae(model.encoder, model.video_embed, self.mae)
        if self.bert is not None:
            initialise_words(model.token_embedding, self.bert)
        return model


MAE_BERT = VlsaConfig(mae="facebook/vit-mae-base", bert="google-bert/bert-base-uncased")
"""The full size with MAE's encoder, trained on ImageNet, and BERT's words; `VlsaConfig()` starts from scratch."""


class Vlsa(RetrievalModel):
    """No code that is trained or compared contains another modality than its own."""

    def __init__(self, config: VlsaConfig) -> None:
        super().__init__()
        if not isinstance(self, config.model_type):
            raise ValueError(f"this configuration is of a {config.model_type.__name__}, not of a {type(self).__name__}")
        self.config: VlsaConfig = config  # type: ignore[assignment]
        width, narrow, cell, axes = config.encoder.width, config.decoder.width, config.patch_size**2, config.axes
        self.video_embed = PatchEmbedding(3 * cell, axes["video"], width)
        self.audio_embed = PatchEmbedding(cell, axes["audio"], width)
        self.token_embedding, self.text_positions = (
            nn.Embedding(config.vocab_size, width),
            Positions(axes["text"], width),
        )
        self.encoder = UnifiedEncoder(config.encoder, config.encoder_shared)
        self.decoder = SharedDecoder(width, config.decoder, config.decoder_shared, axes)
        self.video_head, self.audio_head = nn.Linear(narrow, 3 * cell), nn.Linear(narrow, cell)
        words = nn.Parameter(torch.empty(config.vocab_size, narrow))  # not tied: the embedding has another width
        self.token_head = TokenHead(narrow, words, norm_eps=config.decoder.norm_eps)
        self.match_heads = nn.ModuleDict(
            {p: PairClassifier(width) for p in ("audio_video", "audio_text", "video_text")}
        )
        self.scale = LogitScale()
        start_as_mae(self)

    def check_assets(self) -> None:
        """Raise `ValueError` where the data's frames, captions or vocabulary do not fit the model."""
        given, config = self.preprocessing, self.config
        ids = max(self.tokenizer.vocab_size, mask_id_of(self.tokenizer) + 1)
        mismatches = {
            f"data.transform.size={given.transform.size}, model.image_size={config.image_size}": (
                given.transform.size != config.image_size
            ),
            f"data.frames.frames={given.frames.frames} > model.frames={config.frames}": (
                given.frames.frames > config.frames
            ),
            f"data.text_length={given.text_length} > model.text_length={config.text_length}": (
                given.text_length > config.text_length
            ),
            f"{ids} token ids, rows for {config.vocab_size} (model.vocab_size)": ids > config.vocab_size,
        }
        if found := [what for what, wrong in mismatches.items() if wrong]:
            raise ValueError(f"data and model do not fit: {'; '.join(found)}")

    @view
    def video_patches(self, frames: Tensor) -> Tensor:
        """(B, T, 3 patch_size^2), frame by frame, normalised. `frames` are uint8 (B, F, 3, H, W)."""
        return patches_of(normalise_pixels(frames, PIXEL_MEAN, PIXEL_STD), self.config.patch_size).flatten(1, 2)

    @view
    def audio_patches(self, sound: Tensor) -> Tensor:
        """(B, W, T, patch_size^2), low frequencies first. `sound` are pictures (B, W, R, S), see `media/sound.py`."""
        return patches_of(sound[:, :, None], self.config.patch_size)

    @view
    def audio_present(self, sound_mask: Tensor) -> Tensor:
        """(B,), False for a sample without sound, which has no part in any term of audio. `sound_mask` is (B, W)."""
        return sound_mask.any(1)

    # Local modelling: all modalities together, most of them hidden.

    @view
    def visible_video(self, video_patches: Tensor, video_visible: Tensor) -> Tensor:
        """(B, V, D). `video_visible` are places (B, V) in the order of patches."""
        tokens_BVD: Tensor = self.video_embed(video_patches, video_visible)
        return tokens_BVD

    @view
    def visible_audio(self, audio_patches: Tensor, audio_visible: Tensor) -> Tensor:
        """(B, V, D) of the one window of a sample in training. `audio_visible` are places (B, V)."""
        tokens_BVD: Tensor = self.audio_embed(self._only_window(audio_patches), audio_visible)
        return tokens_BVD

    @view
    def masked_text(self, text_masked_ids: Tensor) -> Tensor:
        """(B, L, D): masked tokens stay in the encoder's input."""
        return self._words(text_masked_ids)

    @view
    def joint(
        self,
        visible_video: Tensor,
        masked_text: Tensor,
        visible_audio: Tensor,
        text_mask: Tensor,
        audio_present: Tensor,
    ) -> Joint:
        """Everything visible in one pass; nobody sees padding, nor sound that is not there."""
        heard_BV = audio_present[:, None].expand(visible_audio.shape[:2])
        tokens: Joint = {"video": visible_video, "text": masked_text, "audio": visible_audio}
        states: Joint = self.encoder(tokens, {"text": text_mask, "audio": heard_BV})
        return states

    @view
    def video_hidden(self, joint: Joint, video_visible: Tensor, video_patches: Tensor) -> Tensor:
        """(B, M, 3 patch_size^2): what the hidden patches are held to be."""
        decoded_BME = self.decoder.hidden("video", joint["video"], video_visible, video_patches.shape[1])
        predicted_BMP: Tensor = self.video_head(decoded_BME)
        return predicted_BMP

    @view
    def video_hidden_target(self, video_patches: Tensor, video_visible: Tensor) -> Tensor:
        """(B, M, 3 patch_size^2): what they are."""
        return take(video_patches, hidden_places(video_visible, video_patches.shape[1]))

    @view
    def audio_hidden(self, joint: Joint, audio_visible: Tensor, audio_patches: Tensor) -> Tensor:
        """(B, M, patch_size^2)."""
        decoded_BME = self.decoder.hidden("audio", joint["audio"], audio_visible, audio_patches.shape[2])
        predicted_BMP: Tensor = self.audio_head(decoded_BME)
        return predicted_BMP

    @view
    def audio_hidden_target(self, audio_patches: Tensor, audio_visible: Tensor) -> Tensor:
        """(B, M, patch_size^2)."""
        patches_BTP = self._only_window(audio_patches)
        return take(patches_BTP, hidden_places(audio_visible, patches_BTP.shape[1]))

    @view
    def text_token_logits(self, joint: Joint, text_mask: Tensor, text_labels: Tensor) -> Tensor:
        """(K, vocabulary) at masked tokens."""
        logits: Tensor = self.token_head(self.decoder("text", joint["text"], text_mask)[text_labels != IGNORE])
        return logits

    # Global matching: codes of length one, (B, D).

    @view
    def video_global(self, visible_video: Tensor) -> Tensor:
        """(B, D) of the visible patches, alone."""
        return self._mean_code("video", visible_video)

    @view
    def text_global(self, masked_text: Tensor, text_mask: Tensor) -> Tensor:
        """(B, D) of the masked text, alone."""
        return self._text_code(masked_text, text_mask)

    @view
    def audio_global(self, visible_audio: Tensor) -> Tensor:
        """(B, D) of the visible patches, alone."""
        return self._mean_code("audio", visible_audio)

    @view
    def match_audio_video(self, audio_global: Tensor, video_global: Tensor) -> Tensor:
        """(B, 2): do they come from one clip?"""
        return self._match("audio_video", audio_global, video_global)

    @view
    def match_audio_text(self, audio_global: Tensor, text_global: Tensor) -> Tensor:
        """(B, 2): do they come from one clip?"""
        return self._match("audio_text", audio_global, text_global)

    @view
    def match_video_text(self, video_global: Tensor, text_global: Tensor) -> Tensor:
        """(B, 2), of the objective that the paper compares with."""
        return self._match("video_text", video_global, text_global)

    @view
    def logit_scale(self) -> Tensor:
        """1 / temperature, learned and clamped; one for all pairs."""
        scale: Tensor = self.scale()
        return scale

    @view
    def no_preference(self) -> Tensor:
        """Zero, the scale at which negatives are drawn: the paper draws them at random."""
        return torch.zeros((), device=self.token_embedding.weight.device)

    # Retrieval: nothing hidden, each modality alone.

    @view
    def video(self, video_patches: Tensor) -> Tensor:
        """(B, D)."""
        return self._mean_code("video", self.video_embed(video_patches))

    @view
    def text(self, text_ids: Tensor, text_mask: Tensor) -> Tensor:
        """(B, D)."""
        return self._text_code(self._words(text_ids), text_mask)

    @view
    def audio(self, audio_patches: Tensor, sound_mask: Tensor) -> Tensor:
        """(B, D): the direction of the mean of the windows' codes; zeros for a sample without sound."""
        codes_BWD = self._mean_code("audio", self.audio_embed(audio_patches.flatten(0, 1))).view(*sound_mask.shape, -1)
        return code((codes_BWD * sound_mask[..., None]).sum(1))

    def _words(self, ids_BL: Tensor) -> Tensor:
        words_BLD: Tensor = self.token_embedding(ids_BL) + self.text_positions(ids_BL.shape[1])
        return words_BLD

    @staticmethod
    def _only_window(audio_patches: Tensor) -> Tensor:
        if audio_patches.shape[1] != 1:
            raise ValueError(f"{audio_patches.shape[1]} windows of sound; hide patches of clips of one window")
        return audio_patches[:, 0]

    def _mean_code(self, modality: Modality, tokens_BTD: Tensor) -> Tensor:
        return code(self.encoder({modality: tokens_BTD})[modality].mean(1))

    def _text_code(self, words_BLD: Tensor, text_mask: Tensor) -> Tensor:
        states_BLD = self.encoder({"text": words_BLD}, {"text": text_mask})["text"]
        return code(Tokens(states_BLD, text_mask).mean())

    def _match(self, pair: str, a_BD: Tensor, b_BD: Tensor) -> Tensor:
        """(B, 2) of the product of two codes, which can tell a match as a map of both side by side could not.

        Times D, so that its numbers are about one and not one in D: the head would learn that much more slowly.
        """
        logits_B2: Tensor = self.match_heads[pair](a_BD.shape[1] * a_BD * b_BD)
        return logits_B2


class JointVlsa(Vlsa):
    """The paper to the letter: global codes from the joint pass, where each already contains the others."""

    @view
    def video_global(self, joint: Joint) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """(B, D)."""
        return code(joint["video"].mean(1))

    @view
    def text_global(self, joint: Joint, text_mask: Tensor) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """(B, D)."""
        return code(Tokens(joint["text"], text_mask).mean())

    @view
    def audio_global(self, joint: Joint) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """(B, D)."""
        return code(joint["audio"].mean(1))
