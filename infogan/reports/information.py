"""Mutual information of a run's codes with the known factors of its dataset, and with statistics of the images."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from infogan import networks, records
from infogan.codes import Categorical, Continuous
from infogan.data import Dataset
from infogan.metrics import disentanglement
from infogan.metrics.image_statistics import STATISTICS, image_statistics

SHUFFLES = 20
LIMIT = 20_000
"""Images that are used at most."""
YES, PARTLY = 0.25, 0.05
"""Normalised mutual information from which a code stands for a factor, and from which it partly does."""

Known = dict[str, tuple[np.ndarray, tuple[str, ...]]]
"""By kind (factors, attributes, measured): values [N, k], and the names of the k columns."""


def predicted_codes(run: records.Run, images: Tensor) -> np.ndarray:
    """Q's prediction for images uint8 [N, C, H, W]: [N, codes], the category or the mean, in the codes' order."""
    categories, means = (part.numpy() for part in networks.recognise(run.discriminator, run.latent, images))
    order = run.latent.single_codes(Categorical) + run.latent.single_codes(Continuous)
    return np.concatenate([categories, means], axis=1)[:, np.argsort(order)]


def known_factors(dataset: Dataset) -> tuple[Tensor, Known]:
    """Up to LIMIT images uint8 [N, C, H, W], and what is known of them; columns of one value are left out.

    Test and validation images come first. Training is unsupervised, so that training images may be used as well; in few
    images the estimate of mutual information is mostly bias.
    """
    splits = (dataset.test, dataset.validation, dataset.train)
    images = torch.cat([split.images[:LIMIT] for split in splits])[:LIMIT]
    known = {
        kind: (np.concatenate([split.extra[kind][0][:LIMIT].numpy() for split in splits])[:LIMIT], names)
        for kind, (_, names) in dataset.train.extra.items()
    }
    known["measured"] = (image_statistics(images), STATISTICS)
    out = {}
    for kind, (values, names) in known.items():
        varies = [i for i in range(values.shape[1]) if len(np.unique(values[:, i])) > 1]
        out[kind] = (values[:, varies], tuple(names[i] for i in varies))
    return images, out


def information(codes: np.ndarray, factors: np.ndarray, names: Sequence[str], categorical: Sequence[int]) -> dict:
    """Mutual information of codes [N, m] and factors [N, k] in nats.

    categorical: the columns of `codes` that hold categories.

    Returns: names; entropy_nats, H(factor), [k]; information_nats, [m][k]; shuffled_nats, [m][k]: the mean of
    information_nats with shuffled factors, which is the bias of the estimate.
    """
    random = np.random.default_rng(0)
    shuffled = [
        disentanglement.mutual_information(codes, random.permutation(factors), categorical) for _ in range(SHUFFLES)
    ]
    return {
        "names": list(names),
        "entropy_nats": disentanglement.entropies(factors).tolist(),
        "information_nats": disentanglement.mutual_information(codes, factors, categorical).tolist(),
        "shuffled_nats": np.mean(shuffled, axis=0).tolist(),
    }


def normalised_information(nats: float, shuffled: float, entropy: float) -> float:
    """Normalised mutual information of a code and a factor, corrected for chance: (I - I_shuffled) / H(factor)."""
    return (nats - shuffled) / entropy


def stands_for(normalised: float) -> Literal["yes", "partly", "no"]:
    """Whether a code stands for a factor: a stated rule on their normalised mutual information."""
    return "yes" if normalised >= YES else "partly" if normalised >= PARTLY else "no"
