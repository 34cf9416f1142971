"""A folder of image files; its sub-folders, where there are any, are the classes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.data import labels
from infogan.data.cache import cached, file_identity, in_parallel
from infogan.data.decoding import decode_image, is_colour
from infogan.data.splits import Dataset, Split, split_in_order
from infogan.errors import InputError

IMAGE_FILES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def load(folder: Path, size: int) -> Dataset:
    """All images below a folder, uint8 [N, C, size, size], in a fixed random order; colour where the first one is.

    Labels are the numbers of the sub-folders by name, where every image is in one.
    Raises InputError where there are fewer than 20 images, or one is damaged.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_FILES)
    if len(files) < 20:
        raise InputError(
            f"{folder} holds {len(files)} images ({', '.join(IMAGE_FILES)}); "
            f"give at least 20, so that each split has some"
        )
    colour = is_colour(files[0])
    order = np.random.default_rng(0).permutation(len(files))

    def decode(i: int) -> np.ndarray:
        file = files[order[i]]
        return decode_image(file, str(file), colour, size)

    source, shape = [file_identity(file) for file in files], (len(files), 3 if colour else 1, size, size)
    images = cached(folder.name, source, shape, in_parallel(decode, len(files)))
    numbers, classes = _labels(folder, files)
    ordered = None if numbers is None else numbers[torch.from_numpy(order)]
    return split_in_order(folder.name, Split(images, ordered, classes=classes))


def _labels(folder: Path, files: list[Path]) -> tuple[Tensor | None, tuple[str, ...]]:
    """The number of each file's first sub-folder, and the sub-folders' names; None where a file lies in `folder`."""
    parents = [file.relative_to(folder).parts[:-1] for file in files]
    if not all(parents):
        return None, ()
    return labels.encode(np.array([parent[0] for parent in parents]), f"{folder}, by its sub-folders")
