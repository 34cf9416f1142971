"""BetaVAE score.

Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", section 3;
protocol: `beta_vae_sklearn` of disentanglement_lib.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from infogan.metrics.disentanglement.preprocessing import TEST_POINTS, TRAIN_POINTS, SameValue, number_factors

PAIRS = 64
"""Of images, averaged for one point: `beta_vae_sklearn.batch_size`."""


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Accuracy of logistic regression of the factor that pairs of images share; chance is 1/k.

    Its input, a point, is the mean over PAIRS pairs, of which each shares the value of the same random factor, of the
    absolute difference of the codes as they are (of a categorical code: whether the two differ). The penalty of the
    regression is scikit-learn's default, so that the scale of codes matters, as in the protocol.
    """
    random = np.random.default_rng(seed)
    is_category = np.isin(np.arange(codes.shape[1]), categorical)
    sharing = [SameValue(factor) for factor in number_factors(factors).T]
    shared = random.integers(len(sharing), size=TRAIN_POINTS + TEST_POINTS)
    pairs = []
    for k in shared:
        first = random.choice(sharing[k].candidates, PAIRS)
        pairs.append((first, sharing[k].draw(first, random)))
    first, second = np.array(pairs).swapaxes(0, 1)
    difference = np.abs(codes[first] - codes[second])
    points = np.where(is_category, difference > 0, difference).mean(axis=1)
    model = LogisticRegression().fit(points[:TRAIN_POINTS], shared[:TRAIN_POINTS])
    return float(model.score(points[TRAIN_POINTS:], shared[TRAIN_POINTS:]))
