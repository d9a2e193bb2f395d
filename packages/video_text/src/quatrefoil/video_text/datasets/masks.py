"""What of a clip and its caption is masked as it carries meaning: nouns and verbs of the text, blocks of the video.

Legend: H W cells of the video encoder's last grid, L text tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor

from quatrefoil.core.masking import choose_blocks
from quatrefoil.video_text.datasets.candidates import Candidates, candidates_once
from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.datasets.fields import Draw
from quatrefoil.video_text.text.part_of_speech import PartOfSpeechTagger, SpacyTagger, TextBlobTagger
from quatrefoil.video_text.text.semantic import OFFICIAL, Kind, find_candidates, semantic_word_mask
from quatrefoil.video_text.text.tokenizer import TokenIds

VIDEO_MASK = ("video_masked_cells",)
TEXTBLOB = "textblob"


@dataclass(frozen=True)
class CellsMaker:
    """`video_masked_cells`: bool (H, W), in blocks, the same in all frames (Clover, after BEiT).

    Args:
        grid: H and W, of the video encoder's last stage.
        rate: share of the cells (Clover: 10 of 7 x 7).
        least_cells, largest_aspect: of a block, see `choose_blocks`.
    """

    grid: tuple[int, int]
    rate: float = 0.2
    least_cells: int = 4
    largest_aspect: float = 10 / 3

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """A mask in evaluation too."""
        choose = partial(choose_blocks, least_cells=self.least_cells, largest_aspect=self.largest_aspect)
        return {"video_masked_cells": choose(self.grid, draw("video mask"), self.rate)}


@dataclass(frozen=True)
class SemanticWords:
    """Chooses among the words of a text that carry meaning; none of a text that has none."""

    candidates: Candidates
    rate: float

    def __call__(self, text: str, tokens: TokenIds, generator: torch.Generator) -> Tensor:
        return semantic_word_mask(self.candidates[text], tokens.offsets[0], generator, self.rate)


@dataclass(frozen=True, kw_only=True)
class Masks:
    """What may be masked.

    Args:
        words: kinds of words (the official Clover code: no adjectives).
        tagger: what tells them: `textblob`, or the name of an installed spaCy pipeline (Clover: en_core_web_sm).
        cells: blocks of the video.
    """

    cells: CellsMaker
    words: tuple[Kind, ...] = OFFICIAL
    tagger: str = TEXTBLOB

    def semantic_words(self, texts: Iterable[str], rate: float, folder: Path) -> SemanticWords:
        """Finds the candidates of `texts`, once for each `folder`, which is theirs alone."""
        tagger = _tagger(self.tagger)
        stored = folder / f"{tagger.name}-{tagger.version}-{'-'.join(sorted(self.words))}"
        return SemanticWords(candidates_once(stored, lambda: find_candidates(texts, tagger, folder, self.words)), rate)


@cache
def _tagger(name: str) -> PartOfSpeechTagger:
    return TextBlobTagger() if name == TEXTBLOB else SpacyTagger(name)
