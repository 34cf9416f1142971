"""dSprites' .npz file (Matthey et al. 2017): found under its own name, or recognised by its KEYS."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from infogan.data import cache, limits, npy
from infogan.data.errors import as_input_error
from infogan.data.splits import Dataset, Split, split_in_order
from infogan.errors import InputError

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
SOURCE = "https://github.com/google-deepmind/dsprites-dataset"
SIZE = 64  # pixels, side of the images
KEYS = {"imgs", "latents_values"}
FACTORS = ("color", "shape", "scale", "orientation", "posX", "posY")


def load_original(root: Path) -> Dataset:
    """The dataset `dsprites`: FILE in the folder of the datasets. Raises InputError where it is missing or damaged."""
    path = root / FILE
    limits.check_regular(path)
    if not path.exists():
        raise InputError(
            f"there is no {path}: get it from {SOURCE} and put it there, or give its folder with --data-dir; the "
            "dataset sprites is drawn here and stands in for it"
        )
    return load(path, "dsprites")


def load(path: Path, name: str | None = None) -> Dataset:
    """Images uint8 [N, 1, 64, 64] of 0 and 255 with factors float32 [N, 6], in a fixed random order.

    The images are mapped from the cache, and may be larger than memory. The archive's pickled metadata is not read.
    Factors are those of `latents_values`, one value for each class of `latents_classes`; the colour has one value, and
    is left out where factors are compared with codes.

    name: of the dataset; default: the file's.
    Raises InputError where the file is damaged.
    """
    with as_input_error(f"{path} is truncated or no zip file", "get it again", (OSError, zipfile.BadZipFile)):
        archive = zipfile.ZipFile(path)
    mend = f"get it again from {SOURCE}, or name images of another kind `images`"
    with as_input_error(f"{path} is damaged or not dSprites", mend):
        limits.check_bytes(npy.declared_bytes(archive, "latents_values.npy"), f"{path}: `latents_values`")
        factors = npy.read(archive, "latents_values.npy").astype(np.float32)
        npy.declared_bytes(archive, "imgs.npy")  # they are mapped, and may be larger than memory
        with archive.open("imgs.npy") as file:
            shape, dtype = npy.read_header(file)
        count = shape[0]
        if dtype != np.uint8 or shape[1:] != (SIZE, SIZE) or factors.shape != (count, len(FACTORS)):
            raise ValueError(f"imgs is {dtype} of shape {shape}, latents_values of shape {factors.shape}")
    order = np.random.default_rng(0).permutation(count)
    chunks = partial(_chunks, archive, path, count)
    images = cache.cached("dsprites", cache.file_identity(path), (count, 1, SIZE, SIZE), chunks, order)
    shuffled = np.empty_like(factors)
    shuffled[order] = factors
    return split_in_order(name or path.stem, Split(images, None, {"factors": (torch.from_numpy(shuffled), FACTORS)}))


def _chunks(archive: zipfile.ZipFile, path: Path, count: int, start: int) -> Iterator[np.ndarray]:
    """The images from number `start`, uint8 [n, 1, 64, 64], in the archive's order."""
    pixels = SIZE * SIZE
    failures = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile)
    with as_input_error(f"{path} is damaged", "get it again", failures), archive.open("imgs.npy") as file:
        npy.read_header(file)
        file.seek(start * pixels, io.SEEK_CUR)
        for first in range(start, count, cache.CHUNK):
            data = file.read(min(cache.CHUNK, count - first) * pixels)
            yield np.frombuffer(data, np.uint8).reshape(-1, 1, SIZE, SIZE) * 255
