"""What samples of pre-training hold, and what is measured on them."""

from typing import Final, Literal, TypeAlias

SEQUENCE_FIELDS: Final = ("ids", "masked_ids", "labels", "token_mask", "segments", "next_label")
REGION_FIELDS: Final = ("matrix", "region_mask", "match_label", "match_kind", "hidden_cells")
FIELDS: Final = SEQUENCE_FIELDS + REGION_FIELDS

MATCH_KINDS: Final = ("own", "other_chromosome", "elsewhere", "other_cell_type")
"""What `match_kind` numbers: the window of the sequence's peak, and the three kinds of negatives."""

Unit: TypeAlias = Literal["next_segment", "match", "match_without_own"]
"""The windows of a split with the label of one task: does B follow A; does A belong to the regions, if the columns of
its own peak are there, or are zero."""

SplitName: TypeAlias = Literal["train", "val", "test", "unseen"]
"""`unseen`: cell types that are held out, on the chromosomes of `test`."""

ASSET: Final = "pretraining.json"
"""The file that says of a model what it was trained to read."""
