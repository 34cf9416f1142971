"""SVHN's cropped digits (Netzer et al. 2011), train_32x32.mat and test_32x32.mat."""

import math
from pathlib import Path

import numpy as np
import torch

from infogan.data.files import as_input_error, check_bytes, find_or_download
from infogan.data.splits import Dataset, Split, hold_out, images_from

SOURCE = "http://ufldl.stanford.edu/housenumbers"


def load(root: Path) -> Dataset:
    """Images uint8 [N, 3, 32, 32] with labels; the last tenth of the training images is to validate.

    What is not in `root` is downloaded. Raises InputError where that fails, or a file is damaged.
    """
    files = ("train_32x32.mat", "test_32x32.mat")
    train, test = (read_mat(find_or_download(f"svhn's {file}", [root / file], "SVHN")) for file in files)
    return hold_out("svhn", train, len(train) // 10, test)


def read_mat(path: Path) -> Split:
    """One of the two files: images uint8 [N, 3, 32, 32] and labels, where the file's 10 is the digit 0."""
    from scipy.io import loadmat, whosmat

    with as_input_error(f"{path} is damaged or not SVHN's cropped digits", f"get it again from {SOURCE}"):
        declared = {name: shape for name, shape, _ in whosmat(path)}
        check_bytes(math.prod(declared["X"]) + 8 * math.prod(declared["y"]), str(path))  # y is uint8 or float64
        arrays = loadmat(path, variable_names=["X", "y"])
        pixels, labels = arrays["X"], arrays["y"].reshape(-1).astype(np.int64)
        if pixels.shape != (32, 32, 3, len(labels)):
            raise ValueError(f"X is of shape {pixels.shape} for {len(labels)} labels, expected 32 x 32 x 3 x labels")
        if not len(labels) or labels.min() < 1 or labels.max() > 10:
            raise ValueError("y must be labels from 1 to 10")
        return Split(images_from(pixels.transpose(3, 0, 1, 2)), torch.from_numpy(labels % 10))
