"""Images with what is known of them, from a file's arrays, and their division into training, validation and test
images."""

import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from infogan.utils.errors import InputError, printable

Extra = dict[str, tuple[Tensor, tuple[str, ...]]]


@dataclass(frozen=True)
class Split:
    """Some images of a dataset; indexing it indexes all its tensors."""

    images: Tensor
    """uint8 [N, C, H, W]"""
    labels: Tensor | None = None
    """int64 [N], the class of each image from 0, where the dataset has classes."""
    extra: Extra = field(default_factory=dict)
    """"attributes" or "factors" -> (values [N, k], the names of the k columns)."""
    classes: tuple[str, ...] = ()
    """Names of the classes, where they are others than their numbers."""

    def __getitem__(self, index: slice | Tensor) -> "Split":
        extra = {key: (values[index], names) for key, (values, names) in self.extra.items()}
        labels = None if self.labels is None else self.labels[index]
        return Split(self.images[index], labels, extra, self.classes)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Dataset:
    """Training images, validation images held out of them (for every choice), and test images (for reports)."""

    name: str
    train: Split
    validation: Split
    test: Split

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def n_classes(self) -> int | None:
        """Number of classes that the training images are labelled with; None where they have no labels."""
        labels = self.train.labels
        return None if labels is None else len(labels.unique())


def images_from(pixels: np.ndarray) -> Tensor:
    """Images in the one layout that they have inside, uint8 [N, C, H, W], from a file's uint8 [N, H, W] or
    [N, H, W, C], C = 1 or 3.

    Raises ValueError for an array of another type or shape, and for one without a pixel.
    """
    *whole, channels = pixels.shape if pixels.ndim == 4 else (*pixels.shape, 1)
    if pixels.dtype != np.uint8 or len(whole) != 3 or channels not in (1, 3) or 0 in whole:
        shape = f"{pixels.dtype} of shape {pixels.shape}"
        raise ValueError(f"it is {shape}; give uint8 N x H x W or N x H x W x C, with C = 1 or 3")
    if channels == 1:
        return torch.from_numpy(pixels.reshape(whole[0], 1, *whole[1:]))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def classes_from(values: np.ndarray, where: str) -> tuple[Tensor | None, tuple[str, ...]]:
    """Class numbers int64 [N] in the order of the values, and the classes' names.

    values: [N] whole numbers, booleans, texts or dates. None, said on stderr, where there is one class: of one no
    accuracy can be measured. Raises InputError for values of another kind.
    """
    if values.dtype.kind not in "biuSUMm":
        raise InputError(f"{where} is {values.dtype}; give whole numbers, texts or dates, one for each image")
    if values.dtype.kind in "iu" and values.min() < 0:
        raise InputError(f"{where} has the value {values.min()}; give whole numbers from 0, or texts")
    found, numbers = np.unique(values, return_inverse=True)
    names = tuple(map(text, found))
    if len(names) == 1:
        said = f"{printable(where)}: all images are of the class {names[0]!r}; of one class no accuracy is measured"
        print(said, file=sys.stderr)
        return None, names
    return torch.from_numpy(numbers.reshape(-1).astype(np.int64)), names


def text(name: object) -> str:
    """A name in an array of texts or bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def print_summary(where: str, whole: Split, left_out: Counter, remark: str = "") -> None:
    """One line on stderr: the number of images, of classes, the names of attributes or factors, and what is left out.

    left_out: numbers by what they are of; an entry of 0 is said without its number.
    """
    classes = f" of {len(whole.classes)} classes" if whole.labels is not None else ""
    known = "".join(f", {len(names)} {key}" for key, (_, names) in whole.extra.items())
    skipped = ", ".join(f"{number} {what}" if number else what for what, number in left_out.most_common())
    said = f"{where}: {len(whole)} images{classes}{known}{remark}"
    print(printable(said + (f"; left out: {skipped}" if skipped else "")), file=sys.stderr)


def hold_out(name: str, train: Split, n_validation: int, test: Split) -> Dataset:
    """A dataset with test images of its own: the last of its training images are to validate."""
    n_train = len(train) - n_validation
    return Dataset(name, train[:n_train], train[n_train:], test)


def split_shuffled(name: str, whole: Split, n_validation: int, n_test: int) -> Dataset:
    """Split by a fixed permutation, so that a run's seed never moves a test image into the training images."""
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(whole)))
    test, validation, train = order.split([n_test, n_validation, len(whole) - n_test - n_validation])
    return Dataset(name, whole[train], whole[validation], whole[test])


def split_in_order(name: str, whole: Split) -> Dataset:
    """Split images that are shuffled already: the last tenth to test, the tenth before it to validate.

    The splits are views: nothing is copied.
    """
    tenth = len(whole) // 10
    end_train, end_validation = len(whole) - 2 * tenth, len(whole) - tenth
    return Dataset(name, whole[:end_train], whole[end_train:end_validation], whole[end_validation:])
