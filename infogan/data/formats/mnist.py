"""MNIST and Fashion-MNIST in their original idx files, unpacked or gzipped; torchvision downloads them."""

import gzip
import math
import struct
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data.download import DATA_VARIABLE, download
from infogan.data.errors import as_input_error, first_line
from infogan.data.limits import check_regular
from infogan.data.splits import Dataset, Split
from infogan.data.torchvision_import import import_torchvision

CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
"""Dataset name -> torchvision's class, which is also the name of the folder."""

N_LABELS = 10
UBYTE = 8  # idx's number of the type uint8


def load(name: str, root: Path) -> Dataset:
    """Images uint8 [N, 1, 28, 28] with labels; the last 10,000 of the 60,000 training images are to validate.

    Raises InputError where the files in `root` are damaged, or missing and not to be downloaded.
    """
    train, test = (_part(name, root, part, n) for part, n in (("train", 60_000), ("t10k", 10_000)))
    return Dataset(name, train[:50_000], train[50_000:], test)


def _part(name: str, root: Path, part: str, count: int) -> Split:
    images = _read(name, root, f"{part}-images-idx3-ubyte", (count, 28, 28))
    labels = _read(name, root, f"{part}-labels-idx1-ubyte", (count,))
    return Split(images.unsqueeze(1), labels.long())


def _read(name: str, root: Path, file: str, shape: tuple[int, ...]) -> Tensor:
    """The array of a file, which is downloaded where it is missing, or is a damaged .gz: a download may have stopped.

    Raises InputError for a damaged file.
    """
    folder = root / CLASSES[name]
    mend = f"pass --data-dir (or set {DATA_VARIABLE}) to a folder that holds {folder.name}/raw/, or run with a network"
    path, problem = _find(folder, file), f"{name}'s {file} is not in {folder / 'raw'}"
    if path is not None:
        with as_input_error(f"{path} is damaged", f"move it away, then {mend}"):
            try:
                return read_idx(path, shape)
            except (OSError, EOFError, zlib.error) as error:
                if path.suffix != ".gz":
                    raise
                problem = f"{path} is damaged ({first_line(error)})"
    fetch = partial(getattr(import_torchvision().datasets, CLASSES[name]), root, download=True)
    download(fetch, f"{problem} and", folder / "raw", mend)
    with as_input_error(f"{name} in {folder} is damaged", mend):
        return read_idx(folder / "raw" / file, shape)


def _find(folder: Path, file: str) -> Path | None:
    """The file in the folder or in its raw/, in torchvision's spelling or with a dot before idx, unpacked or not."""
    for name in (file, file.replace("-idx", ".idx")):
        for ending in ("", ".gz"):
            for path in (folder / "raw" / f"{name}{ending}", folder / f"{name}{ending}"):
                if not path.is_dir():  # an archive may unpack into a folder of the file's name
                    check_regular(path)
                if path.is_file():
                    return path
    return None


def read_idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """A file of idx's type uint8, gzipped if its name says so: uint8 of the expected shape; labels are from 0 to 9.

    No more is read than is expected, whatever a .gz unpacks to.
    Raises ValueError for another file, and what gzip raises for a damaged one.
    """
    size = struct.calcsize(f">I{len(shape)}I")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        data = file.read(size + math.prod(shape) + 1)
    if data[:4] != bytes([0, 0, UBYTE, len(shape)]) or len(data) < size:
        raise ValueError(f"it is no idx file of {len(shape)} dimensions")
    found = struct.unpack(f">{len(shape)}I", data[4:size])
    if found != shape:
        raise ValueError(f"its shape is {found}, expected {shape}")
    if len(data) != size + math.prod(shape):
        kind = "less" if len(data) < size + math.prod(shape) else "more"
        raise ValueError(f"it holds {kind} than its {math.prod(shape):,} values")
    values = torch.from_numpy(np.frombuffer(bytearray(data), np.uint8, offset=size).reshape(shape))
    if len(shape) == 1 and int(values.max()) >= N_LABELS:
        raise ValueError(f"it has the label {int(values.max())}, expected 0 to {N_LABELS - 1}")
    return values
