"""What a latent code moves in generated images: how much of a factor, and how far."""

import numpy as np


def explained_variance(values: np.ndarray) -> float:
    """Eta squared: the share of a factor's variance over generated images that one code explains.

    values [columns, rows, d]: the factor of images that differ in the code alone in a row, and in all else from row to
    row; d numbers each, whose variances are added. It is the variance of the columns' means over the variance of all: 1
    where the code alone decides, about (columns - 1) / (columns * rows) where it has no effect, 0 where nothing varies.
    """
    total = values.var((0, 1)).sum()
    return float(values.mean(1).var(0).sum() / total) if total > 0 else 0.0


def relative_spread(values: np.ndarray, real: np.ndarray) -> float:
    """Standard deviation of a factor along a code, relative to that over real images.

    values [columns, rows, d], see `explained_variance`: root mean square over the rows of the deviation in a row. real:
    [N, d].
    """
    return float(np.sqrt(values.var(0).mean(0).sum() / real.var(0).sum()))
