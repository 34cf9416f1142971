"""Disentanglement: how well latent codes separate known factors of variation.

One metric, one file, each with `score(codes, factors, categorical=(), seed=0)`, a pure function of arrays:
    codes: [N, m], Q's prediction for N images: the mean of a continuous code, the category of a categorical one.
    factors: [N, k], the true factors of the same images.
    categorical: the columns of `codes` that hold categories. How categories are numbered changes no score.
Scores lie in [0, 1]; more is better. They follow the protocol of disentanglement_lib (Locatello et al. 2019,
"Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations") on the images that there
are; docs/disentanglement.md lists what differs. model_centrality.py compares models without known factors.

A new metric is a file here with a function `score`, a line in `scores`, and a row in the limits of
tests/metrics/test_disentanglement.py, which computes every score on a perfect and on a random representation.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from infogan.metrics.disentanglement import beta_vae, dci, explicitness, factor_vae, mig, modularity, sap
from infogan.metrics.disentanglement.information import entropies, mutual_information
from infogan.metrics.disentanglement.preprocessing import number_factors, split
from infogan.utils.errors import InputError

__all__ = ["entropies", "mutual_information", "scores"]


def scores(
    codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), progress: bool = False
) -> dict[str, float]:
    """Every score by name; DCI has three. Nearly all of the time is DCI's, which `progress` shows as a bar.

    Raises ValueError for fewer than two factors, InputError for a factor with one value in the images that classifiers
    are fitted on.
    """
    train = number_factors(factors)[split(len(factors), seed=0)[0]]
    for column in np.flatnonzero(train.max(axis=0) == train.min(axis=0)):
        raise InputError(
            f"factor number {column + 1} has one value in the {len(train):,} images that classifiers are fitted on; "
            "give more images, or leave the factor out of the dataset"
        )
    with warnings.catch_warnings():  # the protocol has scikit-learn's default numbers of iterations
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            "mig": mig.score(codes, factors, categorical),
            "sap": sap.score(codes, factors, categorical),
            **{f"dci_{name}": x for name, x in dci.score(codes, factors, categorical, 0, progress)._asdict().items()},
            "modularity": modularity.score(codes, factors, categorical),
            "explicitness": explicitness.score(codes, factors, categorical),
            "beta_vae": beta_vae.score(codes, factors, categorical),
            "factor_vae": factor_vae.score(codes, factors, categorical),
        }
