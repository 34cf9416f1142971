"""The relativistic pairing loss (Jolicoeur-Martineau 2019; Huang et al. 2024, "The GAN is dead; long live the GAN!",
equation 2) in place of the GAN value: D is asked of pairs which of the two images is real."""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.terms.base import Context, DiscriminatorValue, GeneratorValue, Settings, Term


class DiscriminatorRelativistic(DiscriminatorValue):
    """-E log sigmoid(D(x) - D(G(z, c))) of D's logits: each real image is paired with one generated."""

    name = "relativistic"

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        loss = F.softplus(context.d_fake - context.d_real).mean()
        return loss, {"loss_d": loss}


class GeneratorRelativistic(GeneratorValue):
    """-E log sigmoid(D(G(z, c)) - D(x)), by the moved D; the logits of the real images are constant."""

    name = "relativistic"

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            d_real = context.discriminate(context.real)
        loss = F.softplus(d_real - context.d_fake).mean()
        return loss, {"loss_g": loss}


def build(settings: Settings, weight: float) -> list[Term]:
    return [DiscriminatorRelativistic(weight), GeneratorRelativistic(weight)]
