"""The hinge loss (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17) in place of the non-saturating GAN loss."""

from torch import Tensor

from infogan.terms.base import Context, DiscriminatorValue, GeneratorValue, Settings, Term


class DiscriminatorHinge(DiscriminatorValue):
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z, c))) of D's logits, or half of it (d_loss mean)."""

    name = "hinge"

    def __init__(self, weight: float, reduction: str):
        super().__init__(weight)
        self.reduction = reduction

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (1 - context.d_real).relu().mean() + (1 + context.d_fake).relu().mean()
        loss = loss / 2 if self.reduction == "mean" else loss
        return loss, {"loss_d": loss}


class GeneratorHinge(GeneratorValue):
    """-E D(G(z, c)) of D's logits."""

    name = "hinge"

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        loss = -context.d_fake.mean()
        return loss, {"loss_g": loss}


def build(settings: Settings, weight: float) -> list[Term]:
    return [DiscriminatorHinge(weight, settings.config.d_loss), GeneratorHinge(weight)]
