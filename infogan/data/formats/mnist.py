"""MNIST and the datasets of its layout in their original idx files, unpacked or gzipped; torchvision downloads them."""

import gzip
import math
import struct
import zlib
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from infogan.data.files import (
    DATA_VARIABLE,
    as_input_error,
    check_bytes,
    check_regular,
    download,
    first_line,
    import_torchvision,
)
from infogan.data.splits import Dataset, Split, hold_out, images_from

CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
"""Dataset name -> torchvision's class, which is also the name of the folder."""

NAMES = {"kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")}
"""Names of the labels, where they are shown: a run's fingerprint has them, so none are added to older datasets."""

UBYTE = 8  # idx's number of the type uint8
DIGITS = range(10)
Shape = tuple[int | None, ...]
"""Expected of an array; None for any number of images."""


def load(name: str, root: Path) -> Dataset:
    """Images uint8 [N, 1, 28, 28] with labels; the last 10,000 of the 60,000 training images are to validate.

    Raises InputError where the files in `root` are damaged, or missing and not to be downloaded.
    """
    train, test = (_part(name, root, part, n) for part, n in (("train", 60_000), ("t10k", 10_000)))
    return hold_out(name, train, 10_000, test)


def _part(name: str, root: Path, part: str, count: int) -> Split:
    images = _read(name, root, f"{part}-images-idx3-ubyte", (count, 28, 28))
    labels = _read(name, root, f"{part}-labels-idx1-ubyte", (count,))
    return Split(images_from(images), torch.from_numpy(labels).long(), classes=NAMES.get(name, ()))


def _read(name: str, root: Path, file: str, shape: Shape) -> np.ndarray:
    """The array of a file, which is downloaded where it is missing, or is a damaged .gz: a download may have stopped.

    Raises InputError for a damaged file.
    """
    folder = root / CLASSES[name]
    remedy = how_to_get(folder)
    path, problem = find(folder, file), f"{name}'s {file} is not in {folder / 'raw'}"
    if path is not None:
        with as_input_error(f"{path} is damaged", f"move it away, then {remedy}"):
            try:
                return read_idx(path, shape)
            except (OSError, EOFError, zlib.error) as error:
                if path.suffix != ".gz":
                    raise
                problem = f"{path} is damaged ({first_line(error)})"
    fetch = partial(getattr(import_torchvision().datasets, CLASSES[name]), root, download=True)
    download(fetch, f"{problem} and", folder / "raw", remedy)
    with as_input_error(f"{name} in {folder} is damaged", remedy):
        return read_idx(folder / "raw" / file, shape)


def how_to_get(folder: Path) -> str:
    """How to get what is missing in a dataset's folder."""
    return f"pass --data-dir (or set {DATA_VARIABLE}) to a folder that holds {folder.name}/raw/, or run with a network"


def find(folder: Path, file: str) -> Path | None:
    """The file in the folder or in its raw/, in torchvision's spelling or with a dot before idx, unpacked or not."""
    for name in (file, file.replace("-idx", ".idx")):
        for ending in ("", ".gz"):
            for path in (folder / "raw" / f"{name}{ending}", folder / f"{name}{ending}"):
                if not path.is_dir():  # an archive may unpack into a folder of the file's name
                    check_regular(path)
                if path.is_file():
                    return path
    return None


def read_idx(path: Path, shape: Shape, labels: range = DIGITS) -> np.ndarray:
    """A file of idx's type uint8, gzipped if its name says so: see parse_idx."""
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        return parse_idx(file, shape, labels)


def parse_idx(file: BinaryIO | gzip.GzipFile, shape: Shape, labels: range = DIGITS) -> np.ndarray:
    """An array of idx's type uint8, of the expected shape; one of one dimension has the labels that are allowed.

    No more is read than its header declares, whatever a .gz unpacks to.
    Raises ValueError for another file, what gzip raises for a damaged one, and InputError for one that declares more
    than the limit of bytes.
    """
    size = struct.calcsize(f">I{len(shape)}I")
    header = file.read(size)
    if header[:4] != bytes([0, 0, UBYTE, len(shape)]) or len(header) < size:
        raise ValueError(f"it is no idx file of {len(shape)} dimensions")
    found = struct.unpack(f">{len(shape)}I", header[4:])
    if any(side not in (None, here) for side, here in zip(shape, found, strict=True)) or not found[0]:
        expected = str(tuple("N" if side is None else side for side in shape)).replace("'", "")
        raise ValueError(f"its shape is {found}, expected {expected}")
    count = math.prod(found)
    check_bytes(count, "an idx file")
    data = file.read(count + 1)
    if len(data) != count:
        raise ValueError(f"it holds {'less' if len(data) < count else 'more'} than its {count:,} values")
    values = np.frombuffer(bytearray(data), np.uint8).reshape(found)
    for label in (int(values.min()), int(values.max())) if len(shape) == 1 else ():
        if label not in labels:
            raise ValueError(f"it has the label {label}, expected {labels.start} to {labels.stop - 1}")
    return values
