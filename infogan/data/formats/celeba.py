"""CelebA (Liu et al. 2015), aligned images, laid out as torchvision does in a folder `celeba`.

It holds img_align_celeba/ or img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt.
"""

import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data.cache import cached, file_identity, in_parallel
from infogan.data.decoding import decode_image
from infogan.data.files import (
    as_input_error,
    check_bytes,
    check_image_bytes,
    check_regular,
    download,
    import_torchvision,
)
from infogan.data.splits import Dataset, Split
from infogan.errors import InputError

SIZE = 32  # pixels, side of the images
CROP = 148  # pixels, side of the square in the middle of the original 178 x 218 that is scaled to SIZE
WEBSITE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
ATTRIBUTES, PARTITION, IMAGES = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"


def load(root: Path) -> Dataset:
    """Images uint8 [N, 3, 32, 32] with the 40 attributes uint8 (1 present) and the official splits.

    Where there is no root/celeba, torchvision downloads it. Raises InputError where that fails, or where a file is
    damaged or missing.
    """
    folder = root / "celeba"
    if not folder.is_dir():
        fetch = partial(import_torchvision().datasets.CelebA, root, target_type="attr", download=True)
        download(fetch, f"celeba is not in {root} and", folder)
    files, names, attributes, parts = _read_lists(folder)
    whole = Split(_read_images(folder, files), None, {"attributes": (torch.from_numpy(attributes), names)})
    train, validation, test = (whole[_as_slice(np.flatnonzero(parts == part))] for part in range(3))
    return Dataset("celeba", train, validation, test)


def _as_slice(index: np.ndarray) -> slice | Tensor:
    """A sorted index as a slice where it has no gaps, because a slice of a memory map copies nothing."""
    if len(index) and len(index) == index[-1] - index[0] + 1:
        return slice(int(index[0]), int(index[-1]) + 1)
    return torch.from_numpy(index)


def _read_lists(folder: Path) -> tuple[list[str], tuple[str, ...], np.ndarray, np.ndarray]:
    """File names, attribute names, attributes uint8 [N, 40], and the official split [N]: 0 training, 1 validation, 2
    test."""
    files, names, values = _read_table(folder / ATTRIBUTES, skip=1, header=True)
    if set(np.unique(values)) - {-1, 1} or values.shape[1] != len(names):
        raise InputError(
            f"{folder / ATTRIBUTES} is not CelebA's list of attributes, which has a line of names, then a file name "
            f"and -1 or 1 for each name: get it again from {WEBSITE}"
        )
    partition_files, _, parts = _read_table(folder / PARTITION, skip=0, header=False)
    if partition_files != files or parts.shape[1] != 1 or set(np.unique(parts)) - {0, 1, 2}:
        raise InputError(
            f"{folder / PARTITION} does not give 0, 1 or 2 to each of the {len(files)} images of {ATTRIBUTES}: "
            f"get both again from {WEBSITE}"
        )
    return files, tuple(names), (values > 0).astype(np.uint8), parts[:, 0]


def _read_table(path: Path, skip: int, header: bool) -> tuple[list[str], list[str], np.ndarray]:
    """One of CelebA's text tables: names of the rows, names of the columns, whole numbers [rows, columns]."""
    check_regular(path)
    problem = f"{path} {'cannot be read' if path.exists() else 'is missing'}"
    with as_input_error(problem, f"get it from {WEBSITE}", (OSError, ValueError, IndexError)):
        check_bytes(path.stat().st_size, str(path))
        lines = path.read_text(encoding="utf-8").splitlines()[skip:]
        columns = lines.pop(0).split() if header else []
        cells = [line.split() for line in lines if line.strip()]
        numbers = np.array([[int(cell) for cell in row[1:]] for row in cells])
        if numbers.ndim != 2 or not len(numbers):
            raise ValueError("its lines are of different lengths, or there are none")
    return [row[0] for row in cells], columns, numbers


def _read_images(folder: Path, files: list[str]) -> Tensor:
    """uint8 [N, 3, SIZE, SIZE], through the cache."""
    read, source = _open_files(folder, files)

    def decode(i: int) -> np.ndarray:
        return decode_image(read(files[i]), files[i], True, SIZE, CROP)

    return cached("celeba", [source, CROP], (len(files), 3, SIZE, SIZE), in_parallel(decode, len(files)))


def _open_files(folder: Path, files: list[str]) -> tuple[Callable[[str], bytes | Path], list]:
    """A function from an image's file name to its path or its content, and what identifies the images for the cache."""
    images, archive = folder / IMAGES, folder / f"{IMAGES}.zip"
    if (images / IMAGES).is_dir():  # as Kaggle packs them
        images = images / IMAGES
    check_regular(archive)
    if images.is_dir():
        missing = next((name for name in files if not (images / name).is_file()), None)
        if missing is not None:
            raise InputError(f"{images} lacks {missing}, which {ATTRIBUTES} names: unpack {archive.name} again")
        return lambda name: images / name, [str(images.resolve()), files]
    if archive.is_file():
        return _open_zip(archive, files), file_identity(archive)
    raise InputError(
        f"there is neither {images} nor {archive.name} beside it: get CelebA's aligned images from {WEBSITE}"
    )


def _open_zip(path: Path, files: list[str]) -> Callable[[str], bytes]:
    """A function from an image's file name to its content in the archive, whatever folder it is in there."""
    with as_input_error(f"{path} is truncated or no zip file", "get it again", (OSError, zipfile.BadZipFile)):
        archive = zipfile.ZipFile(path)
    members = {Path(member.filename).name: member for member in archive.infolist()}
    if missing := next((name for name in files if name not in members), None):
        raise InputError(f"{path} lacks {missing}, which {ATTRIBUTES} names: get it again from {WEBSITE}")
    # A RuntimeError or NotImplementedError says that the member is encrypted, or of an unknown compression.
    failures = (OSError, RuntimeError, zlib.error, zipfile.BadZipFile)

    def read(name: str) -> bytes:
        with as_input_error(f"{name} in {path} cannot be read", "get the archive again", failures):
            check_image_bytes(members[name].file_size, f"{name} in {path}")
            return archive.read(members[name])

    return read
