"""How well codes tell labels apart: pure functions of arrays.

Protocol: Q's most likely category of each image is compared with the image's label. The matching of
categories to labels is found on the evaluated images themselves, as usual for clustering accuracy
(Hungarian: each category one label, one-to-one; majority: each category its commonest label). Intervals
are 95 % percentile bootstraps over images, the matching found anew in each resample.
"""

import numpy as np
from scipy import stats
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

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


def _measures(codes: np.ndarray, labels: np.ndarray, n_codes: int, n_labels: int) -> dict[str, float]:
    table = contingency(codes, labels, n_codes, n_labels)
    return {
        "accuracy": accuracy(table),
        "majority_accuracy": majority_accuracy(table),
        "nmi": float(normalized_mutual_info_score(labels, codes)),
        "ari": float(adjusted_rand_score(labels, codes)),
    }


def code_to_label(codes: np.ndarray, labels: np.ndarray, n_codes: int, resamples: int = 0, seed: int = 0) -> dict:
    """Accuracy (Hungarian), majority accuracy, NMI and ARI of one categorical code, and its confusion matrix.

    Args:
        codes, labels: [N] whole numbers from 0; n_codes: the code's number of categories.
        resamples: bootstrap resamples for the intervals; 0 gives none.
    Returns: the MEASURES as floats; with resamples also NAME_ci95 = [low, high]; `confusion`, a list of
        n_codes rows (categories) of label counts; `label_of_category`, -1 where unmatched.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.shape != labels.shape or codes.ndim != 1 or len(codes) == 0:
        raise ValueError(f"codes {codes.shape} and labels {labels.shape} must be two vectors of one length, not empty")
    n_labels = int(labels.max()) + 1
    result: dict = _measures(codes, labels, n_codes, n_labels)
    if resamples:
        rng = np.random.default_rng(seed)
        draws = rng.integers(len(codes), size=(resamples, len(codes)))
        values = [_measures(codes[draw], labels[draw], n_codes, n_labels) for draw in draws]
        for name in MEASURES:
            low, high = np.percentile([value[name] for value in values], (2.5, 97.5))
            result[f"{name}_ci95"] = [float(low), float(high)]
    table = contingency(codes, labels, n_codes, n_labels)
    result |= {"n_images": len(codes), "confusion": table.tolist(), "label_of_category": match(table).tolist()}
    return result


def best_code(categories: np.ndarray, labels: np.ndarray, sizes: list[int]) -> int:
    """Which of several categorical codes [N, n] has the highest one-to-one accuracy; choose on validation images."""
    n_labels = int(labels.max()) + 1
    scores = [accuracy(contingency(categories[:, i], labels, size, n_labels)) for i, size in enumerate(sizes)]
    return int(np.argmax(scores))


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % Student-t interval; NaN bounds for a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
