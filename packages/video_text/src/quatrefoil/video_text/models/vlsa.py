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

import torch
from torch import Tensor, nn

from quatrefoil.core.hub import load_weights
from quatrefoil.core.nn.heads import LogitScale, PairClassifier
from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.encoders.mae_weights import initialise_from_mae, initialise_words
from quatrefoil.video_text.encoders.unified import Modality, start_as_mae
from quatrefoil.video_text.models.clover_heads import code
from quatrefoil.video_text.models.pretrained import trained_weights
from quatrefoil.video_text.models.vlsa_local import Joint, MaskedModelling
from quatrefoil.video_text.models.vlsa_sizes import VlsaSizes

PAIRS = ("audio_video", "audio_text", "video_text")


@dataclass(frozen=True, kw_only=True)
class VlsaConfig(VlsaSizes):
    """A VLSA; see `VlsaSizes`."""

    @property
    def model_type(self) -> type["Vlsa"]:
        return JointVlsa if self.gam_source == "joint" else Vlsa

    def build(self) -> "Vlsa":
        model = self.model_type(self)
        model.initialise()
        return model


MAE_BERT = VlsaConfig(mae="facebook/vit-mae-base", bert="google-bert/bert-base-uncased")
"""The full size with MAE's encoder, trained on ImageNet, and BERT's words; `VlsaConfig()` starts from scratch."""


class Vlsa(MaskedModelling):
    """No code that is trained or compared contains another modality than its own."""

    def __init__(self, config: VlsaConfig) -> None:
        super().__init__(config)
        if not isinstance(self, config.model_type):
            raise ValueError(f"this configuration is of a {config.model_type.__name__}, not of a {type(self).__name__}")
        self.match_heads = nn.ModuleDict({pair: PairClassifier(config.encoder.width) for pair in PAIRS})
        self.scale = LogitScale()
        start_as_mae(self)

    def initialise(self) -> None:
        """Start from the weights that the configuration names."""
        config = self.config
        if config.pretrained is not None:
            own = {name: value for name, value in self.state_dict().items() if name.startswith("scale.")}
            load_weights(self, {**trained_weights(config.pretrained), **own})
            self.started_from = f"{config.pretrained}, fresh: temperature"
        others = {"encoder, patches of frames": config.mae, "words": config.bert}
        if given := [f"{source} ({what})" for what, source in others.items() if source is not None]:
            self.started_from = f"{', '.join(given)}, fresh: all else"
        if config.mae is not None:
            initialise_from_mae(self.encoder, self.video_embed, config.mae)
            times, _ = self.video_embed.positions.axes
            nn.init.normal_(next(times.parameters()), std=0.02)  # a frame is at first what MAE knows
        if config.bert is not None:
            initialise_words(self.token_embedding, config.bert)

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

    @view
    def audio_text_present(self, audio_present: Tensor, text_present: Tensor) -> Tensor:
        """(B,), True for a sample with sound and words."""
        return audio_present & text_present

    @view
    def audio_and_masked_text(self, audio_present: Tensor, text_ids: Tensor, text_masked_ids: Tensor) -> Tensor:
        """(B,), True for a sample with sound whose masked text differs from its text, and so is the worse one."""
        return audio_present & (text_masked_ids != text_ids).any(1)

    # Retrieval: nothing hidden, each modality alone.

    @view
    def video(self, video_patches: Tensor) -> Tensor:
        """(B, D)."""
        return self._mean_code("video", self.video_embed(video_patches))

    @view
    def text(self, text_ids: Tensor, text_mask: Tensor) -> Tensor:
        """(B, D)."""
        return self._text_code(self.words(text_ids), text_mask)

    @view
    def audio(self, audio_patches: Tensor, sound_mask: Tensor) -> Tensor:
        """(B, D): the direction of the mean of the windows' codes; zeros for a sample without sound."""
        codes_BWD = self._mean_code("audio", self.audio_embed(audio_patches.flatten(0, 1))).view(*sound_mask.shape, -1)
        return code((codes_BWD * sound_mask[..., None]).sum(1))

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
