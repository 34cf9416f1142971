"""What each continuous code of a model changes in its images, in one word: slant, width, thickness, brightness ..."""

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


def given_codes(codes: Codes, sizes: list[int], code: int) -> np.ndarray:
    """What the correlations of a continuous code are conditioned on: categories (one-hot), other codes, [N, k]."""
    parts = [np.eye(size)[codes.categories[:, i]] for i, size in enumerate(sizes)]
    return np.column_stack([*parts, np.delete(codes.continuous, code, 1)])


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
    whole = ~np.isnan(measures).any(1)
    codes, measures = Codes(codes.categories[whole], codes.continuous[whole]), measures[whole]
    out = []
    for code in range(codes.continuous.shape[1]):
        given = given_codes(codes, model.latent.categorical_sizes, code)
        found = [
            (WORDS[name], morphometrics.partial_correlation(codes.continuous[:, code], measures[:, m], given)[0])
            for m, name in enumerate(names)
        ]
        found = [(word, r) for word, r in found if abs(r) >= LOWEST]  # NaN is not
        out.append(sorted(found, key=lambda pair: -abs(pair[1])))
    return out
