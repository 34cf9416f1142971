"""Modularity.

Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", equation 2.
"""

from collections.abc import Sequence

import numpy as np

from infogan.metrics.disentanglement.information import mutual_information

UNINFORMATIVE = 0.01  # nats


def score(codes: np.ndarray, factors: np.ndarray, categorical: Sequence[int] = ()) -> float:
    """Mean over codes of 1 - (sum over the other factors of I^2) / ((k - 1) I_best^2).

    I is the mutual information of the code and a factor, I_best its largest value over the k factors.
    Codes with less than UNINFORMATIVE nats of every factor are left out; the score is 0 where no code remains.

    Raises ValueError for fewer than two factors.
    """
    information = mutual_information(codes, factors, categorical)
    k = information.shape[1]
    if k < 2:
        raise ValueError(f"modularity compares factors; there is {k}, give two or more")
    best = information.max(axis=1)
    informative = best > UNINFORMATIVE
    if not informative.any():
        return 0.0
    others = (information**2).sum(axis=1) - best**2
    return float(np.mean(1 - others[informative] / (best[informative] ** 2 * (k - 1))))
