"""A VLSA of which a test can afford many."""

from quatrefoil.video_text.encoders.unified import mae_transformer
from quatrefoil.video_text.models.vlsa import VlsaConfig

SMALL = VlsaConfig(
    image_size=16,
    patch_size=4,
    frames=2,
    sound_rows=16,
    sound_columns=24,
    vocab_size=40,
    text_length=9,
    encoder=mae_transformer(16, 2, 2),
    decoder=mae_transformer(8, 1, 2),
)
