"""Explicitness.

Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", section 3.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from infogan.metrics.disentanglement.preprocessing import discretise, halves, one_hot


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """How well logistic regression on all codes classifies each value of each factor.

    The mean area under the ROC curve of each value against the rest on held-out images, scaled so that chance is 0.
    """
    train, test = halves(len(codes), seed)
    inputs, _ = one_hot(codes, categorical)
    areas = []
    for factor in discretise(factors).T:
        if len(np.unique(factor[train])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(inputs[train], factor[train])
        probability = model.predict_proba(inputs[test])
        for value, column in zip(model.classes_, probability.T):
            is_value = factor[test] == value
            if 0 < is_value.sum() < len(is_value):
                areas.append(2 * roc_auc_score(is_value, column) - 1)
    return float(np.mean(areas)) if areas else 0.0
