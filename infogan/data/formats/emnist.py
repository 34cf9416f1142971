"""EMNIST's handwritten letters and digits (Cohen et al. 2017): idx files, or the one zip of them, gzip.zip."""

import gzip
import string
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import torch

from infogan.data.files import as_input_error, check_regular, download, import_torchvision
from infogan.data.formats.mnist import Shape, find, how_to_get, parse_idx, read_idx
from infogan.data.splits import Dataset, Split, hold_out, images_from

LABELS = {"emnist-digits": range(10), "emnist-letters": range(1, 27), "emnist-balanced": range(47)}
"""Dataset name -> the labels in its files."""
NAMES = {
    "emnist-letters": tuple(string.ascii_lowercase),  # upper and lower case are one class
    "emnist-balanced": (*string.digits, *string.ascii_uppercase, *"abdefghnqrt"),  # those that differ from upper case
}
"""Names of the classes, where they are others than their numbers."""
ARCHIVE = "gzip.zip"


def load(name: str, root: Path) -> Dataset:
    """Images uint8 [N, 1, 28, 28] with labels from 0. Validation images are the last of the training images, as many as
    there are test images (Cohen et al. 2017, section III).

    What is not in `root` is downloaded by torchvision: the zip, of which no more than the files of `name` is unpacked,
    into memory. Raises InputError where that fails, or a file is damaged.
    """
    train, test = (_part(name, root, part) for part in ("train", "test"))
    with as_input_error(f"{name} in {root / 'EMNIST'} is damaged", how_to_get(root / "EMNIST")):
        if len(train) <= len(test):
            raise ValueError(f"{len(train):,} training images are no more than its {len(test):,} test images")
    return hold_out(name, train, len(test), test)


def _part(name: str, root: Path, part: str) -> Split:
    images = _read(name, root, f"{name}-{part}-images-idx3-ubyte", (None, 28, 28))
    labels = _read(name, root, f"{name}-{part}-labels-idx1-ubyte", (len(images),))
    upright = images_from(images.swapaxes(1, 2))  # the files have rows and columns exchanged
    numbers = torch.from_numpy(labels).long() - LABELS[name].start
    return Split(upright, numbers, classes=NAMES.get(name, ()))


def _read(name: str, root: Path, file: str, shape: Shape) -> np.ndarray:
    """The array of a file, from the folder or from the zip, which is downloaded where neither is there."""
    folder, labels = root / "EMNIST", LABELS[name]
    remedy, read = how_to_get(folder), read_idx
    if (path := find(folder, file)) is None:
        path, read = _archive(folder, f"{name}'s {file} is not in {folder / 'raw'}", remedy), partial(_from_zip, file)
    with as_input_error(f"{path} is damaged", f"move it away, then {remedy}"):
        return read(path, shape, labels)


def _archive(folder: Path, problem: str, remedy: str) -> Path:
    """The zip, in the folder or in its raw/, or else downloaded there."""
    for path in (folder / "raw" / ARCHIVE, folder / ARCHIVE):
        check_regular(path)
        if path.is_file():
            return path
    path, datasets = folder / "raw" / ARCHIVE, import_torchvision().datasets
    fetch = partial(datasets.utils.download_url, datasets.EMNIST.url, folder / "raw", ARCHIVE, datasets.EMNIST.md5)
    download(fetch, f"{problem} and {ARCHIVE}", folder / "raw", remedy, file=path)
    return path


def _from_zip(file: str, path: Path, shape: Shape, labels: range) -> np.ndarray:
    """The array of a gzipped idx file in the zip. Raises ValueError where there is none."""
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.rpartition("/")[2] == f"{file}.gz"]
        if not members:
            raise ValueError(f"it has no {file}.gz")
        with archive.open(members[0]) as packed, gzip.open(packed) as unpacked:
            return parse_idx(unpacked, shape, labels)
