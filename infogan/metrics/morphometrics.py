"""Morphometrics of digits as Morpho-MNIST defines them (Castro et al. 2019, section 3), and partial correlation.

Each image is enlarged SCALE times (a smoothed cubic pyramid) and binarised at the middle between its darkest and
brightest pixel. Lengths are in pixels of the original image, slant is in radians: 0 for upright digits, positive where
the top leans to the right.
"""

import math

import numpy as np
from scipy import ndimage, stats

NAMES = ("area", "length", "thickness", "slant", "width", "height")
SCALE = 4
TRIMMED = 0.02  # share of the image's mass that the bounding parallelogram leaves out along each direction
# Length of the skeleton's step to each neighbour of a pixel. Of two opposite neighbours one has it: a step counts once.
_STEPS = np.array([[0, 0, 0], [0, 0, 1], [math.sqrt(2), 1, math.sqrt(2)]])


def measure(images: np.ndarray) -> np.ndarray:
    """The morphometrics NAMES of grey images [N, H, W], uint8: float64 [N, 6]; NaN for an image of one grey level.

    area: of the binary image, in square pixels.
    length: of its skeleton (medial axis).
    thickness: twice the mean distance of the skeleton from the border.
    slant: the arctangent of the horizontal shear.
    width, height: of the parallelogram of that shear which bounds 98 % of the mass along either direction.

    Raises ValueError where the images are not [N, H, W] uint8.
    """
    images = np.asarray(images)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype} of shape {images.shape}; give uint8 of N x H x W")
    return np.array([_measure(image) for image in images]).reshape(-1, len(NAMES))


def _measure(image: np.ndarray) -> np.ndarray:
    from skimage import morphology, transform

    if image.min() == image.max():
        return np.full(len(NAMES), np.nan)
    large = transform.pyramid_expand(image, upscale=SCALE, order=3)
    binary = large >= (large.min() + large.max()) / 2
    skeleton, distance = morphology.medial_axis(binary, return_distance=True, rng=42)
    length = ndimage.correlate(skeleton.astype(float), _STEPS, mode="constant")[skeleton].sum()
    y, x = np.indices(large.shape)
    mass = large / large.sum()
    x, y = x - (x * mass).sum(), y - (y * mass).sum()
    shear = (x * y * mass).sum() / (y * y * mass).sum()
    width = _extent(x - shear * y, mass)
    return np.array(
        [
            binary.sum() / SCALE**2,
            length / SCALE,
            2 * distance[skeleton].mean() / SCALE,
            math.atan(-shear),
            width / SCALE,
            _extent(y, mass) / SCALE,
        ]
    )


def _extent(positions: np.ndarray, mass: np.ndarray) -> float:
    """The distance between the quantiles of the mass that leave out TRIMMED / 2 on either side."""
    order = np.argsort(positions, axis=None)
    # A pixel's mass is spread over its width, so that half of it lies before the pixel's centre.
    cumulative = np.cumsum(mass.flat[order]) - mass.flat[order] / 2
    low, high = np.interp([TRIMMED / 2, 1 - TRIMMED / 2], cumulative, positions.flat[order])
    return float(high - low)


def partial_correlation(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> tuple[float, float, float]:
    """Pearson's correlation of x [N] and y [N] given `given` [N, k], and the bounds of its 95 % interval.

    It is the correlation of the residuals of two linear fits on `given`; the interval is Fisher's, with
    N - k - 3 degrees of freedom. NaN where a fit is exact, so that there are no residuals.
    """
    predictors = np.column_stack([np.ones(len(x)), given])
    rank = np.linalg.matrix_rank(predictors)
    residuals = [v - predictors @ np.linalg.lstsq(predictors, v, rcond=None)[0] for v in (x, y)]
    if any(np.linalg.norm(rest) <= 1e-9 * np.linalg.norm(v) for rest, v in zip(residuals, (x, y))):
        return math.nan, math.nan, math.nan
    r = float(np.corrcoef(*residuals)[0, 1])
    degrees = len(x) - (rank - 1) - 3
    if degrees <= 0 or abs(r) >= 1:
        return r, math.nan, math.nan
    half = stats.norm.ppf(0.975) / math.sqrt(degrees)
    z = math.atanh(r)
    return r, math.tanh(z - half), math.tanh(z + half)
