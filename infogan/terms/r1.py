"""R1 (Mescheder et al. 2018, equation 9): a penalty on the gradient of D at real images."""

from typing import ClassVar

import torch
from torch import Tensor

from infogan.terms.base import Context, Settings, Term


class R1(Term):
    """E ||grad_x D(x)||^2 / 2 over the real images, of D's logit; its weight is the paper's gamma. In D's step.

    Batch norm normalises the images by their own statistics, as in D's loss; an image's gradient is that of the sum of
    the batch's logits.
    """

    name, step = "r1", "D"
    trains = frozenset(("trunk", "d_head"))
    metrics: tuple[str, ...] = ("r1_penalty",)
    images: ClassVar[str] = "real"
    """The images of the step that it is of."""

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        images = getattr(context, self.images).detach().requires_grad_()
        [gradient] = torch.autograd.grad(context.discriminate(images).sum(), images, create_graph=True)
        penalty = gradient.square().sum((1, 2, 3)).mean() / 2
        return penalty, {self.metrics[0]: penalty}


def build(settings: Settings, weight: float) -> list[Term]:
    return [R1(weight)]
