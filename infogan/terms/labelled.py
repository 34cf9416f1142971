"""A few labels: Q's first categorical code learns the classes of some training images (Spurr et al. 2017, ss-InfoGAN),
so that categories have the user's meaning and order."""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import Latent
from infogan.config import Config
from infogan.networks import DiscriminatorQ
from infogan.terms.base import Context, Settings, Term
from infogan.utils.errors import InputError
from infogan.utils.randomness import derive

COUNT = "100"
AT_ONCE = 64
"""Labelled images of an update at most, each with an augmented copy."""


def choose(labels: Tensor, count: int, seed: int) -> Tensor:
    """Indices of `count` images, as many of each class as of any other, or one more; the same for the same seed.

    labels: int64 [N]. Returns int64 [count], in the order of the classes.
    """
    random = torch.Generator().manual_seed(derive(seed, "labelled"))
    order = torch.randperm(len(labels), generator=random)
    classes = labels.unique()
    shares = [(count + k) // len(classes) for k in range(len(classes))]
    return torch.cat([order[labels[order] == c][:share] for c, share in zip(classes, shares)])


class Labelled(Term):
    """Cross-entropy, in nats, of Q's first categorical code with the classes of a few labelled images, drawn anew in
    each update, and of their augmented copies; in D's step. No other label is read."""

    name, step, of_q = "labelled", "D", True
    trains = frozenset(("trunk", "q"))
    metrics = ("labelled_nats",)
    random = ("labelled",)
    images: Tensor
    labels: Tensor

    def __init__(self, weight: float, settings: Settings, count: int):
        super().__init__(weight)
        assert settings.labels is not None, "see check_labels"
        labels = settings.labels.cpu()
        self.index = choose(labels, count, settings.config.seed)
        self.register_buffer("images", torch.zeros(count, *settings.image_shape, dtype=torch.uint8))
        self.register_buffer("labels", labels[self.index])

    def begin(self, discriminator: DiscriminatorQ, images: Tensor) -> None:
        self.images.copy_(images[self.index.to(images.device)])

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        random = context.random["labelled"]
        n = min(AT_ONCE, len(self.labels))
        some = torch.rand(len(self.labels), generator=random, device=random.device).argsort()[:n]
        images = self.images[some].float() / 255
        both = torch.cat([images, context.augment(images, random)])
        logits = context.latent.category_logits(context.D.q_params(both))[0]
        loss = F.cross_entropy(logits, self.labels[some].repeat(2))
        return loss, {"labelled_nats": loss}


def _count(count: str = COUNT) -> int:
    if not (count.isdecimal() and 2 <= int(count) < 10**9):
        raise InputError(f"the term labelled has count {count}; give a number of images, such as 100")
    return int(count)


def check(config: Config, latent: Latent, count: str = COUNT) -> None:
    if not latent.categorical_sizes:
        raise InputError(
            f"the term labelled needs a categorical code, and codes is {config.codes}: add one such as 10c"
        )
    _count(count)


def check_labels(config: Config, latent: Latent, labels: Tensor | None, count: str = COUNT) -> None:
    """Raises InputError where the training images have no such labels."""
    if labels is None:
        raise InputError("the term labelled needs labels, and the training images have none: leave it out")
    classes = labels.max() + 1
    if latent.categorical_sizes[0] < classes:
        raise InputError(
            f"the term labelled has images of {classes} classes, and codes is {config.codes}: give the first code as "
            f"many categories, such as {classes}c+2u"
        )
    images = labels.unique(return_counts=True)[1]
    most = len(images) * images.min()
    if not len(images) <= _count(count) <= most:
        raise InputError(
            f"the term labelled has count {count}; give {len(images)} to {most}, so that every class has as many"
        )


def build(settings: Settings, weight: float, count: str = COUNT) -> list[Term]:
    return [Labelled(weight, settings, _count(count))]
