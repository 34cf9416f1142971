"""The GAN value V(D, G) (paper, equation 1), with the non-saturating loss of G."""

from torch import Tensor

from infogan.objective import discriminator_loss, generator_loss
from infogan.terms.base import Context, Seen, Term


class DiscriminatorValue(Term):
    """D ascends V: -E log D(x) - E log(1 - D(G(z, c))), or half of it (d_loss mean)."""

    name, step = "gan", "D"
    moves = reads = frozenset(("trunk", "d_head"))
    metrics = ("loss_d",)

    def __init__(self, reduction: str):
        super().__init__()
        self.reduction = reduction

    def forward(self, seen: Seen) -> Tensor:
        seen.metrics["loss_d"] = loss = discriminator_loss(seen.d_real, seen.d_fake, self.reduction)
        return loss


class GeneratorValue(Term):
    """G descends -E log D(G(z, c)). D is read and not moved: it would learn to believe in generated images."""

    name, step = "gan", "G"
    moves = frozenset(("generator",))
    reads = frozenset(("generator", "trunk", "d_head"))
    metrics = ("loss_g",)

    def forward(self, seen: Seen) -> Tensor:
        seen.metrics["loss_g"] = loss = generator_loss(seen.d_fake)
        return loss


def build(context: Context, weight: float) -> list[Term]:
    return [DiscriminatorValue(context.config.d_loss), GeneratorValue()]
