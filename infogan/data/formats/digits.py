"""scikit-learn's handwritten digits, 1,797 images of 8 x 8 pixels, which come with that package."""

import numpy as np
import torch

from infogan.data.splits import Dataset, Split, images_from, split_shuffled


def load() -> Dataset:
    """Images uint8 [N, 1, 8, 8], scaled from 16 grey levels to 0..255, with labels; 300 to validate and 300 to test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = images_from(np.round(bunch.images * (255 / 16)).astype(np.uint8))
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    return split_shuffled("digits", Split(images, labels), n_validation=300, n_test=300)
