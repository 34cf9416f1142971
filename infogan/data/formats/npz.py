"""Images of any kind in an .npz file.

`images` uint8 [N, H, W] or [N, H, W, C]; optional `labels` int [N], `attributes` [N, k] with `attribute_names` [k], and
`factors` [N, k] with `factor_names` [k].
"""

import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data.files import as_input_error, check_bytes
from infogan.data.splits import Dataset, Extra, Split, classes_from, images_from, print_summary, split_shuffled, text
from infogan.utils.errors import InputError
from infogan.utils.files import check_regular

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
        members = {
            info.filename.removesuffix(".npy"): info for info in archive.infolist() if info.filename[-4:] == ".npy"
        }
        if "images" not in members:
            raise InputError(f"{path} holds {', '.join(members) or 'nothing'} and no `images`; {LAYOUT}")
        read = [key for key in KEYS if key in members]
        check_bytes(sum(members[key].file_size for key in read), str(path))
        arrays = {key: _read(archive, members[key], f"{path}: `{key}`") for key in read}
    with as_input_error(f"{path}: `images` cannot be used", "write the file again", ValueError):
        images = images_from(arrays["images"])
    if len(images) < 20:
        raise InputError(f"{path} holds {len(images)} images; give at least 20, so that each split has some")
    numbers, classes = _labels(path, arrays, len(images))
    whole = Split(images, numbers, _extra(path, arrays, len(images)), classes)
    print_summary(str(path), whole, Counter({f"`{key}`": 0 for key in members if key not in KEYS}))
    tenth = len(whole) // 10
    return split_shuffled(path.stem, whole, tenth, tenth)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> np.ndarray:
    """An array of the archive; nothing is unpickled."""
    with as_input_error(f"{where} cannot be read", "save it as plain numbers or texts"), archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


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
