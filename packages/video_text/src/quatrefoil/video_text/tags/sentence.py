"""All tags of a clip as one sentence: `dog, ball. man. runs`, the experts in their order, the surest tag first.

Source: the alternative to a code per tag that TABLE's specification leaves open (arXiv 2301.12644 itself could not be
read; separators and truncation are our choice).

Legend: L tokens of the sentence.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from quatrefoil.video_text.tags.selection import Tag, rank
from quatrefoil.video_text.text.tokenizer import TextTokenizer

TAG_SENTENCE = ("tag_sentence", "tag_sentence_mask")


def sentence(tags: Sequence[Tag]) -> str:
    """The words of tags in the order of experts: a comma between two of one expert, a full stop between experts."""
    experts = groupby(tags, key=lambda tag: tag.expert)
    return ". ".join(", ".join(tag.word for tag in group) for _, group in experts)


def sentence_fields(tags: Sequence[Tag], tokenizer: TextTokenizer, length: int) -> dict[str, Tensor]:
    """`tag_sentence` long (L,), `tag_sentence_mask` bool (L,): at most `length` tokens, one masked one without tags.

    Where the sentence is longer, the least sure tags are left out, whole; one tag that is too long alone is cut.
    """
    ids = _fitting(tags, tokenizer, length) if tags else [tokenizer.pad_id]
    return {"tag_sentence": torch.tensor(ids), "tag_sentence_mask": torch.full((len(ids),), bool(tags))}


def _fitting(tags: Sequence[Tag], tokenizer: TextTokenizer, length: int) -> list[int]:
    surest = sorted(tags, key=rank)
    for count in range(len(tags), 0, -1):
        kept = set(surest[:count])
        text = sentence([tag for tag in tags if tag in kept])
        if len(tokenizer.encode([text], length + 1).ids[0]) <= length:  # one more tells what fits from what is cut
            break
    return tokenizer.encode([text], length).ids[0]
