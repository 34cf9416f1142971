"""BetaVAE score.

Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", section 3.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from infogan.metrics.disentanglement.preprocessing import images_by_value, standardise

POINTS = 1000  # to fit on, and as many to evaluate on
PAIRS = 16  # of images, averaged for one point


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Accuracy of a linear classifier of the factor that pairs of images share; chance is 1/k.

    Its input, a point, is the mean over PAIRS pairs, which share one random factor, of the absolute difference of the
    standardised codes (of a categorical code: whether the two differ).
    """
    random = np.random.default_rng(seed)
    standard, is_category = standardise(codes)[0], np.isin(np.arange(codes.shape[1]), categorical)
    images = images_by_value(factors)
    points, shared = [], []
    for _ in range(2 * POINTS):
        k = random.integers(len(images))
        pairs = np.array([random.choice(images[k][random.integers(len(images[k]))], 2) for _ in range(PAIRS)])
        difference = np.abs(standard[pairs[:, 0]] - standard[pairs[:, 1]])
        points.append(np.where(is_category, difference > 0, difference).mean(axis=0))
        shared.append(k)
    model = LogisticRegression(max_iter=1000).fit(points[:POINTS], shared[:POINTS])
    return float(model.score(points[POINTS:], shared[POINTS:]))
