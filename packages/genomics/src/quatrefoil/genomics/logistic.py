"""Logistic regression on standardised features (scikit-learn), the same on any number of threads.

Legend: B samples, X features, K classes.
"""

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats, Ints


def predict(train_BX: Floats, labels_B: Ints, test_BX: Floats, strength: float = 1.0) -> Floats:
    """Probabilities (B, K).

    Args:
        strength: inverse of the penalty.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the sum of a product depends on how many threads share it
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3))
        found: Floats = model.fit(train_BX, labels_B).predict_proba(test_BX).astype(np.float64)
    return found


def predict_in_turn(
    features_BX: Floats, labels_B: Ints, strength: float = 1.0, folds: int = 5, seed: int = 0
) -> Floats:
    """Probabilities (B, 2), each sample's from the folds that it is not in, stratified."""
    from sklearn.model_selection import StratifiedKFold

    found = np.empty((len(labels_B), 2))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(features_BX, labels_B):
        found[test] = predict(features_BX[train], labels_B[train], features_BX[test], strength)
    return found
