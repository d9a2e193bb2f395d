"""Small models and a small batch, for every model of clips and texts."""

from typing import Any

import torch

from quatrefoil.core.data.collate import collate
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.objectives import Objective
from quatrefoil.video_text.encoders.clip import ClipConfig, ClipTextConfig, ClipVisionConfig, clip_transformer
from quatrefoil.video_text.models.brute_force import BruteForceConfig
from quatrefoil.video_text.models.table import TableConfig
from quatrefoil.video_text.models.two_tower import TwoTowerConfig
from quatrefoil.video_text.recipes.table import ALL, VTC

TOWERS = ClipConfig(
    vision=ClipVisionConfig(image_size=32, patch_size=16, projection=16, transformer=clip_transformer(16, 2, 2)),
    text=ClipTextConfig(
        vocab_size=40, context_length=12, projection=16, end_of_text=2, transformer=clip_transformer(16, 2, 2)
    ),
)
PARTS = {"vision": TOWERS.vision, "text": TOWERS.text}
CROSS = {"guide_layers": 1, "joint_layers": 1, "heads": 2, "max_frames": 8}
MODELS: dict[str, tuple[TwoTowerConfig, dict[str, Objective]]] = {
    "frames": (TwoTowerConfig(**PARTS), dict(VTC)),
    "brute-force": (BruteForceConfig(**PARTS), dict(VTC)),
    "table": (TableConfig(**PARTS, **CROSS), dict(ALL)),
    "table-patches": (TableConfig(**PARTS, **CROSS, visual_tokens="patches"), dict(ALL)),
    "table-mean": (TableConfig(**PARTS, **CROSS, pooling="mean"), dict(ALL)),
    "table-cross": (TableConfig(**PARTS, **CROSS, guidance="cross"), dict(ALL)),
    "table-shared-joint": (TableConfig(**PARTS, **CROSS, joint="shared"), dict(ALL)),
    "table-separate-tags": (TableConfig(**PARTS, **CROSS, tag_encoder="separate"), dict(ALL)),
    "table-embedded-tags": (TableConfig(**PARTS, **CROSS, tag_encoder="embedding"), dict(ALL)),
    "table-sentence": (TableConfig(**PARTS, **CROSS, tag_form="sentence"), dict(ALL)),
    "table-sentence-embedded": (
        TableConfig(**PARTS, **CROSS, tag_form="sentence", tag_encoder="embedding"),
        dict(ALL),
    ),
}
FILL = {"text_labels": IGNORE}


def sample(number: int, tags: int = 3, words: int = 4) -> dict[str, Any]:
    """A sample with `tags` tags and a caption of `words` words."""
    draw = torch.Generator().manual_seed(number)
    text = torch.tensor([1, *torch.randint(5, 40, (words,), generator=draw).tolist(), 2])
    labels = torch.full_like(text, IGNORE)
    labels[2] = text[2]
    ids = torch.randint(5, 40, (tags, 3), generator=draw)
    ids[:, 2] = 2
    sentence = (
        torch.tensor([1, *ids[:, :2].flatten().tolist(), 2][: TOWERS.text.context_length]) if tags else ids.new_zeros(1)
    )
    return {
        "id": f"clip{number}",
        "group": number,
        "frames": torch.randint(0, 256, (3, 3, 32, 32), generator=draw, dtype=torch.uint8),
        "text_ids": text,
        "text_mask": torch.ones(len(text), dtype=torch.bool),
        "text_masked_ids": text.index_fill(0, torch.tensor(2), 3),
        "text_labels": labels,
        "tags": ids,
        "tags_mask": torch.ones(tags, 3, dtype=torch.bool),
        "tag_sentence": sentence,
        "tag_sentence_mask": torch.full((len(sentence),), bool(tags)),
        "tag_expert": torch.randint(0, 7, (tags,), generator=draw),
    }


def batch_of(*samples: dict[str, Any]) -> dict[str, Any]:
    return collate(samples, FILL)
