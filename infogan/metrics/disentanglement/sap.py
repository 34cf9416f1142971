"""Separated attribute predictability (SAP).

Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled Observations", section 3.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from infogan.metrics.disentanglement.preprocessing import BINS, halves


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Mean over factors of the difference between the factor's predictability from its best and its second best code.

    A factor of more than BINS values: its squared correlation with the code. A factor of fewer values: the balanced
    accuracy of a decision tree on held-out images, chance scaled to 0 (the paper's threshold classifier,
    for any number of values).
    """
    gaps = []
    for factor in np.asarray(factors, dtype=np.float64).T:
        values, index = np.unique(factor, return_inverse=True)
        predictability = [0.0]  # of no code: where there is one code, it is compared with this
        for j, code in enumerate(np.asarray(codes, dtype=np.float64).T):
            if len(values) > BINS:
                predictability.append(_squared_correlation(code, factor, j in categorical))
            else:
                predictability.append(_tree_accuracy(code, index, j in categorical, seed))
        second, first = sorted(predictability)[-2:]
        gaps.append(first - second)
    return float(np.mean(gaps))


def _squared_correlation(code: np.ndarray, factor: np.ndarray, is_category: bool) -> float:
    """Squared correlation of a factor with a code; with its mean in each category where the code is categorical."""
    if is_category:
        category = np.unique(code, return_inverse=True)[1]
        code = (np.bincount(category, factor) / np.bincount(category))[category]
    return 0.0 if code.std() == 0 else float(np.corrcoef(code, factor)[0, 1] ** 2)


def _tree_accuracy(code: np.ndarray, factor: np.ndarray, is_category: bool, seed: int) -> float:
    """Balanced accuracy, chance scaled to 0, of a decision tree from one code to a factor of integers from 0.

    The tree has a leaf for each value of the factor; for a categorical code a leaf for each category, in any order.
    """
    train, test = halves(len(code), seed)
    n_values = int(factor.max()) + 1
    leaves = None if is_category else max(2, n_values)
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=seed)
    predicted = tree.fit(code[train, None], factor[train]).predict(code[test, None])
    recall = [np.mean(predicted[factor[test] == value] == value) for value in np.unique(factor[test])]
    chance = 1 / n_values
    return max(0.0, (float(np.mean(recall)) - chance) / (1 - chance))
