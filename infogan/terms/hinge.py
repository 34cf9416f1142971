"""The hinge loss (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17) in place of the non-saturating GAN loss."""

from torch import Tensor

from infogan.terms.base import Context, Seen, Term

REPLACES = "gan"


class DiscriminatorHinge(Term):
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z, c))) of D's logits, or half of it (d_loss mean)."""

    name, step = "hinge", "D"
    moves = reads = frozenset(("trunk", "d_head"))
    metrics = ("loss_d",)

    def __init__(self, weight: float, reduction: str):
        super().__init__(weight)
        self.reduction = reduction

    def forward(self, seen: Seen) -> Tensor:
        loss = (1 - seen.d_real).relu().mean() + (1 + seen.d_fake).relu().mean()
        seen.metrics["loss_d"] = loss = loss / 2 if self.reduction == "mean" else loss
        return loss


class GeneratorHinge(Term):
    """-E D(G(z, c)) of D's logits."""

    name, step = "hinge", "G"
    moves = frozenset(("generator",))
    reads = frozenset(("generator", "trunk", "d_head"))
    metrics = ("loss_g",)

    def forward(self, seen: Seen) -> Tensor:
        seen.metrics["loss_g"] = loss = -seen.d_fake.mean()
        return loss


def build(context: Context, weight: float) -> list[Term]:
    return [DiscriminatorHinge(weight, context.config.d_loss), GeneratorHinge(weight)]
