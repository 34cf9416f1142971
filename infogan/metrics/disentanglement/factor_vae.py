"""FactorVAE score.

Kim & Mnih 2018, "Disentangling by Factorising", section 4; protocol: `factor_vae_score` of disentanglement_lib.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.clustering import contingency
from infogan.metrics.disentanglement.preprocessing import (
    TEST_POINTS,
    TRAIN_POINTS,
    SameValue,
    first_points,
    number_factors,
)

BATCH_SIZE = 64
"""Images that share a value: `factor_vae_score.batch_size`."""
LEAST_DEVIATION = 0.05
"""Standard deviation below which a continuous code is left out: `prune_dims.threshold`."""


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Accuracy of a majority vote from the code that varies least in a batch to the factor that the batch shares.

    A code's variance is divided by its variance over up to 10,000 images. Codes that hardly vary are left out; the
    score is 0 where all are. A categorical code's variance is the share of pairs of images that differ in it, as in the
    paper.
    """
    random = np.random.default_rng(seed)
    everywhere = variances(codes[first_points(len(codes), seed)], categorical)
    is_category = np.isin(np.arange(codes.shape[1]), categorical)
    varies = np.where(is_category, everywhere > 0, np.sqrt(everywhere) >= LEAST_DEVIATION)
    if not varies.any():
        return 0.0
    sharing = [SameValue(factor) for factor in number_factors(factors).T]
    shared = random.integers(len(sharing), size=TRAIN_POINTS + TEST_POINTS)
    batches = np.array([_batch(sharing[k], random) for k in shared])
    least = least_varying(codes[batches], everywhere, varies, categorical)
    votes = contingency(least[:TRAIN_POINTS], shared[:TRAIN_POINTS], codes.shape[1], len(sharing))
    return float(np.mean(votes.argmax(axis=1)[least[TRAIN_POINTS:]] == shared[TRAIN_POINTS:]))


def _batch(sharing: SameValue, random: np.random.Generator) -> np.ndarray:
    return sharing.draw(np.repeat(random.choice(sharing.candidates), BATCH_SIZE), random)


def variances(codes: np.ndarray, categorical: Sequence[int]) -> np.ndarray:
    """Of each code over images, [..., m], of codes [..., N, m]; of a categorical one the share of pairs that differ."""
    out = codes.var(axis=-2, ddof=1)
    for j in categorical:
        out[..., j] = unequal_pairs(codes[..., j])
    return out


def unequal_pairs(columns: np.ndarray) -> np.ndarray:
    """The share of pairs of different entries that are unequal, [...], of columns [..., N]."""
    n = columns.shape[-1]
    equal = sum((columns == value).sum(axis=-1) ** 2 for value in np.unique(columns))
    return (n**2 - equal) / (n * (n - 1))


def least_varying(
    groups: np.ndarray, everywhere: np.ndarray, varies: np.ndarray, categorical: Sequence[int]
) -> np.ndarray:
    """For each group of codes [groups, L, m] the code whose variance in it, over that everywhere [m], is least, of
    those that vary."""
    relative = variances(groups, categorical) / np.where(varies, everywhere, 1)
    return np.where(varies, relative, np.inf).argmin(axis=-1)
