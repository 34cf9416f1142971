"""Datasets by name. LOADERS is the one table of names; .npz files and folders of images go by their path."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from infogan.data import synthetic
from infogan.data.files import as_input_error, data_folder, expand_user
from infogan.data.formats import celeba, digits, folders, idx, npz, rendered_chairs, svhn, usps
from infogan.data.splits import Dataset
from infogan.utils.errors import InputError, printable

Loader = Callable[[Path, int | None], Dataset]
"""loader(folder of the datasets, side of the images in pixels or None), see load()."""


def _idx(name: str) -> Loader:
    return lambda root, size: idx.load(name, root)


def _synthetic(name: str) -> Loader:
    return lambda root, size: synthetic.load(name, size)


LOADERS: dict[str, Loader] = {
    "digits": lambda root, size: digits.load(),
    **{name: _idx(name) for name in idx.LAYOUTS},
    "usps": lambda root, size: usps.load(root),
    "svhn": lambda root, size: svhn.load(root),
    "celeba": lambda root, size: celeba.load(root),
    "rendered_chairs": lambda root, size: rendered_chairs.load(root),
    **{name: _synthetic(name) for name in synthetic.SCENES},
}

SYNTHETIC = tuple(synthetic.SCENES)
"""Names of the datasets that are rendered here; NAME@SIZE gives them another size."""

FOLDER_SIZE = 32  # pixels, of a folder's images where no @SIZE is given
LARGEST_SIZE = 1024  # pixels

PAD = ":pad"

NARROW = 48
"""Range of pixels below which it is asked whether it is right."""
NEARLY_CONSTANT = 2.0
"""Standard deviation of pixels below which it is asked whether they are right."""


def load(name: str, data_dir: str | os.PathLike | None = None) -> Dataset:
    """The dataset called `name`.

    Args:
        name: one of LOADERS, or the path of an .npz file or of a folder of images. NAME@SIZE gives the images of a
            folder or of a synthetic dataset the side SIZE, a multiple of 4, in pixels; :pad after it pads a folder's
            images to squares, instead of cropping them.
        data_dir: the folder of archives and .npz files, to which torchvision downloads; default: $INFOGAN_DATA, else
            ./data.

    Validation images are the last 10,000 training images of mnist, fashion-mnist and kmnist, the last ones of emnist's
    (as many as there are test images), the last tenth of svhn's and usps's, and CelebA's own; rendered_chairs has
    validation and test images of chairs that are not in the training images. All others are split by a fixed
    permutation, a tenth each (digits: 300 images each). Datasets of many files are decoded once, see cache.py.

    Raises InputError, one line that says how to get or repair the data.
    """
    root = data_folder(data_dir)
    with as_input_error(
        f"dataset {name!r} cannot be read", "make its files readable, and --data-dir a folder", OSError
    ):
        return check_pixels(_load(str(expand_user(name)) if name.startswith("~") else name, root), name)


def _load(name: str, root: Path) -> Dataset:
    if name.lower().endswith(".npz") and not os.path.isdir(name):
        path = Path(name) if os.path.exists(name) or not os.path.exists(root / name) else root / name
        return npz.load(path)
    pad = pads(name) and not os.path.isdir(name)
    base, size = _split_size(name.removesuffix(PAD) if pad else name)
    if base in LOADERS and not pad and (size is None or base in SYNTHETIC):
        return LOADERS[base](root, size)
    if os.path.isdir(base):
        return folders.load(Path(base), size or FOLDER_SIZE, pad)
    if "/" in base:
        raise InputError(f"there is no folder {base!r}: give the path of a folder of images, or of an .npz file")
    raise InputError(
        f"unknown dataset {name!r}: choose {', '.join(LOADERS)}, or give the path of an .npz file or of a folder of "
        f"images; @SIZE goes with {', '.join(SYNTHETIC)} and folders, {PAD} with folders"
    )


def pads(name: str) -> bool:
    """Whether the images of the dataset of this name are padded to squares, and not cropped."""
    return name.endswith(PAD)


def check_pixels(dataset: Dataset, name: str) -> Dataset:
    """The dataset, where its pixels can be looked at; near-constant ones are warned of on stderr, with numbers.

    Raises InputError where all pixels are alike, or 0 and 1 of 255.
    """
    some = dataset.train.images[:1000]
    low, high, spread = int(some.min()), int(some.max()), float(some.float().std())
    if low == high:
        raise InputError(f"{name}: every pixel is {low}, of 255; give images that differ")
    if high == 1:
        raise InputError(f"{name}: pixels are 0 and 1, of 255, and would all be black; multiply them by 255")
    asked = ""
    if high - low < NARROW or spread < NEARLY_CONSTANT:
        asked = f"pixels lie between {low} and {high}, of 255, with a standard deviation of {spread:.2g}"
    elif (some == some[0]).all():
        asked = f"the first {len(some)} training images are all alike"
    if asked:
        print(f"{printable(name)}: {asked}: is that right?", file=sys.stderr)
    return dataset


def _split_size(name: str) -> tuple[str, int | None]:
    """("chairs3d", 32) for chairs3d@32, and (name, None) for a name without a size."""
    base, at, size = name.rpartition("@")
    if not at or os.path.isdir(name) or not (base in SYNTHETIC or os.path.isdir(base)):
        return name, None
    if not size.isdecimal() or len(size) > 4 or int(size) % 4 or not 0 < int(size) <= LARGEST_SIZE:
        raise InputError(
            f"dataset {name!r} asks for images of size {size!r}; give a multiple of 4, such as {base}@64, "
            f"of at most {LARGEST_SIZE}"
        )
    return base, int(size)
