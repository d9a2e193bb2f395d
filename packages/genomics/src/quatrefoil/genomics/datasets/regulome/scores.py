"""What baselines read, and how every bound is scored. Needs scikit-learn (the `regulome` extra).

Legend: B samples, X features, K classes.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.world import Bools, Floats, codes_of
from quatrefoil.genomics.sequence.kmers import Bytes, Ids

LONGEST_KMER: Final = 5
STRENGTH: Final = 0.01  # inverse of the penalty of the k-mer regression
_DECIMALS: Final = 4

Metrics = Mapping[str, float]


def require_scikit_learn() -> None:
    """Raise `ValueError` where the baselines could not be fitted: before anything is made, not after."""
    if find_spec("sklearn") is None:
        raise ValueError('Regulome fits baselines with scikit-learn; pip install "quatrefoil-genomics[regulome]"')


def score(labels_B: Ids, odds_BK: Floats) -> Metrics:
    """Accuracy, Matthews correlation, and area under the ROC curve (macro over pairs of classes where there are more
    than two), in [0, 1] and [-1, 1]. The most probable class is the answer."""
    from sklearn.metrics import accuracy_score, matthews_corrcoef, roc_auc_score

    answers_B = odds_BK.argmax(1)
    ranked = odds_BK[:, 1] if odds_BK.shape[1] == 2 else odds_BK
    found = {
        "auc": roc_auc_score(labels_B, ranked, multi_class="ovo"),
        "mcc": matthews_corrcoef(labels_B, answers_B),
        "accuracy": accuracy_score(labels_B, answers_B),
    }
    return {name: round(float(value), _DECIMALS) for name, value in found.items()}


def chance(labels_B: Ids) -> Metrics:
    """What the commonest label scores."""
    return {"auc": 0.5, "mcc": 0.0, "accuracy": round(float(np.bincount(labels_B).max() / len(labels_B)), _DECIMALS)}


def auc(open_B: Bools, scores_B: Floats) -> float:
    """Area under the ROC curve, ties counted as half."""
    from sklearn.metrics import roc_auc_score

    return round(float(roc_auc_score(open_B, scores_B)), _DECIMALS)


def gc_share(letters_BL: Bytes) -> Floats:
    """The share of G and C (B, 1)."""
    share_B1: Floats = np.isin(letters_BL, np.frombuffer(b"GC", np.uint8)).mean(1, keepdims=True)
    return share_B1


def kmer_counts(letters_BL: Bytes) -> Floats:
    """log(1 + count) of all k-mers up to `LONGEST_KMER` (B, X), for sequences without N."""
    codes_BL = codes_of(letters_BL).astype(np.int64)
    rows = np.arange(len(codes_BL))[:, None]
    counts, ids_BW = [], np.zeros((len(codes_BL), codes_BL.shape[1] + 1), np.int64)
    for k in range(1, LONGEST_KMER + 1):
        ids_BW = 4 * ids_BW[:, :-1] + codes_BL[:, k - 1 :]
        found = np.bincount((rows * 4**k + ids_BW).reshape(-1), minlength=len(codes_BL) * 4**k)
        counts.append(found.reshape(len(codes_BL), -1))
    return np.log1p(np.concatenate(counts, axis=1))
