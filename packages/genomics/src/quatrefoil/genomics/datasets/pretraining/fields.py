"""What samples of pre-training hold, what is measured on them, and what data tell a model of themselves."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:  # its store is an extra
    from quatrefoil.genomics.regions.store import RegionMatrix

SEQUENCE_FIELDS: Final = ("ids", "masked_ids", "labels", "token_mask", "segments", "next_label")
REGION_FIELDS: Final = ("matrix", "region_mask", "own_column", "match_label", "match_kind", "hidden_cells")
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

USUAL: Final = "usual_hits.json"
"""The file that says what the values of each motif usually are in the matrix that is read."""


SCORED: Final = "scored_motifs.json"
"""The file that says how hits of the motifs are scored, where that is known."""


def assets_of(matrix: "RegionMatrix", *, k: int, segment: int, regions: int) -> Mapping[str, str]:
    """All three files, of data about this matrix."""
    sizes, usual, tables = {"k": k, "segment": segment, "regions": regions}, matrix.usual, matrix.tables
    scored = (
        None
        if tables is None
        else {
            "weights": tables.weights_TW4.tolist(),
            "widths": tables.width_T.tolist(),
            "threshold": tables.threshold_T.tolist(),
            "p_value": tables.p_value,
        }
    )
    return {
        ASSET: json.dumps({**sizes, "motifs": list(matrix.motifs)}),
        SCORED: json.dumps(scored),
        USUAL: json.dumps({"mean": usual.mean_T.tolist(), "deviation": usual.deviation_T.tolist()}),
    }
