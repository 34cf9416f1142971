"""DCI: disentanglement, completeness and informativeness.

Eastwood & Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled Representations", section 2;
protocol: `dci` of disentanglement_lib.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from tqdm import tqdm

from infogan.metrics.disentanglement.preprocessing import number_factors, one_hot, split

TREES = 100
"""For each value of a factor: the default of GradientBoostingClassifier, which disentanglement_lib takes."""
OFFSET = 1e-11
"""Added to importances before their entropy, as there."""


class DCI(NamedTuple):
    disentanglement: float
    completeness: float
    informativeness: float


def score(
    codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0, progress: bool = False
) -> DCI:
    """Disentanglement: each code is important for one factor. Completeness: each factor needs one code.

    Importances are those of gradient-boosted trees, one model for each factor; a categorical code's importance is the
    sum over its categories. Informativeness is the trees' accuracy on held-out images.

    progress: shows a bar over factors.
    """
    train, test = split(len(codes), seed)
    inputs, code_of_column = one_hot(codes, categorical)
    importances, accuracies = [], []
    for factor in tqdm(number_factors(factors).T, "DCI", unit=" factors", leave=False, disable=not progress):
        model = GradientBoostingClassifier(n_estimators=TREES, random_state=seed).fit(inputs[train], factor[train])
        importances.append(np.bincount(code_of_column, model.feature_importances_, minlength=codes.shape[1]))
        accuracies.append(model.score(inputs[test], factor[test]))
    importance = np.array(importances).T  # [m, k]
    return DCI(_concentration(importance), _concentration(importance.T), float(np.mean(accuracies)))


def _concentration(importance: np.ndarray) -> float:
    """Mean over rows, weighted by their sums, of 1 - the entropy of the row's shares, to the base of their number.

    0 where nothing has importance, and where rows have one entry.
    """
    n_entries = importance.shape[1]
    if n_entries < 2 or importance.sum() == 0:
        return 0.0
    rows = 1 - entropy(importance + OFFSET, base=n_entries, axis=1)
    return float(np.average(rows, weights=importance.sum(axis=1)))
