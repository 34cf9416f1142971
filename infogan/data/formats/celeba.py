"""CelebA (Liu et al. 2015), aligned images, laid out as torchvision does in a folder `celeba`.

It holds img_align_celeba/ or img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt.
"""

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data.cache import file_identity
from infogan.data.decoding import decode_images
from infogan.data.files import as_input_error, check_bytes, check_image_bytes, download, import_torchvision
from infogan.data.splits import Dataset, Split
from infogan.utils.errors import InputError
from infogan.utils.files import check_regular

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
    read, source = _open_images(folder, files)
    images = decode_images("celeba", [source, CROP], files, True, SIZE, CROP, read)
    whole = Split(images, None, {"attributes": (torch.from_numpy(attributes), names)})
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
    files, values, above = _read_table(folder / ATTRIBUTES, 2, (-1, 1))
    partition_files, parts, _ = _read_table(folder / PARTITION, 0, (0, 1, 2))
    names = tuple(above[1])
    if partition_files != files or (values.shape[1], parts.shape[1]) != (len(names), 1):
        raise InputError(
            f"{folder / ATTRIBUTES} and {PARTITION} must list the same images, the first with a number for each of its "
            f"attributes, the second with one: get both again from {WEBSITE}"
        )
    return files, names, (values > 0).astype(np.uint8), parts[:, 0]


def _read_table(path: Path, above: int, allowed: tuple[int, ...]) -> tuple[list[str], np.ndarray, list[list[str]]]:
    """One of CelebA's text tables: file names, numbers [N, columns], and the words of the lines above them."""
    check_regular(path)
    with as_input_error(f"{path} is missing or damaged", f"get it from {WEBSITE}"):
        check_bytes(path.stat().st_size, str(path))
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        numbers = np.array([[int(cell) for cell in row[1:]] for row in rows[above:]])
        if numbers.ndim != 2 or not np.isin(numbers, allowed).all():
            raise ValueError(f"its lines must have a name, and as many numbers each, of {allowed}")
    return [row[0] for row in rows[above:]], numbers, rows[:above]


def _open_images(folder: Path, files: list[str]) -> tuple[Callable[[str], bytes | Path], list]:
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

    def read(name: str) -> bytes:
        with as_input_error(f"{name} in {path} cannot be read", "get the archive again"):
            check_image_bytes(members[name].file_size, f"{name} in {path}")
            return archive.read(members[name])

    return read
