"""The order in which training meets the images."""

import torch
from torch import Tensor

from infogan.utils.errors import InputError


class Batches:
    """Batches of images in training order: every epoch is a new permutation, and batches run on across epochs.

    The order depends on seed and update alone, so that a resumed run draws the batches it would have drawn.

    Raises InputError where there are fewer images than one batch needs.
    """

    def __init__(self, images: Tensor, batch_size: int, seed: int):
        if batch_size > len(images):
            raise InputError(
                f"batch_size is {batch_size}, but there are only {len(images)} training images: "
                f"set batch_size to at most {len(images)}"
            )
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self._orders: dict[int, Tensor] = {}  # the permutations of this epoch and of the one before

    def _order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            self._orders = {e: order for e, order in self._orders.items() if e == epoch - 1}
            generator = torch.Generator().manual_seed(self.seed + epoch)
            self._orders[epoch] = torch.randperm(len(self.images), generator=generator).to(self.images.device)
        return self._orders[epoch]

    def at(self, update: int) -> Tensor:
        """The images of an update, uint8 [batch_size, C, H, W], on the images' device."""
        return self.images[self.index(update)]

    def index(self, update: int) -> Tensor:
        """The indices of an update's images, int64 [batch_size], on the images' device."""
        epoch, start = divmod(update * self.batch_size, len(self.images))
        index = self._order(epoch)[start : start + self.batch_size]
        if len(index) < self.batch_size:
            index = torch.cat([index, self._order(epoch + 1)[: self.batch_size - len(index)]])
        return index
