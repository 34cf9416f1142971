"""DCI: disentanglement, completeness and informativeness.

Eastwood & Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled Representations", section 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from infogan.metrics.disentanglement.preprocessing import discretise, halves, one_hot


class DCI(NamedTuple):
    disentanglement: float
    completeness: float
    informativeness: float


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> DCI:
    """Disentanglement: each code is important for one factor. Completeness: each factor needs one code.

    Importances are those of gradient-boosted trees, one model for each factor (as disentanglement_lib); a categorical
    code's importance is the sum over its categories. Informativeness is the trees' accuracy on held-out images.
    """
    train, test = halves(len(codes), seed)
    inputs, code_of_column = one_hot(codes, categorical)
    importances, accuracies = [], []
    for factor in discretise(factors).T:
        model = GradientBoostingClassifier(n_estimators=20, random_state=seed).fit(inputs[train], factor[train])
        importances.append(np.bincount(code_of_column, model.feature_importances_, minlength=codes.shape[1]))
        accuracies.append(model.score(inputs[test], factor[test]))
    importance = np.array(importances).T  # [m, k]
    return DCI(_concentration(importance), _concentration(importance.T), float(np.mean(accuracies)))


def _concentration(importance: np.ndarray) -> float:
    """Mean over rows, weighted by their sums, of 1 - the entropy of the row's shares, to the base of their number."""
    if importance.shape[1] < 2 or importance.sum() == 0:
        return 0.0
    share = (importance + 1e-12) / (importance + 1e-12).sum(axis=1, keepdims=True)
    rows = 1 + (share * np.log(share)).sum(axis=1) / np.log(importance.shape[1])
    return float(np.average(rows, weights=importance.sum(axis=1)))
