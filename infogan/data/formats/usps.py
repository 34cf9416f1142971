"""USPS's handwritten digits (Hull 1994), usps.bz2 and usps.t.bz2: text of the format of LIBSVM, packed by bzip2."""

import bz2
import io
from pathlib import Path

import numpy as np
import torch

from infogan.data.files import as_input_error, find_or_download
from infogan.data.splits import Dataset, Split, hold_out, images_from

SOURCE = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html"
COUNTS = {"usps.bz2": 7291, "usps.t.bz2": 2007}
"""File -> its number of images, a line each: the label from 1 to 10, and INDEX:VALUE of each pixel, from -1 to 1."""
SIDE = 16
BYTES_PER_PIXEL = 20
"""At most, of an index and a value: no more is unpacked."""


def load(root: Path) -> Dataset:
    """Images uint8 [N, 1, 16, 16] with labels; the last tenth of the training images is to validate.

    What is not in `root` is downloaded. Raises InputError where that fails, or a file is damaged.
    """
    train, test = (
        read_libsvm(find_or_download(f"usps's {file}", [root / file], "USPS"), count) for file, count in COUNTS.items()
    )
    return hold_out("usps", train, len(train) // 10, test)


def read_libsvm(path: Path, count: int) -> Split:
    """One of the two files: images uint8 [count, 1, 16, 16] and labels, where the file's 1 is the digit 0."""
    from sklearn.datasets import load_svmlight_file

    with as_input_error(f"{path} is damaged or not USPS's digits", f"get it again from {SOURCE}"):
        most = count * SIDE**2 * BYTES_PER_PIXEL
        with bz2.open(path) as file:
            text = file.read(most + 1)
        if len(text) > most:
            raise ValueError(f"it unpacks to more than {most:,} bytes")
        sparse, labels = load_svmlight_file(io.BytesIO(text), n_features=SIDE**2, zero_based=False)
        if len(labels) != count:
            raise ValueError(f"it has {len(labels):,} images, expected {count:,}")
        values = sparse.toarray()
        if not np.isin(labels, np.arange(1, 11)).all() or not (np.abs(values) <= 1).all():
            raise ValueError("labels must be from 1 to 10, and pixels from -1 to 1")
    images = images_from(np.round((values + 1) * (255 / 2)).astype(np.uint8).reshape(-1, SIDE, SIDE))
    return Split(images, torch.from_numpy(labels.astype(np.int64) - 1))
