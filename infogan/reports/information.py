"""Mutual information of a run's codes with the known factors of its dataset, and with statistics of the images.

Codes that an untrained Q predicts have some of it, because images of other factors are other images. The null is
therefore the best code of networks that learned nothing of the factors: of untrained networks of the run's
configuration, and of runs of a regular GAN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from infogan import networks
from infogan.codes import Categorical, Continuous, Latent
from infogan.data import Dataset
from infogan.inference import Model
from infogan.metrics import disentanglement
from infogan.metrics.clustering import mean_interval
from infogan.metrics.image_statistics import STATISTICS, image_statistics
from infogan.networks import DiscriminatorQ
from infogan.utils.errors import InputError

UNTRAINED = 10
"""Untrained networks of the null, of the seeds from 0."""
LIMIT = 20_000
"""Images that are used at most."""
FIELDS = "codes noise q_std network g_layers d_layers initialisation leaky_slope q_trunk spectral_norm".split()
"""Of the configuration, all that untrained networks depend on: runs that agree in them share their null."""

Known = dict[str, tuple[np.ndarray, tuple[str, ...]]]
"""By kind (factors, attributes, measured): values [N, k], and the names of the k columns."""

Null = dict[str, dict]
"""For one factor, by group of networks that learned nothing of it (untrained, and gan where such runs are given): n,
their number; mean_nats, low_nats, high_nats: the mutual information of the best code of each with the factor, mean and
95 % t interval over the networks (of one no interval)."""


class Predicted(NamedTuple):
    """What a Q predicts for N images."""

    codes: np.ndarray
    """[N, m]: the category or the mean, in the codes' order."""
    kinds: tuple[type, ...]
    """Of each code: Categorical or Continuous."""

    def information(self, values: np.ndarray, kind: type = object) -> np.ndarray:
        """Mutual information in nats of the codes of a kind, by default of all, and factors [N, k]: [codes, k]."""
        chosen = [i for i, each in enumerate(self.kinds) if issubclass(each, kind)]
        categorical = [i for i, code in enumerate(chosen) if self.kinds[code] is Categorical]
        return disentanglement.mutual_information(self.codes[:, chosen], values, categorical)


def predict(discriminator: DiscriminatorQ, latent: Latent, images: Tensor) -> Predicted:
    """What Q predicts for images uint8 [N, C, H, W]."""
    categories, means = (part.numpy() for part in networks.recognise(discriminator, latent, images))
    order = latent.single_codes(Categorical) + latent.single_codes(Continuous)
    kinds = tuple(type(term) for term in latent.codes for _ in range(term.count))
    return Predicted(np.concatenate([categories, means], axis=1)[:, np.argsort(order)], kinds)


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


class Nulls:
    """Predictions, for the same images uint8 [N, C, H, W], of networks that learned nothing of the factors.

    gans: runs of a regular GAN, whose Q was only fitted beside it. Raises InputError where one is another kind of run.
    """

    def __init__(self, images: Tensor, gans: Sequence[Model] = ()):
        for run in gans:
            if run.config.info_flow != "detached":
                raise InputError(
                    f"{run.directory} has info_flow {run.config.info_flow}; give runs of a regular GAN (info_flow "
                    "detached) for the null"
                )
        self._images, self._untrained = images, dict[tuple, list[Predicted]]()
        self._gans = [predict(run.discriminator, run.latent, images) for run in gans]

    def information(self, run: Model, values: np.ndarray, kind: type = object) -> list[Null]:
        """For each of the factors [N, k], the null of a run's codes of a kind, by default of all its codes.

        Raises InputError where a GAN has no code of the kind.
        """
        groups = {"untrained": self._untrained_like(run), "gan": self._gans}
        nulls: list[Null] = [{} for _ in range(values.shape[1])]
        for name, group in groups.items():
            if not all(any(issubclass(each, kind) for each in one.kinds) for one in group):
                raise InputError(f"a GAN of the null has no {kind.__name__.lower()} code; give runs with such a code")
            best = [one.information(values, kind).max(0) for one in group]
            for null, nats in zip(nulls, np.transpose(best).tolist()):
                mean, low, high = mean_interval(nats)
                bounds = {"low_nats": low, "high_nats": high} if len(nats) > 1 else {}
                null[name] = {"n": len(nats), "mean_nats": mean} | bounds
        return nulls

    def _untrained_like(self, run: Model) -> list[Predicted]:
        key = tuple(getattr(run.config, name) for name in FIELDS)
        if key not in self._untrained:
            shape = run.discriminator.image_shape
            built = (networks.build(shape, run.latent, seed, run.config) for seed in range(UNTRAINED))
            self._untrained[key] = [predict(network.eval(), run.latent, self._images) for _, network in built]
        return self._untrained[key]


def excess(nats: float, null: Null) -> float:
    """I - I_null in nats, where I_null is the largest mean of the null's groups."""
    return nats - max(group["mean_nats"] for group in null.values())


def information(predicted: Predicted, factors: np.ndarray, names: Sequence[str], nulls: list[Null]) -> dict:
    """Mutual information of m codes and factors [N, k]. nulls: of `Nulls.information`.

    Returns: names; entropy_nats, H(factor), [k]; information_nats, [m][k]; null, [k], as given; normalised, [m][k]:
    (I - I_null) / H(factor).
    """
    nats, entropies = predicted.information(factors).tolist(), disentanglement.entropies(factors).tolist()
    normalised = [[excess(i, null) / h for i, null, h in zip(row, nulls, entropies)] for row in nats]
    about = {"names": list(names), "entropy_nats": entropies, "information_nats": nats}
    return about | {"null": nulls, "normalised": normalised}
