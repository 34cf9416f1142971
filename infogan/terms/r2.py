"""R2 (Mescheder et al. 2018, equation 10): the penalty of R1 at generated images."""

from torch import Tensor

from infogan.terms.base import Context, Settings, Term
from infogan.terms.r1 import gradient_penalty


class R2(Term):
    """The gradient penalty of generated images, which are constant; its weight is the paper's gamma. In D's step."""

    name, step = "r2", "D"
    trains = frozenset(("trunk", "d_head"))
    metrics = ("r2_penalty",)

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        penalty = gradient_penalty(context, context.fake)
        return penalty, {"r2_penalty": penalty}


def build(settings: Settings, weight: float) -> list[Term]:
    return [R2(weight)]
