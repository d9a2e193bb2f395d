"""The fields of a sample: frames, text, tags; each made on its own, from draws of its own.

Legend: F frames, S clips of a sample, H W pixels, L text tokens, M tags, T tokens of a tag.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import torch
from torch import Tensor

from quatrefoil.core.config import nearest
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.masking import choose_whole_words, corrupt
from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.datasets.frames import FrameSource
from quatrefoil.video_text.media.augment import FrameTransform
from quatrefoil.video_text.preprocessing import Preprocessing
from quatrefoil.video_text.tags.selection import EXPERTS, Tag
from quatrefoil.video_text.tags.sentence import TAG_SENTENCE, sentence_fields
from quatrefoil.video_text.tags.store import TagStore
from quatrefoil.video_text.text.tokenizer import TextTokenizer, TokenIds

FRAMES = ("frames",)
TEXT = ("text_ids", "text_mask", "text_masked_ids", "text_labels")
TAG_WORDS = ("tags", "tags_mask", "tag_expert")
TAGS = TAG_WORDS + TAG_SENTENCE
FIELDS = FRAMES + TEXT + TAGS

Draw = Callable[[str], torch.Generator]
"""A fresh generator for each named choice of one draw of one sample."""

TagForm = Callable[[Sequence[Tag]], dict[str, Tensor]]
"""Makes the fields of one form in which models read the tags of a clip."""


ChooseTokens = Callable[[str, TokenIds, torch.Generator], Tensor]
"""Chooses which tokens of one text are masked, bool (L,): from the text, its tokens (a list of one), a generator."""


class Maker(Protocol):
    """Makes some fields of a sample; `training` switches on what is random about the input."""

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class FramesMaker:
    """`frames`: uint8 (F, 3, H, W), or (S, F / S, 3, H, W) where they are `clips` = S > 1 clips in a row."""

    source: FrameSource
    transform: FrameTransform
    clips: int = 1

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """Raises MediaError where the clip cannot be read."""
        frames_F3HW = self.source.frames(clip, draw("frames") if training else None)
        frames_F3HW = self.transform(frames_F3HW, draw("augment") if training else None)
        clips = (self.clips, -1) if self.clips > 1 else (-1,)
        return {"frames": frames_F3HW.reshape(*clips, *frames_F3HW.shape[1:])}


@dataclass(frozen=True)
class WholeWords:
    """Chooses among all words of a text."""

    rate: float

    def __call__(self, text: str, tokens: TokenIds, generator: torch.Generator) -> Tensor:
        return choose_whole_words(torch.tensor(tokens.word_ids[0]), generator, self.rate)


@dataclass(frozen=True)
class TextMaker:
    """`text_ids`, `text_mask` (L,); where they are wanted `text_masked_ids` and `text_labels` (L,).

    A tokeniser without a mask token (CLIP's) masks with the id after its last one: the model has a row for it.

    Args:
        choose: which tokens are masked; None = no masked copy is made.
    """

    tokenizer: TextTokenizer
    length: int
    choose: ChooseTokens | None

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """The caption, and where it is wanted its masked copy, in evaluation too."""
        tokens = self.tokenizer.encode([caption], self.length)
        text = text_fields(tokens.ids[0])
        if self.choose is None:
            return text
        generator = draw("mask")
        chosen_L = self.choose(caption, tokens, generator)
        return text | self._masked(text["text_ids"], chosen_L, generator)

    def _masked(self, ids_L: Tensor, chosen_L: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        mask_id = mask_id_of(self.tokenizer)
        masked = corrupt(ids_L, chosen_L, generator, mask_id=mask_id, random_ids=self._plain_ids)
        return {"text_masked_ids": masked.ids_L, "text_labels": masked.labels_L}

    @cached_property
    def _plain_ids(self) -> Tensor:
        tokens = self.tokenizer
        special = {tokens.pad_id, tokens.start_id, tokens.end_id, tokens.mask_id}
        return torch.tensor([id for id in range(tokens.vocab_size) if id not in special])


@dataclass(frozen=True)
class TagsMaker:
    """The tags of a clip, in each of `forms`.

    In training each expert is left out with `expert_dropout` and each tag with `tag_dropout` (off in TABLE's recipe).
    """

    store: TagStore
    forms: Sequence[TagForm]
    tag_dropout: float
    expert_dropout: float

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """The tags of the clip, those kept by dropout in training."""
        tags = self.store.tags(clip.id)
        if training:
            tags = self._kept(tags, draw("tags"))
        return {name: value for form in self.forms for name, value in form(tags).items()}

    def _kept(self, tags: Sequence[Tag], generator: torch.Generator) -> tuple[Tag, ...]:
        heard = torch.rand(len(EXPERTS), generator=generator) >= self.expert_dropout
        kept = torch.rand(len(tags), generator=generator) >= self.tag_dropout
        return tuple(tag for tag, keep in zip(tags, kept, strict=True) if keep and heard[EXPERTS.index(tag.expert)])


def text_fields(ids: Sequence[int]) -> dict[str, Tensor]:
    """The fields of one tokenised text; batches pad them."""
    return {"text_ids": torch.tensor(ids), "text_mask": torch.ones(len(ids), dtype=torch.bool)}


def tag_forms(fields: Collection[str], tokenizer: TextTokenizer, given: Preprocessing) -> list[TagForm]:
    """The forms that make those of `fields` that are made from tags."""
    forms: dict[tuple[str, ...], TagForm] = {
        TAG_WORDS: partial(word_fields, tokenizer=tokenizer, length=given.tag_length),
        TAG_SENTENCE: partial(sentence_fields, tokenizer=tokenizer, length=given.tag_sentence_length),
    }
    return [form for names, form in forms.items() if not set(names).isdisjoint(fields)]


def word_fields(tags: Sequence[Tag], tokenizer: TextTokenizer, length: int) -> dict[str, Tensor]:
    """`tags` long (M, T), `tags_mask` bool (M, T), `tag_expert` long (M,): at most `length` tokens a tag.

    No rows for a clip without tags.
    """
    lines = tokenizer.encode([tag.word for tag in tags], length).ids if tags else []
    lengths_M = torch.tensor([len(ids) for ids in lines], dtype=torch.long)
    longest = int(lengths_M.max()) if lines else 1
    ids_MT = [padded(ids, longest, tokenizer.pad_id) for ids in lines]
    return {
        "tags": torch.stack(ids_MT) if lines else torch.empty(0, 1, dtype=torch.long),
        "tags_mask": torch.arange(longest) < lengths_M[:, None],
        "tag_expert": torch.tensor([_number_of(tag) for tag in tags], dtype=torch.long),
    }


def _number_of(tag: Tag) -> int:
    if tag.expert not in EXPERTS:
        known = f"{nearest(tag.expert, EXPERTS)}; there are {', '.join(EXPERTS)}"
        raise ValueError(f"tag `{tag.word}`: no expert `{tag.expert}`{known}")
    return EXPERTS.index(tag.expert)


def fill_of(tokenizer: TextTokenizer) -> dict[str, int]:
    """Padding of the fields in which samples can differ in length, where it is not 0 or False."""
    pad = tokenizer.pad_id
    ids = ("text_ids", "text_masked_ids", "tags", "tag_sentence", "question_ids")
    return {"text_labels": IGNORE, **dict.fromkeys(ids, pad)}


def padded(ids: Sequence[int], length: int, value: int) -> Tensor:
    """`ids` as long (length,), filled up with `value`."""
    return torch.tensor([*ids, *[value] * (length - len(ids))], dtype=torch.long)


def mask_id_of(tokenizer: TextTokenizer) -> int:
    """The id that stands for a masked token: the tokeniser's own, or the one after its last."""
    return tokenizer.vocab_size if tokenizer.mask_id is None else tokenizer.mask_id


def check_fields(fields: Collection[str], known: Collection[str]) -> None:
    """Raise ValueError for a field that no maker makes."""
    if unknown := set(fields) - set(known) - {"id", "group"}:
        raise ValueError(f"video-text data have no fields {sorted(unknown)}; they have {', '.join(known)}")
