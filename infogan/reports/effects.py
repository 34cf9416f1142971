"""What each continuous code of a model changes in its images, in one word: slant, width, thickness, brightness ..."""

from collections.abc import Sequence

import numpy as np
import torch

from infogan.inference import Codes, Model
from infogan.metrics import morphometrics
from infogan.metrics.image_statistics import STATISTICS, image_statistics

IMAGES = 150
"""Generated images that are measured: a correlation of 0.4 has a 95 % interval of +-0.14."""
LOWEST = 0.4
"""Partial correlation from which a code is named by a measure."""
WORDS = dict(zip(morphometrics.NAMES, ("ink", "stroke length", "thickness", "slant", "width", "height")))
WORDS |= dict(zip(STATISTICS, ("brightness", "middle against border", "light from the left")))


def partial_correlations(
    codes: Codes, measures: np.ndarray, names: Sequence[str], sizes: list[int], code: int
) -> dict[str, tuple[float, float, float]]:
    """Of one continuous code with each measure [N, names], given the categories and the other codes, and the bounds of
    its 95 % interval.

    sizes: of the categorical codes. Images that could not be measured (empty ones) are left out, and so are measures
    that do not vary, as happens on few pixels.
    """
    whole = ~np.isnan(measures).any(1)
    categories, continuous = codes.categories[whole], codes.continuous[whole]
    one_hot = [np.eye(size)[categories[:, i]] for i, size in enumerate(sizes)]
    given = np.column_stack([*one_hot, np.delete(continuous, code, 1)])
    found = {
        name: morphometrics.partial_correlation(continuous[:, code], measures[whole, m], given)
        for m, name in enumerate(names)
    }
    return {name: numbers for name, numbers in found.items() if not np.isnan(numbers[0])}


def measured_effects(model: Model, images: int = IMAGES, seed: int = 0) -> list[list[tuple[str, float]]]:
    """For each continuous code the measures that it moves, strongest first: (word, partial correlation in [-1, 1]).

    Digits (one channel) are measured by Morpho-MNIST's definitions, other images by image_statistics. Given are the
    categories and the other codes. Measures below LOWEST are left out, and so are images that cannot be measured.
    """
    codes = model.sample(images, seed)
    generated = model.generate(codes, seed)
    names: tuple[str, ...]
    if generated.shape[3] == 1:
        names, measures = morphometrics.NAMES, morphometrics.measure(generated[..., 0])
    else:
        names, measures = STATISTICS, image_statistics(torch.from_numpy(generated).permute(0, 3, 1, 2))
    out = []
    for code in range(codes.continuous.shape[1]):
        found = partial_correlations(codes, measures, names, model.latent.categorical_sizes, code)
        strong = [(WORDS[name], r) for name, (r, *_) in found.items() if abs(r) >= LOWEST]
        out.append(sorted(strong, key=lambda pair: -abs(pair[1])))
    return out
