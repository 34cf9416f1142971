"""R1 (Mescheder et al. 2018, equation 9): a penalty on the gradient of D at real images."""

import torch
from torch import Tensor

from infogan.terms.base import Context, Settings, Term


class R1(Term):
    """E ||grad_x D(x)||^2 / 2 over real images, of D's logit; its weight is the paper's gamma. In D's step.

    Batch norm normalises the real images by their own statistics, as in D's loss; an image's gradient is that of the
    sum of the batch's logits.
    """

    name, step = "r1", "D"
    trains = frozenset(("trunk", "d_head"))
    metrics = ("r1_penalty",)

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        images = context.real.detach().requires_grad_()
        logits = context.D.discriminate(images)
        [gradient] = torch.autograd.grad(logits.sum(), images, create_graph=True)
        penalty = gradient.square().sum((1, 2, 3)).mean() / 2
        return penalty, {"r1_penalty": penalty}


def build(settings: Settings, weight: float) -> list[Term]:
    return [R1(weight)]
