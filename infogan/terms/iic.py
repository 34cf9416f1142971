"""Invariant information clustering (Ji et al. 2019) of real images by Q: mutual information of its categories for an
image and a copy."""

import torch
from torch import Tensor

from infogan.codes import Latent
from infogan.config import Config
from infogan.terms.base import Context, Settings, Term
from infogan.utils.errors import InputError

TEMPERATURE = 0.1
"""Of Q's categories in a mutual information: at first all are nearly equally likely, and without it the gradient
vanishes."""


def mutual_information(joint: Tensor) -> Tensor:
    """I, in nats, of two variables with the symmetric joint probabilities [..., n, n]; differentiable. Returns
    [...]."""
    p = joint.clamp_min(1e-9)
    marginal = p.sum(-1)
    return (p * p.log()).sum((-2, -1)) - 2 * (marginal * marginal.log()).sum(-1)


def joint_distribution(p: Tensor, q: Tensor) -> Tensor:
    """Joint probabilities [..., n, n] of the categories of an image, with probabilities p [..., N, n], and of its
    augmented copy, with q; made symmetric (Ji et al. 2019, equation 2)."""
    return (p.mT @ q + q.mT @ p) / (2 * p.shape[-2])


def tempered_softmax(logits: Tensor) -> Tensor:
    """Probabilities [..., n] of logits divided by TEMPERATURE."""
    return (logits.float() * (1 / TEMPERATURE)).softmax(-1)


def iic_information(latent: Latent, q_real: Tensor, q_augmented: Tensor) -> Tensor:
    """Mutual information, in nats, of Q's categories for images and for their augmented copies, summed over the
    categorical codes.

    At most H(c): where Q is certain, agrees on both, and uses its categories equally often.
    q_real, q_augmented: [N, latent.q_width]. Returns a scalar (Ji et al. 2019, equation 3).
    """
    pairs = zip(latent.category_logits(q_real), latent.category_logits(q_augmented), strict=True)
    joints = (joint_distribution(tempered_softmax(a), tempered_softmax(b)) for a, b in pairs)
    return torch.stack([mutual_information(joint) for joint in joints]).sum()


class IIC(Term):
    """The IIC loss: minus that mutual information, in D's step."""

    name, step, of_q = "iic", "D", True
    trains = frozenset(("trunk", "q"))
    metrics = ("iic_nats",)
    random = ("augmentation",)

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        information = iic_information(context.latent, context.q_real, context.q_augmented)
        return -information, {"iic_nats": information}


def check(config: Config, latent: Latent) -> None:
    if not latent.categorical_sizes:
        raise InputError(f"the term iic needs a categorical code, and codes is {config.codes}: add one such as 10c")


def build(settings: Settings, weight: float) -> list[Term]:
    return [IIC(weight)]
