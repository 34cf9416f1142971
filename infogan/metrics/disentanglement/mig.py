"""Mutual information gap (MIG).

Chen et al. 2018, "Isolating Sources of Disentanglement in Variational Autoencoders", equation 6; protocol: `mig` of
disentanglement_lib.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.disentanglement.information import entropies, mutual_information
from infogan.metrics.disentanglement.preprocessing import first_points


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Mean over factors of (I(best code; factor) - I(second best code; factor)) / H(factor).

    A single code is compared with no information.
    """
    points = first_points(len(codes), seed)
    information = np.sort(mutual_information(codes[points], factors[points], categorical), axis=0)
    second = information[-2] if len(information) > 1 else 0.0
    return float(np.mean((information[-1] - second) / entropies(factors[points])))
