"""How well codes tell labels apart: pure functions of arrays.

Protocol: Q's most likely category of each image is compared with the image's label. The matching of
categories to labels is found on the evaluated images themselves, as usual for clustering accuracy
(Hungarian: each category one label, one-to-one; majority: each category its commonest label). 95 % intervals
are over images: Wilson's for the two accuracies, the matching held fixed; for NMI and ARI the jackknife's (the
bootstrap will not do: its duplicated images agree with each other, which lifts both measures).
"""

import numpy as np
from scipy import stats
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from torch import nn

from infogan.codes import Latent
from infogan.data import Split
from infogan.networks import recognise

MEASURES = ("accuracy", "majority_accuracy", "nmi", "ari")


def contingency(codes: np.ndarray, labels: np.ndarray, n_codes: int, n_labels: int) -> np.ndarray:
    """How many images have each category and label: int64 [n_codes, n_labels]."""
    table = np.zeros((n_codes, n_labels), dtype=np.int64)
    np.add.at(table, (codes, labels), 1)
    return table


def match(table: np.ndarray) -> np.ndarray:
    """The one-to-one matching of categories to labels that is right most often: [n_codes], -1 where unmatched."""
    rows, columns = linear_sum_assignment(table, maximize=True)
    label_of = np.full(len(table), -1)
    label_of[rows] = columns
    return label_of


def accuracy(table: np.ndarray) -> float:
    """Share of images whose category is matched one-to-one (Hungarian) to their label."""
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def majority_accuracy(table: np.ndarray) -> float:
    """Share of images whose label is the commonest one of their category (purity)."""
    return float(table.max(1).sum() / table.sum())


def _information(table: np.ndarray) -> np.ndarray:
    """NMI and ARI of a contingency table."""
    codes, labels = np.nonzero(table)
    codes, labels = (np.repeat(index, table[table > 0]) for index in (codes, labels))
    return np.array([normalized_mutual_info_score(labels, codes), adjusted_rand_score(labels, codes)])


def _jackknife_half_widths(table: np.ndarray) -> np.ndarray:
    """Half widths of the 95 % jackknife intervals of NMI and ARI; images of one cell are alike when left out."""
    cells = np.argwhere(table > 0)
    weights = table[table > 0]
    without = []
    for row, column in cells:
        left = table.copy()
        left[row, column] -= 1
        without.append(_information(left))
    n = table.sum()
    mean = np.average(without, axis=0, weights=weights)
    return 1.96 * np.sqrt((n - 1) / n * (weights[:, None] * (without - mean) ** 2).sum(0))


def code_to_label(codes: np.ndarray, labels: np.ndarray, n_codes: int, intervals: bool = False) -> dict:
    """Accuracy (Hungarian), majority accuracy, NMI and ARI of one categorical code, and its confusion matrix.

    Args:
        codes, labels: [N] whole numbers from 0; n_codes: the code's number of categories.
    Returns: the MEASURES as floats; with `intervals` also NAME_ci95 = [low, high]; `confusion`, a list of
        n_codes rows (categories) of label counts; `label_of_category`, -1 where unmatched.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.shape != labels.shape or codes.ndim != 1 or len(codes) == 0:
        raise ValueError(f"codes {codes.shape} and labels {labels.shape} must be two vectors of one length, not empty")
    table = contingency(codes, labels, n_codes, int(labels.max()) + 1)
    nmi, ari = _information(table)
    values = (accuracy(table), majority_accuracy(table), float(nmi), float(ari))
    result: dict = dict(zip(MEASURES, values))
    if intervals:
        for name in ("accuracy", "majority_accuracy"):
            right = round(result[name] * len(codes))
            wilson = stats.binomtest(right, len(codes)).proportion_ci(0.95, "wilson")
            result[f"{name}_ci95"] = [float(wilson.low), float(wilson.high)]
        for name, half in zip(("nmi", "ari"), _jackknife_half_widths(table)):
            result[f"{name}_ci95"] = [float(result[name] - half), float(min(1, result[name] + half))]
    result |= {"n_images": len(codes), "confusion": table.tolist(), "label_of_category": match(table).tolist()}
    return result


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % Student-t interval; NaN bounds for a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def measure(discriminator: nn.Module, latent: Latent, split: Split, intervals: bool = False) -> list[dict]:
    """Code-to-label measures of each categorical code on a labelled split; empty without labels or such codes."""
    if split.labels is None or not latent.categorical_sizes:
        return []
    categories = recognise(discriminator, latent, split.images)[0].numpy()
    labels = split.labels.cpu().numpy()
    return [code_to_label(categories[:, i], labels, size, intervals) for i, size in enumerate(latent.categorical_sizes)]
