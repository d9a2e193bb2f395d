"""What every model of clips and texts offers to a user: encode files and sentences, compare them.

Legend: C clips, S sentences, P width of the shared space.
"""

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from quatrefoil.core.data.collate import collate, to_device
from quatrefoil.core.hub import Model
from quatrefoil.core.views import graph_of
from quatrefoil.video_text.datasets.fields import TAGS, fill_of, mask_id_of, tag_forms, text_fields
from quatrefoil.video_text.datasets.frames import DECODE_LIMIT_S
from quatrefoil.video_text.encoders.clip import ClipConfig
from quatrefoil.video_text.media.video import read_clip
from quatrefoil.video_text.preprocessing import Preprocessing
from quatrefoil.video_text.tags.selection import Tag
from quatrefoil.video_text.tags.sentence import TAG_SENTENCE
from quatrefoil.video_text.text.tokenizer import TextTokenizer


class RetrievalModel(Model):
    """A model with views `video` and `text`, codes of length one in one space."""

    config: ClipConfig
    asset_names: ClassVar[tuple[str, ...]] = ("tokenizer.json", "preprocessing.json")
    reading_assets: ClassVar[tuple[str, ...]] = ("preprocessing.json",)

    def encode_text(self, texts: Sequence[str], batch_size: int = 64) -> Tensor:
        """Codes (S, P) of sentences, on the CPU. Raises ValueError where there is none."""
        rows = self.tokenizer.encode(texts, self.preprocessing.text_length).ids
        return self._encode([text_fields(ids) for ids in rows], "text", batch_size)

    def encode_video(
        self, paths: Sequence[str | Path], tags: Sequence[Sequence[Tag]] | None = None, batch_size: int = 16
    ) -> Tensor:
        """Codes (C, P) of media files, on the CPU.

        Args:
            paths: media files; a single path is a mistake that strings make easy, and refused.
            tags: per file what experts saw in it, for models that read tags (an empty list: they saw nothing).

        Raises:
            ValueError: there is no file, or tags are missing, or given to a model that reads none; MediaError: a file
                cannot be decoded.
        """
        if isinstance(paths, str | Path):
            raise ValueError(f"give a list of paths, not one path ({paths})")
        reads_tags = bool(self._video_fields & set(TAGS))
        if reads_tags != (tags is not None) or (tags is not None and len(tags) != len(paths)):
            wanted = "one list of tags per file, e.g. tags=[[]] for none" if reads_tags else "no tags"
            raise ValueError(f"{type(self).__name__} takes {wanted}")
        samples = ({"frames": self._frames(Path(path))} for path in paths)
        if tags is not None:
            (form,) = tag_forms(self._video_fields, self.tokenizer, self.preprocessing)
            samples = (s | form(t) for s, t in zip(samples, tags, strict=True))
        return self._encode(samples, "video", batch_size)

    @staticmethod
    def similarity(a: Tensor, b: Tensor) -> Tensor:
        """Cosine of every row of `a` with every row of `b`: texts against videos, say, (S, C)."""
        return a @ b.T

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        return TextTokenizer(self.assets["tokenizer.json"])

    @cached_property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing.from_json(self.assets["preprocessing.json"])

    @property
    def _video_fields(self) -> frozenset[str]:
        return graph_of(self).fields(["video"])

    def _frames(self, path: Path) -> Tensor:
        clip = read_clip(path, self.preprocessing.frames, None, timeout_s=DECODE_LIMIT_S)
        return self.preprocessing.transform(clip.frames_F3HW, None)

    def check_assets(self) -> None:
        """Raise `ValueError` where the data's frames, captions or vocabulary do not fit the towers."""
        vision, text, given = self.config.vision, self.config.text, self.preprocessing
        ids = max(self.tokenizer.vocab_size, mask_id_of(self.tokenizer) + 1)
        mismatches = {
            f"data.transform.size={given.transform.size}, model.vision.image_size={vision.image_size}": (
                given.transform.size != vision.image_size
            ),
            f"data.text_length={given.text_length} > model.text.context_length={text.context_length}": (
                given.text_length > text.context_length
            ),
            f"data.tag_sentence_length={given.tag_sentence_length} > model.text.context_length={text.context_length}": (
                given.tag_sentence_length > text.context_length and not self._video_fields.isdisjoint(TAG_SENTENCE)
            ),
            f"{ids} token ids, rows for {text.vocab_size + text.extra_tokens} (model.text.vocab_size + extra_tokens)": (
                ids > text.vocab_size + text.extra_tokens
            ),
            f"end token {self.tokenizer.end_id}, model.text.end_of_text={text.end_of_text}": (
                self.tokenizer.end_id != text.end_of_text
            ),
        }
        if found := [what for what, wrong in mismatches.items() if wrong]:
            raise ValueError(f"data and model do not fit: {'; '.join(found)}")

    @torch.no_grad()
    def _encode(self, samples: Iterable[dict[str, Any]], view: str, batch_size: int) -> Tensor:
        device = next(self.parameters()).device
        fill = fill_of(self.tokenizer)
        numbered = ({"id": str(number), "group": number, **sample} for number, sample in enumerate(samples))
        was_training = self.training
        self.eval()
        codes = []
        while pending := list(itertools.islice(numbered, batch_size)):
            codes.append(self.encode(to_device(collate(pending, fill), device), view).cpu())
        self.train(was_training)
        if not codes:
            raise ValueError(f"there is nothing to encode as {view}: the list is empty; give one item or more")
        return torch.cat(codes)
