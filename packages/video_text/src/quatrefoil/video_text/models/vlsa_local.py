"""VLSA's local-patch masked modelling: all modalities in one pass, most of each hidden, what is hidden decoded.

Legend: B samples, F frames, C channels, H W pixels, W windows of sound, R S rows and columns of its picture, L text
tokens, T tokens, V visible tokens, M hidden patches, D width, E width of the decoder, K masked tokens.
"""

import torch
from torch import Tensor, nn

from quatrefoil.core.losses import IGNORE
from quatrefoil.core.nn.heads import TokenHead
from quatrefoil.core.views import view
from quatrefoil.video_text.encoders.clip import normalise_pixels
from quatrefoil.video_text.encoders.patches import PatchEmbedding, Positions, hidden_places, patches_of, take
from quatrefoil.video_text.encoders.unified import Modality, SharedDecoder, UnifiedEncoder
from quatrefoil.video_text.encoders.video_swin import PIXEL_MEAN, PIXEL_STD
from quatrefoil.video_text.models.vlsa_sizes import VlsaSizes
from quatrefoil.video_text.models.vlsa_user import SoundRetrievalModel
from quatrefoil.video_text.text.tokenizer import START_AND_END

Joint = dict[Modality, Tensor]
"""States of the visible tokens of each modality, (B, V, D)."""


class MaskedModelling(SoundRetrievalModel):
    """Embeddings, encoder and decoder, and what they say of the hidden patches and masked tokens."""

    def __init__(self, config: VlsaSizes) -> None:
        super().__init__()
        self.config = config
        width, narrow, cell, axes = config.encoder.width, config.decoder.width, config.patch_size**2, config.axes
        self.video_embed = PatchEmbedding(3 * cell, axes["video"], width)
        self.audio_embed = PatchEmbedding(cell, axes["audio"], width)
        self.token_embedding = nn.Embedding(config.vocab_size, width)
        self.text_positions = Positions(axes["text"], width)
        self.encoder = UnifiedEncoder(config.encoder, config.encoder_shared)
        self.decoder = SharedDecoder(width, config.decoder, config.decoder_shared, axes)
        self.video_head, self.audio_head = nn.Linear(narrow, 3 * cell), nn.Linear(narrow, cell)
        words = nn.Parameter(torch.empty(config.vocab_size, narrow))  # not tied: the embedding has another width
        self.token_head = TokenHead(narrow, words, norm_eps=config.decoder.norm_eps)

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

    @view
    def text_present(self, text_mask: Tensor) -> Tensor:
        """(B,), False for a sample without words, of which the text is a start and an end token; likewise."""
        return text_mask.sum(1) > START_AND_END

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
        return self.words(text_masked_ids)

    @view
    def joint(
        self,
        visible_video: Tensor,
        masked_text: Tensor,
        visible_audio: Tensor,
        text_mask: Tensor,
        text_present: Tensor,
        audio_present: Tensor,
    ) -> Joint:
        """Everything visible in one pass; nobody sees padding, nor text or sound that is not there."""
        said_BL = text_mask & text_present[:, None]
        heard_BV = audio_present[:, None].expand(visible_audio.shape[:2])
        tokens: Joint = {"video": visible_video, "text": masked_text, "audio": visible_audio}
        states: Joint = self.encoder(tokens, {"text": said_BL, "audio": heard_BV})
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

    def words(self, ids_BL: Tensor) -> Tensor:
        """(B, L, D): tokens with their places, before the encoder."""
        words_BLD: Tensor = self.token_embedding(ids_BL) + self.text_positions(ids_BL.shape[1])
        return words_BLD

    @staticmethod
    def _only_window(audio_patches: Tensor) -> Tensor:
        if audio_patches.shape[1] != 1:
            raise ValueError(f"{audio_patches.shape[1]} windows of sound; hide patches of clips of one window")
        return audio_patches[:, 0]
