"""What several metrics do to codes and factors before they compare them.

Constants are those of disentanglement_lib (Locatello et al. 2019), config/unsupervised_study_v1/metric_configs.
"""

from collections.abc import Sequence

import numpy as np

TRAIN_POINTS, TEST_POINTS = 10_000, 5_000
"""Points that a metric is fitted and evaluated on: `num_train`, and `num_test` or `num_eval`."""
BINS = 20
"""Of equal width, into which continuous codes are cut: `discretizer.num_bins` of `histogram_discretizer`."""
MOST_VALUES, IMAGES_PER_VALUE = 200, 10
"""A factor is discrete that has at most so many values, each with so many images on average.

Ours: factors of disentanglement_lib are always discrete, of at most 183 values (Cars3D).
"""


def first_points(n: int, seed: int) -> np.ndarray:
    """Indices of TRAIN_POINTS random images of n, or of all where there are fewer."""
    return np.random.default_rng(seed).permutation(n)[:TRAIN_POINTS]


def split(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of TRAIN_POINTS random images of n, and of TEST_POINTS others; of few images two thirds and one third."""
    order, n_test = np.random.default_rng(seed).permutation(n), min(TEST_POINTS, n // 3)
    n_train = min(TRAIN_POINTS, n - n_test)
    return order[:n_train], order[n_train : n_train + n_test]


def is_discrete(factor: np.ndarray) -> bool:
    """Whether a factor [N] has few values: BINS at most, or MOST_VALUES with IMAGES_PER_VALUE images on average."""
    n_values = len(np.unique(factor))
    return n_values <= BINS or n_values <= min(MOST_VALUES, len(factor) / IMAGES_PER_VALUE)


def number_factors(factors: np.ndarray) -> np.ndarray:
    """Factors [N, k] as integers from 0: discrete ones are numbered by value, continuous ones cut into BINS."""
    columns = [
        np.unique(factor, return_inverse=True)[1] if is_discrete(factor) else _cut(factor)
        for factor in np.asarray(factors, dtype=np.float64).T
    ]
    return np.array(columns, dtype=np.int64).T


def number_codes(codes: np.ndarray, categorical: Sequence[int]) -> np.ndarray:
    """Codes [N, m] as integers from 0: categories are numbered, the others cut into BINS, however few their values."""
    columns = [
        np.unique(code, return_inverse=True)[1] if j in categorical else _cut(code)
        for j, code in enumerate(np.asarray(codes, dtype=np.float64).T)
    ]
    return np.array(columns, dtype=np.int64).T


def _cut(column: np.ndarray) -> np.ndarray:
    return np.digitize(column, np.histogram_bin_edges(column, BINS)[1:-1])


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


class SameValue:
    """Draws images that share the value of one factor, from the images that there are.

    disentanglement_lib renders images with the value instead; where all combinations of values are equally frequent in
    the data, as there, both are draws from the same distribution.

    factor: integers [N].
    candidates: the images whose value another image has, too.
    """

    def __init__(self, factor: np.ndarray):
        counts = np.bincount(factor)
        self._by_value, self._count = np.argsort(factor, kind="stable"), counts[factor]
        self._start = (np.cumsum(counts) - counts)[factor]
        self.candidates = np.flatnonzero(self._count > 1)

    def draw(self, images: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """For each image of an array of indices, an image of the same value, drawn with replacement; may be itself."""
        return self._by_value[self._start[images] + random.integers(self._count[images])]
