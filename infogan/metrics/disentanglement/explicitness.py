"""Explicitness.

Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", section 3; protocol:
`modularity_explicitness` of disentanglement_lib, `explicitness_score_test`.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from infogan.metrics.disentanglement.preprocessing import number_factors, one_hot, split


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """How well logistic regression on all standardised codes classifies each value of each factor; chance is 0.5.

    The mean over factors of the mean over values of the area under the ROC curve of the value against the rest, on
    held-out images. As in the protocol it is not rescaled; the paper rescales it so that chance is 0.
    """
    train, test = split(len(codes), seed)
    inputs, _ = one_hot(codes, categorical)
    means = []
    for factor in number_factors(factors).T:
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(inputs[train], factor[train])
        areas = [
            roc_auc_score(factor[test] == value, column)
            for value, column in zip(model.classes_, model.predict_proba(inputs[test]).T)
            if 0 < np.mean(factor[test] == value) < 1  # the area of a value that all or none have is not defined
        ]
        means.append(np.mean(areas) if areas else 0.5)
    return float(np.mean(means))
