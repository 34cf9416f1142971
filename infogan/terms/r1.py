"""R1 (Mescheder et al. 2018, equation 9): a penalty on the gradient of D at real images."""

import torch
from torch import Tensor

from infogan.terms.base import Context, Seen, Term


class R1(Term):
    """E ||grad_x D(x)||^2 / 2 over real images, of D's logit; its weight is the paper's gamma. In D's step.

    Batch norm normalises the real images by their own statistics, as in D's loss; an image's gradient is that of the
    sum of the batch's logits.
    """

    name, step = "r1", "D"
    moves = reads = frozenset(("trunk", "d_head"))
    metrics = ("r1_penalty",)

    def forward(self, seen: Seen) -> Tensor:
        images = seen.real.detach().requires_grad_()
        logits = seen.discriminator.discriminate(images)
        [gradient] = torch.autograd.grad(logits.sum(), images, create_graph=True)
        seen.metrics["r1_penalty"] = penalty = gradient.square().sum((1, 2, 3)).mean() / 2
        return penalty


def build(context: Context, weight: float) -> list[Term]:
    return [R1(weight)]
