"""R1 (Mescheder et al. 2018, equation 9): a penalty on the gradient of D at real images."""

import torch
from torch import Tensor

from infogan.terms.base import Context, Settings, Term


def gradient_penalty(context: Context, images: Tensor) -> Tensor:
    """E ||grad_x D(x)||^2 / 2 over images [N, C, H, W] in [0, 1], of D's logit; a scalar.

    Batch norm normalises the images by their own statistics, as in D's loss; an image's gradient is that of the sum of
    the batch's logits.
    """
    images = images.detach().requires_grad_()
    [gradient] = torch.autograd.grad(context.discriminate(images).sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean() / 2


class R1(Term):
    """The gradient penalty of real images; its weight is the paper's gamma. In D's step."""

    name, step = "r1", "D"
    trains = frozenset(("trunk", "d_head"))
    metrics = ("r1_penalty",)

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        penalty = gradient_penalty(context, context.real)
        return penalty, {"r1_penalty": penalty}


def build(settings: Settings, weight: float) -> list[Term]:
    return [R1(weight)]
