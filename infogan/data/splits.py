"""Images with what is known of them, and their division into training, validation and test images."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

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
