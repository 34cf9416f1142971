"""Clustering metrics: how well the categories of a categorical code agree with labels.

Protocol: the most likely category of each image under Q is compared with the image's label. The matching of
categories to labels is found on the evaluated images themselves, as usual for clustering accuracy:
    accuracy: one-to-one, by the Hungarian algorithm (Kuhn 1955);
    majority accuracy (purity): each category to its most frequent label.
NMI is normalised by the arithmetic mean of the two entropies; ARI is that of Hubert & Arabie (1985).

95 % intervals are over images: Wilson's for the accuracies, with the matching kept fixed, and the jackknife's
(Efron 1981) for NMI and ARI. The bootstrap would be biased: images that it duplicates agree with each other, which
raises NMI and ARI.

scipy is imported where it is used: a run's first update does not wait for them.
"""

from collections.abc import Sequence

import numpy as np

from infogan.codes import Latent
from infogan.data import Split
from infogan.networks import DiscriminatorQ, recognise

MEASURES = ("accuracy", "majority_accuracy", "nmi", "ari")


def contingency(categories: np.ndarray, labels: np.ndarray, n_categories: int, n_labels: int) -> np.ndarray:
    """The number of images of each category and label: int64 [n_categories, n_labels]."""
    table = np.zeros((n_categories, n_labels), dtype=np.int64)
    np.add.at(table, (categories, labels), 1)
    return table


def match(table: np.ndarray) -> np.ndarray:
    """The one-to-one matching of categories to labels of the highest accuracy: [n_categories], -1 where unmatched."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    label_of = np.full(len(table), -1)
    label_of[rows] = columns
    return label_of


def nmi_ari(table: np.ndarray) -> np.ndarray:
    """NMI and ARI of a contingency table."""
    parts = (table[table > 0], table.sum(1), table.sum(0))
    return _from_sums(table.sum(), [_x_log_x(part).sum() for part in parts], [_pairs(part).sum() for part in parts])


def _from_sums(n: int, x_log_x: list, pairs: list) -> np.ndarray:
    """NMI and ARI from n images and sums over cells, rows and columns of x log x, and of pairs: [2] or [2, leavings].

    Both are 1 where the two divisions are alike and of one part.
    """
    cells, rows, columns = x_log_x
    in_cells, in_rows, in_columns = pairs
    log_n, all_pairs = np.log(n), n * (n - 1) / 2
    mean_entropy = log_n - (rows + columns) / (2 * n)
    information = log_n + (cells - rows - columns) / n
    expected, most = in_rows * in_columns / np.maximum(all_pairs, 1), (in_rows + in_columns) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        nmi = np.where(mean_entropy > 1e-12, information / mean_entropy, 1.0)
        ari = np.where(np.abs(most - expected) > 1e-12, (in_cells - expected) / (most - expected), 1.0)
    return np.array([nmi, ari])


def _x_log_x(counts: np.ndarray) -> np.ndarray:
    return counts * np.log(np.maximum(counts, 1))


def _pairs(counts: np.ndarray) -> np.ndarray:
    return counts * (counts - 1) / 2


def _jackknife_half_widths(table: np.ndarray) -> np.ndarray:
    """Half widths of the 95 % jackknife intervals of NMI and ARI.

    All images of one cell of the table give the same value when they are left out. What remains then follows from the
    sums over the whole table, less the cell's part: the cost is linear in the cells.
    """
    row, column = np.nonzero(table)
    cells, rows, columns = table[row, column], table.sum(1), table.sum(0)
    n = table.sum()
    without = [
        [
            of(whole).sum() - of(mine) + of(mine - 1)
            for whole, mine in ((table, cells), (rows, rows[row]), (columns, columns[column]))
        ]
        for of in (_x_log_x, _pairs)
    ]
    left_out = _from_sums(n - 1, *without).T
    mean = np.average(left_out, axis=0, weights=cells)
    return 1.96 * np.sqrt((n - 1) / n * (cells[:, None] * (left_out - mean) ** 2).sum(0))


def code_to_label(categories: np.ndarray, labels: np.ndarray, n_categories: int, intervals: bool = False) -> dict:
    """Accuracy, majority accuracy, NMI and ARI of one categorical code, and its confusion matrix.

    Args:
        categories, labels: [N] integers from 0; n_categories: the code's number of categories.
        intervals: compute the 95 % intervals too.
    Returns: a dict of
        MEASURES: floats; with `intervals` also MEASURE_ci95: [low, high];
        n_images: N; confusion: n_categories lists of label counts; label_of_category: -1 where unmatched.

    Raises ValueError where the vectors are empty or differ in length.
    """
    categories, labels = np.asarray(categories), np.asarray(labels)
    if categories.shape != labels.shape or categories.ndim != 1 or len(categories) == 0:
        raise ValueError(
            f"categories are {categories.shape}, labels {labels.shape}; give two vectors of one length, 1 or more"
        )
    table, n = contingency(categories, labels, n_categories, int(labels.max()) + 1), len(categories)
    label_of, most_frequent = match(table), table.max(1).sum()
    matched = np.flatnonzero(label_of >= 0)
    hits = table[matched, label_of[matched]].sum()
    result: dict = dict(zip(MEASURES, (float(hits / n), float(most_frequent / n), *nmi_ari(table).tolist())))
    if intervals:
        for name, count in (("accuracy", hits), ("majority_accuracy", most_frequent)):
            result[f"{name}_ci95"] = list(share_interval(int(count), n))
        for name, half in zip(("nmi", "ari"), _jackknife_half_widths(table)):
            result[f"{name}_ci95"] = [float(result[name] - half), float(min(1, result[name] + half))]
    return result | {"n_images": n, "confusion": table.tolist(), "label_of_category": label_of.tolist()}


def name_categories(measured: dict, classes: Sequence[str]) -> list[dict | None]:
    """The label that each category was matched to: `label`, its number; `name`, its class's name, or else the number;
    `share`, of the category's images that have this label. None for a category matched to no label of its images.

    measured: of code_to_label; classes: the labels' names, or empty.
    """
    out: list[dict | None] = []
    for label, counts in zip(measured["label_of_category"], measured["confusion"], strict=True):
        if label < 0 or not counts[label]:
            out.append(None)
            continue
        name = classes[label] if classes else str(label)
        out.append({"label": label, "name": name, "share": counts[label] / sum(counts)})
    return out


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """The bounds of Wilson's 95 % interval (1927) of a share: hits of so many."""
    from scipy import stats

    low, high = stats.binomtest(hits, of).proportion_ci(0.95, "wilson")
    return float(low), float(high)


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean of values over seeds, and the bounds of its 95 % Student-t interval (NaN for a single value)."""
    from scipy import stats

    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def measure(discriminator: DiscriminatorQ, latent: Latent, split: Split, intervals: bool = False) -> list[dict]:
    """`code_to_label` of each categorical code on a split; an empty list without labels or without such codes."""
    if split.labels is None or not latent.categorical_sizes:
        return []
    categories = recognise(discriminator, latent, split.images)[0].numpy()
    labels = split.labels.cpu().numpy()
    return [code_to_label(categories[:, i], labels, size, intervals) for i, size in enumerate(latent.categorical_sizes)]
