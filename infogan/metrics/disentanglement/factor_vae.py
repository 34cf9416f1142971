"""FactorVAE score.

Kim & Mnih 2018, "Disentangling by Factorising", section 4.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.disentanglement.preprocessing import images_by_value, standardise

BATCHES = 800  # to fit on, and as many to evaluate on
BATCH_SIZE = 64


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Accuracy of a majority vote from the code that varies least in a batch to the factor that the batch shares.

    A code's variance is divided by its variance over all images. Constant codes are left out; the score is 0 where all
    are constant. A categorical code's variance is the share of pairs of images that differ in it, as in the paper.
    """
    random = np.random.default_rng(seed)
    standard, varies = standardise(codes)
    if not varies.any():
        return 0.0
    unequal = {j: unequal_pairs(codes[:, j]) for j in categorical if varies[j]}
    images = images_by_value(factors)
    votes = np.zeros((2, standard.shape[1], len(images)), dtype=np.int64)  # to fit, to evaluate: code x factor
    for batch in range(2 * BATCHES):
        k = random.integers(len(images))
        members = random.choice(images[k][random.integers(len(images[k]))], BATCH_SIZE)
        variance = np.where(varies, standard[members].var(axis=0), np.inf)
        for j in unequal:
            variance[j] = unequal_pairs(codes[members, j]) / unequal[j]
        votes[batch // BATCHES, variance.argmin(), k] += 1
    factor_of_code = votes[0].argmax(axis=1)
    return float(votes[1][np.arange(len(factor_of_code)), factor_of_code].sum() / BATCHES)


def unequal_pairs(column: np.ndarray) -> float:
    """The share of pairs of entries of [N] that differ (an entry paired with itself included)."""
    share = np.unique(column, return_counts=True)[1] / len(column)
    return float(1 - (share**2).sum())
