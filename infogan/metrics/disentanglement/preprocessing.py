"""What several metrics do to codes and factors before they compare them."""

from collections.abc import Sequence

import numpy as np

BINS = 20
"""As in disentanglement_lib (Locatello et al. 2019)."""


def discretise(columns: np.ndarray, bins: int = BINS, categorical: Sequence[int] = ()) -> np.ndarray:
    """Integers from 0, [N, m], for columns [N, m].

    A column of more than `bins` different values is cut into bins of equal width between its minimum and maximum.
    A column of fewer values, or of categories, is numbered by its sorted values.
    """
    out = np.empty(columns.shape, dtype=np.int64)
    for j, column in enumerate(np.asarray(columns, dtype=np.float64).T):
        values, index = np.unique(column, return_inverse=True)
        if len(values) > bins and j not in categorical:
            index = np.digitize(column, np.linspace(column.min(), column.max(), bins + 1)[1:-1])
        out[:, j] = index
    return out


def one_hot(codes: np.ndarray, categorical: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Codes [N, m] as inputs of a classifier: categorical codes one-hot, the others as they are.

    Returns: float64 [N, M], and for each of the M columns the code that it belongs to, [M].
    """
    parts = [
        column == np.unique(column) if j in categorical else column
        for j, column in enumerate(np.split(codes, codes.shape[1], axis=1))
    ]
    code_of_column = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    return np.concatenate(parts, axis=1, dtype=np.float64), code_of_column


def standardise(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes [N, m] of zero mean and unit variance (constant ones: zero), and which codes are not constant, bool [m]."""
    codes = np.asarray(codes, dtype=np.float64)
    deviation = codes.std(axis=0)
    varies = deviation > 1e-9
    return (codes - codes.mean(axis=0)) / np.where(varies, deviation, 1), varies


def images_by_value(factors: np.ndarray) -> list[list[np.ndarray]]:
    """For each factor, for each of its values (bins) that two or more images have: the indices of those images."""
    out = []
    for factor in discretise(factors).T:
        groups = [np.flatnonzero(factor == value) for value in np.unique(factor)]
        out.append([group for group in groups if len(group) > 1])
    return out


def halves(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of a random half of n images to fit on, and of the other half to evaluate on."""
    first, second = np.split(np.random.default_rng(seed).permutation(n), [n // 2])
    return first, second
