"""What VLSA offers to a user besides codes of frames and sentences, and what it asks of the data that it is given.

Legend: C media files, D width.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from torch import Tensor

from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.datasets.fields import mask_id_of
from quatrefoil.video_text.datasets.sound_fields import Hearing, SoundMaker
from quatrefoil.video_text.datasets.sounds import FileSounds
from quatrefoil.video_text.models.pretrained import reads_other_tokens, trained_asset
from quatrefoil.video_text.models.vlsa_sizes import VlsaSizes
from quatrefoil.video_text.retriever import RetrievalModel


class SoundRetrievalModel(RetrievalModel):
    """A model that also has a view `audio`, in the space of `video` and `text`."""

    config: VlsaSizes  # type: ignore[assignment]
    asset_names = (*RetrievalModel.asset_names, Hearing.ASSET)

    @cached_property
    def hearing(self) -> Hearing:
        return Hearing.from_json(self.assets[Hearing.ASSET])

    def encode_audio(self, paths: Sequence[str | Path], batch_size: int = 16) -> Tensor:
        """Codes (C, D) of the sound of media files, on the CPU; zeros for a file without sound.

        Raises:
            ValueError: no path, or a single one, which strings make easy; MediaError: a file cannot be decoded.
        """
        if isinstance(paths, str | Path):
            raise ValueError(f"give a list of paths, not one path ({paths})")
        maker = SoundMaker(FileSounds(), self.hearing.windows, self.hearing.picture)
        samples = (maker.in_tests(Clip(str(path), Path(path))) for path in paths)
        return self._encode(samples, "audio", batch_size)

    def reads_alike(self, name: str, given: str | None) -> bool:
        """As ever; of sound, other windows may be read, and other numbers scale its pictures, of what is alike."""
        if name == Hearing.ASSET and given is not None:
            return Hearing.from_json(given).picture.shows_as(Hearing.from_json(self.assets[name]).picture)
        return super().reads_alike(name, given)

    def check_assets(self) -> None:
        """Raise `ValueError` where the data's frames, sound, captions or vocabulary do not fit the model."""
        if found := [what for what, wrong in (self._misfits_of_frames() | self._misfits_of_sound()).items() if wrong]:
            raise ValueError(f"data and model do not fit: {'; '.join(found)}")

    def _misfits_of_frames(self) -> dict[str, bool]:
        given, config = self.preprocessing, self.config
        size, frames = given.transform.size, given.frames.frames
        ids = max(self.tokenizer.vocab_size, mask_id_of(self.tokenizer) + 1)
        return {
            f"data.transform.size={size}, model.image_size={config.image_size}": size != config.image_size,
            f"data.frames.frames={frames} > model.frames={config.frames}": frames > config.frames,
            f"data.text_length={given.text_length} > model.text_length={config.text_length}": (
                given.text_length > config.text_length
            ),
            f"{ids} token ids, rows for {config.vocab_size} (model.vocab_size)": ids > config.vocab_size,
            f"data.tokenizer is not that of model.pretrained={config.pretrained}": reads_other_tokens(
                self.tokenizer, config.pretrained if self.just_started else None
            ),
        }

    def _misfits_of_sound(self) -> dict[str, bool]:
        picture, side, config = self.hearing.picture, self.hearing.patch_size, self.config
        given, expected = (picture.rows, picture.columns), (config.sound_rows, config.sound_columns)
        return {
            f"data.sound gives pictures of {given}, model.sound_rows and sound_columns are {expected}": (
                given != expected
            ),
            f"data.hiding.patch_size={side}, model.patch_size={config.patch_size}": side != config.patch_size,
            f"data.sound shows other pictures than that of model.pretrained={config.pretrained}": (
                self._hears_otherwise()
            ),
        }

    def _hears_otherwise(self) -> bool:
        """Whether the model was pre-trained on other pictures of sound, as far as that is known."""
        source = self.config.pretrained if self.just_started else None
        known = None if source is None else trained_asset(source, Hearing.ASSET)
        return known is not None and not self.hearing.picture.shows_as(Hearing.from_json(known).picture)
