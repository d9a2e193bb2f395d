"""What the benchmark of the motif scan says beside times."""

import numpy as np

from benchmarks.speed_motif_scan import kmer_rates


def test_ids_through_text_are_ours_unknown_bases_included() -> None:
    codes = np.random.default_rng(0).choice(5, 200_500, p=[0.24, 0.25, 0.25, 0.25, 0.01]).astype(np.uint8)
    assert kmer_rates(codes)["kmer_differ"] == 0
