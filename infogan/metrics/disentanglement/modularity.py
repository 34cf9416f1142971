"""Modularity.

Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", equation 2; protocol:
`modularity_explicitness` of disentanglement_lib.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.disentanglement.information import mutual_information
from infogan.metrics.disentanglement.preprocessing import first_points


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = (), seed: int = 0) -> float:
    """Mean over codes of 1 - (sum over the other factors of I^2) / ((k - 1) I_best^2); of a constant code 0.

    I is the mutual information of the code and a factor, I_best its largest value over the k factors. As in the
    protocol every code counts alike: one that is noise has the modularity of the estimate's bias, which is not 0.

    Raises ValueError for fewer than two factors.
    """
    points = first_points(len(codes), seed)
    squares = mutual_information(codes[points], factors[points], categorical) ** 2
    k = squares.shape[1]
    if k < 2:
        raise ValueError(f"modularity compares factors; there is {k}, give two or more")
    best = squares.max(axis=1)
    informative = best > 0
    others = squares.sum(axis=1) - best
    modularity = 1 - others / np.where(informative, best * (k - 1), 1)
    return float(np.mean(np.where(informative, modularity, 0)))
