"""Images of any kind in an .npz file.

`images` uint8 [N, H, W] or [N, H, W, C]; optional `labels` int [N], `attributes` [N, k] with `attribute_names` [k], and
`factors` [N, k] with `factor_names` [k]. dSprites' own .npz is recognised by its arrays, see dsprites.py.
"""

import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data import labels, limits, npy
from infogan.data.errors import as_input_error
from infogan.data.formats import dsprites
from infogan.data.splits import Dataset, Extra, Split, split_shuffled
from infogan.data.summary import print_summary
from infogan.errors import InputError

LAYOUT = "it needs `images`, N x H x W or N x H x W x C, uint8, with C = 1 or 3"

KEYS = ("images", "labels", "attributes", "attribute_names", "factors", "factor_names")
"""What is read; other arrays of a file are not, which is said."""

Arrays = dict[str, np.ndarray]


def load(path: Path) -> Dataset:
    """Images uint8 [N, C, H, W] with the labels, attributes and factors that the file has; nothing is unpickled.

    Raises InputError where the file is missing or damaged, or an array does not have the layout above.
    """
    limits.check_regular(path)
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path}; {LAYOUT}")
    with as_input_error(f"{path} cannot be read as .npz", LAYOUT), zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if "images" not in keys and dsprites.KEYS <= set(keys):
            return dsprites.load(path)
        if "images" not in keys:
            raise InputError(f"{path} holds {', '.join(keys) or 'nothing'} and no `images`; {LAYOUT}")
        arrays = _read(path, archive, [key for key in KEYS if key in keys])
    images = _images(path, arrays["images"])
    numbers, classes = _labels(path, arrays, len(images))
    whole = Split(images, numbers, _extra(path, arrays, len(images)), classes)
    print_summary(str(path), whole, Counter({f"`{key}`": 0 for key in keys if key not in KEYS}))
    tenth = len(whole) // 10
    return split_shuffled(path.stem, whole, tenth, tenth)


def _read(path: Path, archive: zipfile.ZipFile, keys: list[str]) -> Arrays:
    """The arrays of these names, once their sizes have been checked."""
    needed = 0
    for key in keys:
        with as_input_error(f"{path}: `{key}` cannot be read", "write the file again"):
            needed += npy.declared_bytes(archive, f"{key}.npy")
    limits.check_bytes(needed, str(path))
    arrays = {}
    for key in keys:
        with as_input_error(f"{path}: `{key}` cannot be read", "save it as plain numbers or texts"):
            arrays[key] = npy.read(archive, f"{key}.npy")
    return arrays


def _images(path: Path, images: np.ndarray) -> Tensor:
    shape = images.shape
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        raise InputError(f"{path}: `images` is {images.dtype} of shape {shape}; {LAYOUT}")
    if 0 in images.shape[1:]:
        raise InputError(f"{path}: `images` has shape {shape}, without a pixel; {LAYOUT}")
    if len(images) < 20:
        raise InputError(f"{path} holds {len(images)} images; give at least 20, so that each split has some")
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _labels(path: Path, arrays: Arrays, n: int) -> tuple[Tensor | None, tuple[str, ...]]:
    values = arrays.get("labels")
    if values is None:
        return None, ()
    if values.shape != (n,):
        raise InputError(f"{path}: `labels` has shape {values.shape}; give {n}, for {n} images")
    return labels.encode(values, f"{path}: `labels`")


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
        extra[key] = _numbers(f"{path}: `{key}`", values), tuple(map(_text, names))
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


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
