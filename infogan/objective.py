"""The GAN value V(D, G), the variational lower bound L_I of the mutual information, and Q's consistency, all in nats."""

import torch.nn.functional as F
from torch import Tensor

from infogan.accel import parallel
from infogan.codes import Latent

UNNAMED = -1  # in place of a category
SHARPNESS = 10.0  # of categories in a mutual information: at first all are nearly equal, and it moves nothing


def discriminator_loss(real: Tensor, fake: Tensor, reduction: str) -> Tensor:
    """-V(D, G) (paper, equation 1) of D's logits [N] on real and on generated images.

    reduction "sum" adds the two expectations, as the paper and the authors' code; "mean" halves them (blog).
    """
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    return loss if reduction == "sum" else loss / 2


def generator_loss(fake: Tensor) -> Tensor:
    """-E log D(G(z, c)): the non-saturating form of G's part of V, of D's logits [N]."""
    return F.softplus(-fake).mean()


def information_bound(latent: Latent, z: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """L_I = E[log Q(c|x)] + H(c) <= I(c; G(z, c)) (paper, equation 5), in nats.

    Args:
        z: [N, latent.width], G's input; answer: [N, latent.q_width], Q's answer to G(z).
    Returns: the bound of the categorical codes (at most their H(c)) and that of the continuous ones
        (not bounded by their differential entropy where Q learns its standard deviation), two scalars.
    """
    categorical, continuous = latent.log_q(z, answer)
    h_categorical, h_continuous = latent.entropy
    return categorical.mean() + h_categorical, continuous.mean() + h_continuous


def surprise(latent: Latent, answer: Tensor, names: Tensor) -> Tensor:
    """Cross-entropy, in nats, of Q's one categorical code with the categories that images are to have.

    answer: [N, latent.q_width]; names: [N] int64, UNNAMED where nothing is asked, which counts as 0. Returns a scalar, the mean over N.
    """
    [logits] = latent.category_logits(answer)
    return F.cross_entropy(logits, names, ignore_index=UNNAMED, reduction="sum") / len(names)


def mutual_information(joint: Tensor) -> Tensor:
    """I, in nats, of two variables with the symmetric joint probabilities [..., n, n]; differentiable. Returns [...]."""
    p = joint.clamp_min(1e-9)
    alone = p.sum(-1)
    return (p * p.log()).sum((-2, -1)) - 2 * (alone * alone.log()).sum(-1)


def paired(p: Tensor, q: Tensor) -> Tensor:
    """Joint probabilities [..., n, n] of the categories of an image, with probabilities p [..., N, n], and of its copy, with q; made symmetric."""
    return (p.mT @ q + q.mT @ p) / (2 * p.shape[-2])


def sharp(logits: Tensor) -> Tensor:
    """Probabilities [N, n] of logits that count SHARPNESS times."""
    return (logits.float() * SHARPNESS).softmax(1)


def consistency(latent: Latent, answer: Tensor, other: Tensor) -> Tensor:
    """Mutual information, in nats, of Q's categories for an image and for its copy, summed over the categorical codes.

    From the batch's joint distribution (Ji et al. 2019, "Invariant Information Clustering", equations 2 and 3). At
    most H(c): where Q is sure, reads both alike, and uses its categories equally.
    answer, other: [N, latent.q_width]. Returns a scalar.
    """
    pairs = zip(latent.category_logits(answer), latent.category_logits(other))
    return sum((mutual_information(parallel.mean(paired(sharp(a), sharp(b)))) for a, b in pairs), answer.new_zeros(()))
