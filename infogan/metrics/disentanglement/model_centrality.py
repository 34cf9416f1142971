"""ModelCentrality: which of several models the others resemble most, without known factors.

Lin et al. 2020, "InfoGAN-CR and ModelCentrality: Self-supervised Model Training and Selection for Disentangling GANs",
section 4, and its published code (InfoGAN-CR_dSprites/main_mc*.py).
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.clustering import contingency
from infogan.metrics.disentanglement.factor_vae import least_varying, variances

GROUPS, GROUP_SIZE = 500, 100
"""Groups of generated images, and images of a group, which share one code: M and L of the published code."""


def similarity(groups: np.ndarray, shared: np.ndarray, reference: np.ndarray, categorical: Sequence[int] = ()) -> float:
    """FactorVAE score of one model's codes on images of another model, whose codes take the place of factors.

    groups: [groups, L, m], the first model's codes of images that the second generated; a group's share one code.
    shared: [groups], the second model's code that a group's images share.
    reference: [N, m], the first model's codes of images that the second generated freely; variances are divided by
        theirs. Codes that are constant in them are left out.
    categorical: the columns that hold categories.

    As in the published code the vote is evaluated on the groups that it is fitted on, and nothing is pruned. Chance is
    the share of the most frequent code in `shared` at least.
    """
    everywhere = variances(reference, categorical)
    varies = everywhere > 1e-12
    if not varies.any():
        return 0.0
    least = least_varying(groups, everywhere, varies, categorical)
    votes = contingency(least, shared, groups.shape[2], int(shared.max()) + 1)
    return float(votes.max(axis=1).sum() / len(shared))


def centrality(similarities: np.ndarray) -> np.ndarray:
    """For each of n models the mean over the others of the similarity, averaged over both directions, [n].

    similarities: [n, n], of model i's codes on images of model j.

    Raises ValueError for fewer than two models.
    """
    n = len(similarities)
    if n < 2:
        raise ValueError(f"ModelCentrality compares models; there is {n}, give two or more")
    both = (similarities + similarities.T) / 2
    return (both.sum(axis=1) - both.diagonal()) / (n - 1)
