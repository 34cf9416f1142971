"""Disentanglement: how well latent codes separate known factors of variation.

One metric, one file, each with `score(codes, factors, categorical=())`, a pure function of arrays:
    codes: [N, m], Q's prediction for N images: the mean of a continuous code, the category of a categorical one.
    factors: [N, k], the true factors of the same images.
    categorical: the columns of `codes` that hold categories. How categories are numbered changes no score.
Scores lie in [0, 1]; 1 is a representation with one code for each factor.

A new metric is a file here with a function `score`, a line in `scores`, and a row in the limits of
tests/metrics/test_disentanglement.py, which computes every score on a perfect and on a random representation.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.disentanglement import beta_vae, dci, explicitness, factor_vae, mig, modularity, sap
from infogan.metrics.disentanglement.information import entropies, mutual_information

__all__ = ["entropies", "mutual_information", "scores"]


def scores(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> dict[str, float]:
    """Every score by name; DCI has three. Raises ValueError for fewer than two factors."""
    return {
        "mig": mig.score(codes, factors, categorical),
        "sap": sap.score(codes, factors, categorical),
        **{f"dci_{name}": value for name, value in dci.score(codes, factors, categorical)._asdict().items()},
        "modularity": modularity.score(codes, factors, categorical),
        "explicitness": explicitness.score(codes, factors, categorical),
        "beta_vae": beta_vae.score(codes, factors, categorical),
        "factor_vae": factor_vae.score(codes, factors, categorical),
    }
