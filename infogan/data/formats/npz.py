"""Images of any kind in an .npz file.

`images` uint8 [N, H, W] or [N, H, W, C]; optional `labels` int [N], `attributes` [N, k] with `attribute_names` [k], and
`factors` [N, k] with `factor_names` [k].
"""

import math
import os
import zipfile
from collections import Counter
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from infogan.data.files import as_input_error, check_bytes, check_regular
from infogan.data.splits import Dataset, Extra, Split, classes_from, images_from, print_summary, split_shuffled, text
from infogan.errors import InputError

LAYOUT = "it needs `images`, N x H x W or N x H x W x C, uint8, with C = 1 or 3"

KEYS = ("images", "labels", "attributes", "attribute_names", "factors", "factor_names")
"""What is read; other arrays of a file are not, which is said."""

Arrays = dict[str, np.ndarray]


def load(path: Path) -> Dataset:
    """Images uint8 [N, C, H, W] with the labels, attributes and factors that the file has; nothing is unpickled.

    Raises InputError where the file is missing or damaged, or an array does not have the layout above.
    """
    check_regular(path)
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}; {LAYOUT}")
    with as_input_error(f"{path} cannot be read as .npz", LAYOUT), zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if "images" not in keys:
            raise InputError(f"{path} holds {', '.join(keys) or 'nothing'} and no `images`; {LAYOUT}")
        arrays = _read(path, archive, [key for key in KEYS if key in keys])
    with as_input_error(f"{path}: `images` cannot be used", "write the file again", ValueError):
        images = images_from(arrays["images"])
    if len(images) < 20:
        raise InputError(f"{path} holds {len(images)} images; give at least 20, so that each split has some")
    numbers, classes = _labels(path, arrays, len(images))
    whole = Split(images, numbers, _extra(path, arrays, len(images)), classes)
    print_summary(str(path), whole, Counter({f"`{key}`": 0 for key in keys if key not in KEYS}))
    tenth = len(whole) // 10
    return split_shuffled(path.stem, whole, tenth, tenth)


def _read(path: Path, archive: zipfile.ZipFile, keys: list[str]) -> Arrays:
    """The arrays of these names, once their sizes have been checked; nothing is unpickled."""
    needed = 0
    for key in keys:
        with as_input_error(f"{path}: `{key}` cannot be read", "write the file again"):
            needed += _declared_bytes(archive, f"{key}.npy")
    check_bytes(needed, str(path))
    arrays = {}
    for key in keys:
        with as_input_error(f"{path}: `{key}` cannot be read", "save it as plain numbers or texts"):
            with archive.open(f"{key}.npy") as file:
                arrays[key] = np.lib.format.read_array(file, allow_pickle=False)
    return arrays


def _declared_bytes(archive: zipfile.ZipFile, member: str) -> int:
    """The bytes that an array takes in memory, from its header alone; 0 for pickled objects, which are not read.

    Raises ValueError where its header declares another number than the archive.
    """
    info = archive.getinfo(member)
    with archive.open(info) as file:
        shape, dtype = read_header(file)
        held = info.file_size - file.tell()
    if dtype.hasobject:
        return 0
    needed = math.prod(shape) * dtype.itemsize
    if needed != held:
        raise ValueError(f"its header says {dtype} of shape {shape}, {needed:,} bytes, and it holds {held:,}")
    return needed


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the .npy file that begins here. Raises ValueError where none does."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _labels(path: Path, arrays: Arrays, n: int) -> tuple[Tensor | None, tuple[str, ...]]:
    values = arrays.get("labels")
    if values is None:
        return None, ()
    if values.shape != (n,):
        raise InputError(f"{path}: `labels` has shape {values.shape}; give {n}, for {n} images")
    return classes_from(values, f"{path}: `labels`")


def _extra(path: Path, arrays: Arrays, n: int) -> Extra:
    """The columns that the file has, and their names; where it has none, the columns' numbers."""
    extra = {}
    for key, names_key in (("attributes", "attribute_names"), ("factors", "factor_names")):
        if key not in arrays:
            continue
        values = arrays[key]
        if values.ndim != 2 or len(values) != n:
            raise InputError(f"{path}: `{key}` has shape {values.shape}; give {n} x columns, for {n} images")
        if not values.shape[1]:
            raise InputError(f"{path}: `{key}` has shape {values.shape}, no columns; give some, or leave it out")
        names = arrays.get(names_key, np.arange(values.shape[1]))
        if names.shape != values.shape[1:]:
            raise InputError(
                f"{path}: `{names_key}` has shape {names.shape}; "
                f"give a name for each of {values.shape[1]} columns of `{key}`"
            )
        extra[key] = _numbers(f"{path}: `{key}`", values), tuple(map(text, names))
    return extra


def _numbers(where: str, values: np.ndarray) -> Tensor:
    """Values [N, k] in torch's own types. Raises InputError where some are no finite real numbers."""
    if values.dtype.kind not in "iufb":
        raise InputError(f"{where} is {values.dtype}; give real numbers")
    if values.dtype.kind == "f" or values.dtype == np.uint64:  # which torch cannot compute with
        with np.errstate(over="ignore"):  # a long double may be larger than all of float64
            numbers = values.astype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
        if not np.isfinite(numbers).all():
            row, column = np.argwhere(~np.isfinite(numbers))[0]
            raise InputError(f"{where} has {values[row, column]} in row {row}, column {column}; give finite numbers")
        return torch.from_numpy(numbers)
    return torch.from_numpy(values.astype(np.uint8 if values.dtype in (np.uint8, np.bool_) else np.int64))
