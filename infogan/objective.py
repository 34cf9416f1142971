"""The GAN value V(D, G), the variational lower bound L_I of the mutual information, and Q's consistency, all in nats."""

import torch.nn.functional as F
from torch import Tensor

from infogan import parallel
from infogan.codes import Latent

SHARPNESS = 10.0  # of Q's categories in consistency(): at first all are nearly equal, and their mutual information moves nothing


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


def consistency(latent: Latent, answer: Tensor, other: Tensor) -> Tensor:
    """Mutual information, in nats, of Q's categories for an image and for its transformed copy, summed over the categorical codes.

    From the batch's joint distribution, made symmetric (Ji et al. 2019, "Invariant Information Clustering", equations 2 and 3). At
    most H(c): where Q is sure, reads both alike, and uses its categories equally. Logits count SHARPNESS times.
    answer, other: [N, latent.q_width]. Returns a scalar.
    """
    total = answer.new_zeros(())
    for p, q in zip(latent.probabilities(answer * SHARPNESS), latent.probabilities(other * SHARPNESS)):
        joint = parallel.mean((p.t() @ q + q.t() @ p) / (2 * len(p))).clamp_min(1e-9)
        total = total + (joint * (joint.log() - joint.sum(0).log() - joint.sum(1, keepdim=True).log())).sum()
    return total
