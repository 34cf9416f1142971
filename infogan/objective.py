"""The GAN value V(D, G), the variational lower bound L_I of the mutual information, in nats."""

import torch.nn.functional as F
from torch import Tensor

from infogan.codes import Latent


def discriminator_loss(real: Tensor, fake: Tensor, reduction: str) -> Tensor:
    """-V(D, G) (paper, equation 1) of D's logits [N] on real and on generated images.

    reduction "sum" adds the two expectations, as the paper and the authors' code; "mean" halves them (blog).
    """
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    return loss if reduction == "sum" else loss / 2


def generator_loss(fake: Tensor) -> Tensor:
    """-E log D(G(z, c)): the non-saturating form of G's part of V, of D's logits [N]."""
    return F.softplus(-fake).mean()


def information_bound(latent: Latent, z: Tensor, q_params: Tensor) -> tuple[Tensor, Tensor]:
    """L_I = E[log Q(c|x)] + H(c) <= I(c; G(z, c)) (paper, equation 5), in nats.

    Args:
        z: [N, latent.width], G's input; q_params: [N, latent.q_width], Q's parameters for G(z).
    Returns: the bound of the categorical codes (at most their H(c)) and that of the continuous ones
        (not bounded by their differential entropy where Q learns its standard deviation), two scalars.
    """
    categorical, continuous = latent.log_q(z, q_params)
    h_categorical, h_continuous = latent.entropy
    return categorical.mean() + h_categorical, continuous.mean() + h_continuous
