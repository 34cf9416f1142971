"""Mutual information of codes and factors, and entropies of factors, in nats."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import mutual_info_score

from infogan.metrics.disentanglement.preprocessing import discretise


def mutual_information(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> np.ndarray:
    """I(code; factor) in nats, [m, k], from the joint histogram of the discretised columns.

    The estimate is biased upwards by about (BINS - 1)^2 / 2N.
    """
    a, b = discretise(codes, categorical=categorical), discretise(factors)
    return np.array([[mutual_info_score(x, y) for y in b.T] for x in a.T])


def entropies(factors: np.ndarray) -> np.ndarray:
    """H(factor) in nats, [k], of the discretised factors."""
    return np.array([mutual_info_score(column, column) for column in discretise(factors).T])
