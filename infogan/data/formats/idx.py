"""MNIST and the datasets of its layout, EMNIST too: idx files, unpacked or gzipped, or EMNIST's one zip of them."""

import gzip
import math
import string
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
import torch

from infogan.data.files import DATA_VARIABLE, as_input_error, check_bytes, find, find_or_download
from infogan.data.splits import Dataset, Split, hold_out, images_from

ARCHIVE = "gzip.zip"
HEADER = bytes([0, 0, 8])  # 8: idx's number of the type uint8
Shape = tuple[int | None, ...]
"""Expected of an array; None for any number of images."""


class Layout(NamedTuple):
    """What the files of a dataset are called and hold."""

    folder: str
    """In the folder of datasets, with the files or a folder raw/ of them; also torchvision's class."""
    parts: tuple[str, str] = ("train", "t10k")
    """Beginnings of the names of the files of training and of test images."""
    counts: tuple[int | None, int | None] = (60_000, 10_000)
    """Training and test images; None for any number."""
    labels: range = range(10)
    names: tuple[str, ...] = ()
    """Of the classes, where they are shown: a run's fingerprint has them, so none are added to older datasets."""


def _emnist(name: str, labels: range, names: tuple[str, ...] = ()) -> Layout:
    return Layout("EMNIST", (f"{name}-train", f"{name}-test"), (None, None), labels, names)


LAYOUTS = {
    "mnist": Layout("MNIST"),
    "fashion-mnist": Layout("FashionMNIST"),
    "kmnist": Layout("KMNIST", names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "emnist-digits": _emnist("emnist-digits", range(10)),
    # Upper and lower case are one class; of the balanced 47 those lower case letters that differ from upper case.
    "emnist-letters": _emnist("emnist-letters", range(1, 27), tuple(string.ascii_lowercase)),
    "emnist-balanced": _emnist("emnist-balanced", range(47), (*string.digits, *string.ascii_uppercase, *"abdefghnqrt")),
}
"""By the dataset's name."""


def load(name: str, root: Path) -> Dataset:
    """Images uint8 [N, 1, 28, 28] with labels from 0; as many of the last training images as there are test images are
    to validate (of EMNIST: Cohen et al. 2017, section III).

    What is not in `root` is downloaded: of EMNIST the zip, of which no more than the files of `name` is unpacked, into
    memory. Raises InputError where that fails, or a file is damaged.
    """
    layout = LAYOUTS[name]
    folder = root / layout.folder
    train, test = (_part(name, layout, folder, *part) for part in zip(layout.parts, layout.counts, strict=True))
    with as_input_error(f"{name} in {folder} is damaged", _how_to_get(folder)):
        if len(train) <= len(test):
            raise ValueError(f"{len(train):,} training images are no more than its {len(test):,} test images")
    return hold_out(name, train, len(test), test)


def _part(name: str, layout: Layout, folder: Path, part: str, count: int | None) -> Split:
    images = _read(name, layout, folder, f"{part}-images-idx3-ubyte", (count, 28, 28))
    labels = _read(name, layout, folder, f"{part}-labels-idx1-ubyte", (len(images),))
    if layout.folder == "EMNIST":
        images = images.swapaxes(1, 2)  # the files have rows and columns exchanged
    return Split(images_from(images), torch.from_numpy(labels).long() - layout.labels.start, classes=layout.names)


def _read(name: str, layout: Layout, folder: Path, file: str, shape: Shape) -> np.ndarray:
    """The array of a file in the folder or in its raw/, in torchvision's spelling or with a dot before idx, unpacked or
    not; of EMNIST also from the zip."""
    remedy, places = _how_to_get(folder), (folder, folder / "raw")
    spellings = (file.replace("-idx", ".idx"), file)
    paths = [place / f"{name}{ending}" for ending in ("", ".gz") for name in spellings for place in places]
    what = f"{name}'s {file}"
    if layout.folder == "EMNIST" and find(paths) is None:
        paths = [place / ARCHIVE for place in places]
        what = f"{what}, or {ARCHIVE},"
    path = find_or_download(what, paths, layout.folder, remedy)
    with as_input_error(f"{path} is damaged", f"move it away, then {remedy}"):
        return read_idx(path, shape, layout.labels, member=f"{file}.gz")


def _how_to_get(folder: Path) -> str:
    return f"pass --data-dir (or set {DATA_VARIABLE}) to a folder that holds {folder.name}/raw/, or run with a network"


def read_idx(path: Path, shape: Shape, labels: range = range(10), member: str = "") -> np.ndarray:
    """The array of an idx file of the type uint8 and the expected shape; one of one dimension has the labels that are
    allowed. It may be gzipped, or in a zip, where its name is `member`.

    No more is read than its header declares, whatever it unpacks to.
    Raises ValueError for another file, what gzip and zipfile raise for a damaged one, and InputError for one that
    declares more than the limit of bytes.
    """
    with _opened(path, member) as file:
        size = struct.calcsize(f">I{len(shape)}I")
        header = file.read(size)
        if header[:4] != HEADER + bytes([len(shape)]) or len(header) < size:
            raise ValueError(f"it is no idx file of {len(shape)} dimensions")
        found = struct.unpack(f">{len(shape)}I", header[4:])
        if any(side not in (None, here) for side, here in zip(shape, found, strict=True)) or not found[0]:
            expected = str(tuple("N" if side is None else side for side in shape)).replace("'", "")
            raise ValueError(f"its shape is {found}, expected {expected}")
        count = math.prod(found)
        check_bytes(count, str(path))
        data = file.read(count + 1)
    if len(data) != count:
        raise ValueError(f"it holds {'less' if len(data) < count else 'more'} than its {count:,} values")
    values = np.frombuffer(bytearray(data), np.uint8).reshape(found)
    for label in (int(values.min()), int(values.max())) if len(shape) == 1 else ():
        if label not in labels:
            raise ValueError(f"it has the label {label}, expected {labels.start} to {labels.stop - 1}")
    return values


@contextmanager
def _opened(path: Path, member: str) -> Iterator[BinaryIO]:
    """The content of a file, of a gzipped one, or of a gzipped one in a zip. Raises ValueError where there is none."""
    if path.suffix != ".zip":
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield cast(BinaryIO, file)
        return
    with zipfile.ZipFile(path) as archive:
        found = next((name for name in archive.namelist() if name.rpartition("/")[2] == member), None)
        if found is None:
            raise ValueError(f"it has no {member}")
        with archive.open(found) as packed, gzip.open(packed) as file:
            yield cast(BinaryIO, file)
