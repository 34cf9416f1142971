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

AT_ONCE = 64
"""Labelled images of an update at most, each with an augmented copy."""


def choose(labels: Tensor, count: int, seed: int) -> Tensor:
    """Indices of `count` images, as many of each class; the same for the same seed.

    labels: int64 [N]; count: a multiple of the number of classes. Returns int64 [count], in the order of the classes.
    """
    random = torch.Generator().manual_seed(derive(seed, "labelled"))
    order = torch.randperm(len(labels), generator=random)
    classes = labels.unique()
    return torch.cat([order[labels[order] == c][: count // len(classes)] for c in classes])


class Labelled(Term):
    """Cross-entropy, in nats, of Q's first categorical code with the classes of a few labelled images, drawn anew in
    each update, and of their augmented copies; in D's step. No other label is read."""

    name, step, of_q = "labelled", "D", True
    trains = frozenset(("trunk", "q"))
    metrics = ("labelled_nats",)
    random = ("labelled",)
    images: Tensor
    labels: Tensor

    def __init__(self, weight: float, settings: Settings):
        super().__init__(weight)
        assert settings.labels is not None, "see check_labels"
        labels, count = settings.labels.cpu(), settings.config.labelled
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


def check(config: Config, latent: Latent) -> None:
    if not latent.categorical_sizes:
        raise InputError(
            f"labelled is {config.labelled}, which needs a categorical code, and codes is {config.codes}: add one such "
            "as 10c"
        )


def check_labels(config: Config, latent: Latent, labels: Tensor | None) -> None:
    """Raises InputError where the training images have no such labels."""
    if labels is None:
        raise InputError(f"labelled is {config.labelled}, and the training images have no labels: leave it out")
    classes = labels.max() + 1
    if latent.categorical_sizes[0] < classes:
        raise InputError(
            f"labelled is {config.labelled}, with images of {classes} classes, and codes is {config.codes}: give the "
            f"first code as many categories, such as {classes}c+2u"
        )
    counts = labels.unique(return_counts=True)[1]
    most = len(counts) * counts.min()
    if config.labelled % len(counts) or config.labelled > most:
        raise InputError(
            f"labelled is {config.labelled}; give a multiple of {len(counts)}, the number of classes, of at most "
            f"{most}: the smallest class has {counts.min()} training images"
        )


def build(settings: Settings, weight: float) -> list[Term]:
    return [Labelled(weight, settings)]
