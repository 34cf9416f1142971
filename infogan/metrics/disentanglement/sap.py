"""Separated attribute predictability (SAP).

Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled Observations", section 3;
protocol: `sap_score` of disentanglement_lib.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.svm import LinearSVC

from infogan.metrics.disentanglement.preprocessing import is_discrete, number_factors, one_hot, split

C = 0.01
"""Of LinearSVC, `compute_score_matrix` of disentanglement_lib's sap_score.py."""


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Mean over factors of the difference between the factor's predictability from its best and its second best code.

    Of a discrete factor: the accuracy on held-out images of a linear classifier from the raw code, with balanced
    classes. A code that predicts nothing has the accuracy of chance, and a line through one code separates no value
    that lies between others, so that one code for each factor scores far below 1. Of a continuous factor: its squared
    correlation with the code (`continuous_factors`; the study of disentanglement_lib has none).
    A single code is compared with a constant one.
    """
    train, test = split(len(codes), seed)
    inputs, code_of_column = one_hot(codes, categorical)
    parts = [inputs[:, code_of_column == j] for j in range(codes.shape[1])]
    if len(parts) == 1:
        parts.append(np.zeros((len(codes), 1)))
    gaps = []
    for factor, number in zip(np.asarray(factors, dtype=np.float64).T, number_factors(factors).T):
        if is_discrete(factor):
            found = [_accuracy(part[train], number[train], part[test], number[test]) for part in parts]
        else:
            found = [_explained_variance(part[train], factor[train]) for part in parts]
        second, first = sorted(found)[-2:]
        gaps.append(first - second)
    return float(np.mean(gaps))


def _accuracy(train: np.ndarray, values: np.ndarray, test: np.ndarray, test_values: np.ndarray) -> float:
    """On `test` of a linear classifier of integers, fitted on `train`; both [N, columns of one code]."""
    return float(LinearSVC(C=C, class_weight="balanced").fit(train, values).score(test, test_values))


def _explained_variance(code: np.ndarray, factor: np.ndarray) -> float:
    """Squared correlation of a factor [N] with a code [N, 1]; with its mean in each category of a code one-hot."""
    if code.shape[1] > 1:
        counts = code.sum(axis=0)
        code = code @ ((factor @ code) / np.maximum(counts, 1))[:, None]
    return 0.0 if code.std() < 1e-6 else float(np.corrcoef(code[:, 0], factor)[0, 1] ** 2)
