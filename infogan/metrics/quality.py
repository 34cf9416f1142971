"""Sample quality from features of real and of generated images: pure functions of arrays.

infogan.metrics.feature_network has the network whose features are compared here, and the protocol.
"""

import numpy as np

NEIGHBOURS = 3
ROWS = 1000  # of distances at a time; all of 10,000 images by 10,000 would take gigabytes


def measure(real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """frechet_distance, kernel_distance, precision and recall of features of generated images [M, d] against real ones
    [N, d]."""
    precision, recall = precision_recall(real, generated)
    distances = {"frechet_distance": frechet_distance(real, generated)}
    distances |= {"kernel_distance": kernel_distance(real, generated)}
    return distances | {"precision": precision, "recall": recall}


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of Gaussians fitted to features [N, d] and [M, d].

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", equation 6.
    """
    difference = a.mean(0) - b.mean(0)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    # The trace of (A B)^(1/2) equals that of (A^(1/2) B A^(1/2))^(1/2), which is symmetric.
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()
    return float(difference @ difference + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared maximum mean discrepancy of features [N, d] and [M, d], by the kernel (x·y / d + 1)³: without bias.

    The Fréchet distance of finite samples is too large, and the more so the fewer they are. This estimate is right in
    the mean for any number of images, and may fall below 0 where both have one distribution.
    Bińkowski et al. 2018, "Demystifying MMD GANs", section 3 (kernel inception distance).
    """
    within = [(_kernel(x, x) - (((x**2).mean(1) + 1) ** 3).sum()) / (len(x) * (len(x) - 1)) for x in (a, b)]
    return float(sum(within) - 2 * _kernel(a, b) / (len(a) * len(b)))


def _kernel(a: np.ndarray, b: np.ndarray) -> float:
    """The sum of the kernel over all pairs."""
    return sum((((a[i : i + ROWS] @ b.T) / a.shape[1] + 1) ** 3).sum() for i in range(0, len(a), ROWS))


def precision_recall(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """Precision and recall of generated features [M, d] against real ones [N, d].

    Precision: the share of generated features that lie within the distance of a real one to its NEIGHBOURS-th nearest
    real neighbour, for any real one. Recall: the same with the roles exchanged.
    Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models", equation 2.
    """
    return _covered(fake, real), _covered(real, fake)


def _covered(points: np.ndarray, manifold: np.ndarray) -> float:
    """The share of points inside the balls around the manifold's points that reach to their NEIGHBOURS-th neighbour."""
    from sklearn.neighbors import NearestNeighbors

    # Each point of the manifold is found as its own nearest neighbour, so one more is asked for.
    radii = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(manifold).kneighbors(manifold)[0][:, -1]
    inside = 0
    for start in range(0, len(points), ROWS):
        part = points[start : start + ROWS]
        squares = (part**2).sum(1)[:, None] + (manifold**2).sum(1) - 2 * part @ manifold.T
        inside += int((squares <= radii**2).any(1).sum())
    return inside / len(points)
