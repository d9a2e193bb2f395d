"""VLSA's sizes and open choices (arXiv 2405.07202)."""

from dataclasses import dataclass, field
from typing import Literal

from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.runs.start import START
from quatrefoil.video_text.encoders.unified import MAE_BASE, MAE_BASE_DECODER, MODALITIES, Modality, sharing_groups


@dataclass(frozen=True, kw_only=True)
class VlsaSizes:
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
        pretrained: run folder, checkpoint, folder of a saved model, or hub id, of a VLSA of this project, to be
            fine-tuned; instead of `mae` and `bert`. The temperature starts anew.

    Raises:
        ValueError: sides that the patch's does not divide, sharing with nobody, a post-norm stack, or two starts.
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
    mae: str | None = field(default=None, metadata=START)
    bert: str | None = field(default=None, metadata=START)
    pretrained: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        sides = (self.image_size, self.sound_rows, self.sound_columns)
        if any(side % self.patch_size for side in sides):
            raise ValueError(
                f"patch_size {self.patch_size} does not divide all of image_size, sound_rows, sound_columns {sides}"
            )
        for shared in (self.encoder_shared, self.decoder_shared):
            sharing_groups(shared)  # before data are read, and with the setting's name
        if "post" in (self.encoder.norm_order, self.decoder.norm_order):
            raise ValueError("the stacks end with a norm of their own: set norm_order=pre in encoder and decoder")
        if self.pretrained is not None and (self.mae is not None or self.bert is not None):
            raise ValueError(f"start from pretrained={self.pretrained}, or from mae and bert, not from both")

    @property
    def axes(self) -> dict[Modality, tuple[int, ...]]:
        """Places on each axis of positions: frames and their patches, tokens, frequencies and times."""
        per_frame = (self.image_size // self.patch_size) ** 2
        sound = (self.sound_rows // self.patch_size, self.sound_columns // self.patch_size)
        return {"video": (self.frames, per_frame), "text": (self.text_length,), "audio": sound}
