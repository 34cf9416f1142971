"""Mutual information gap (MIG).

Chen et al. 2018, "Isolating Sources of Disentanglement in Variational Autoencoders", equation 6.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.disentanglement.information import entropies, mutual_information


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> float:
    """Mean over factors of (I(best code; factor) - I(second best code; factor)) / H(factor)."""
    information = np.sort(mutual_information(codes, factors, categorical), axis=0)
    second = information[-2] if len(information) > 1 else 0.0
    return float(np.mean((information[-1] - second) / entropies(factors)))
