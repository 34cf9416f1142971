"""Mutual information of codes and factors, and entropies of factors, in nats."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import mutual_info_score

from infogan.metrics.disentanglement.preprocessing import number_codes, number_factors


def mutual_information(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> np.ndarray:
    """I(code; factor) in nats, [m, k], from the joint histogram of the numbered columns.

    The estimate is biased upwards by about (a - 1)(b - 1) / 2N for a and b different numbers in the columns.
    """
    a, b = number_codes(codes, categorical), number_factors(factors)
    return np.array([[mutual_info_score(x, y) for y in b.T] for x in a.T])


def entropies(factors: np.ndarray) -> np.ndarray:
    """H(factor) in nats, [k], of the numbered factors."""
    return np.array([mutual_info_score(column, column) for column in number_factors(factors).T])
