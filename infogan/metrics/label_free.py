"""What Q's categories of real images show of a model where there are no labels.

Five indices, each of one categorical code on N real images:
    certainty: L_I of real images, E_x E_{c ~ Q(c|x)} [log Q(c|x)] + H(c), in nats;
    marginal entropy: of the categories' frequencies, in nats; ln K where K categories are equally frequent;
    information: mutual information of image and category under Q, in nats: the entropy of the mean of Q(c|x), less its
        mean entropy (Bridle et al. 1991, "Unsupervised classifiers, mutual information and 'phantom targets'");
    agreement: the share of images whose category an affine augmentation leaves as it is;
    stability: the adjusted Rand index of the categories of images and of their augmented copies: agreement less what
        chance gives, so that codes of different sizes are comparable;
    consensus: the mean NMI of the categories with those of other models, of other seeds for example.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from infogan.codes import Latent
from infogan.data import augmentation
from infogan.metrics.clustering import contingency, nmi_ari
from infogan.networks import DiscriminatorQ, evaluate_q

OF_AT_MOST = 2000
"""Images that a run in training is measured on."""


class Indices(NamedTuple):
    """Of one model, without the consensus, which takes several."""

    certainty_nats: float
    marginal_entropy_nats: float
    information_nats: float
    agreement: float
    stability: float


def entropy(p: Tensor) -> Tensor:
    """In nats, of probabilities [..., K]: [...]."""
    return -torch.special.xlogy(p, p).sum(-1)


def indices(p: Tensor, augmented: Tensor) -> Indices:
    """Of Q's probabilities for N images and for their augmented copies, both [N, K]."""
    size, categories = p.shape[1], p.argmax(1)
    frequencies = torch.bincount(categories, minlength=size).double() / len(p)
    conditional = entropy(p.double()).mean()
    return Indices(
        certainty_nats=float(math.log(size) - conditional),
        marginal_entropy_nats=float(entropy(frequencies)),
        information_nats=float(entropy(p.double().mean(0)) - conditional),
        agreement=float((categories == augmented.argmax(1)).double().mean()),
        stability=float(nmi_ari(contingency(categories.numpy(), augmented.argmax(1).numpy(), size, size))[1]),
    )


def evaluate(discriminator: DiscriminatorQ, latent: Latent, images: Tensor) -> dict[str, float]:
    """certainty, information, agreement and stability of uint8 images [N, C, H, W], each 1 at best: the first two are
    shares of H(c). Of several categorical codes the highest value. Empty without such codes.

    Of many images the first OF_AT_MOST are taken.
    """
    images = images[:OF_AT_MOST]
    found = [measure(discriminator, latent, code, images)[0] for code in range(len(latent.categorical_sizes))]
    if not found:
        return {}
    entropies = [math.log(size) for size in latent.categorical_sizes]
    return {
        "certainty": max(one.certainty_nats / most for one, most in zip(found, entropies)),
        "information": max(one.information_nats / most for one, most in zip(found, entropies)),
        "agreement": max(one.agreement for one in found),
        "stability": max(one.stability for one in found),
    }


def measure(discriminator: DiscriminatorQ, latent: Latent, code: int, images: Tensor) -> tuple[Indices, np.ndarray]:
    """The indices of one categorical code on uint8 images [N, C, H, W], always with the same augmented copies, and the
    categories [N].

    code: its number among the categorical codes.
    """
    stream = torch.Generator().manual_seed(0)
    copies = torch.cat([augmentation.random_affine(part.float() / 255, stream) for part in images.split(1000)])
    p, augmented = (
        latent.category_logits(evaluate_q(discriminator, some))[code].softmax(1) for some in (images, copies)
    )
    return indices(p, augmented), p.argmax(1).numpy()


def similarity(categories: Sequence[np.ndarray]) -> np.ndarray:
    """NMI of the categories of each two of n models on the same N images, [n, n].

    categories: of each model [N], integers from 0.
    """
    n, sizes = len(categories), [int(one.max()) + 1 for one in categories]
    out = np.eye(n)
    for i, j in itertools.combinations(range(n), 2):
        table = contingency(categories[i], categories[j], sizes[i], sizes[j])
        out[i, j] = out[j, i] = nmi_ari(table)[0]
    return out


def consensus(similarities: np.ndarray) -> np.ndarray:
    """For each of n models its mean similarity with the others, [n]. similarities: [n, n].

    Raises ValueError for fewer than two models.
    """
    n = len(similarities)
    if n < 2:
        raise ValueError(f"consensus compares models; there is {n}, give two or more")
    return (similarities.sum(1) - similarities.diagonal()) / (n - 1)
