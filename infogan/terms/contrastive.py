"""The contrastive regulariser of InfoGAN-CR (Lin et al. 2020, section 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.accel import parallel
from infogan.codes import Latent
from infogan.config import Config
from infogan.errors import InputError
from infogan.layers import Linear
from infogan.networks import Trunk, architecture, draw
from infogan.randomness import derive
from infogan.terms.base import Context, Seen, Term


def pairs(latent: Latent, n: int, stream: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Latents of n pairs of images that share the value of one code and nothing else.

    Returns z and z' [n, latent.width], and which code each pair shares, int64 [n], counted as in Latent.single_codes.
    """
    z, other = latent.sample(n, stream), latent.sample(n, stream)
    columns = latent.single_columns()
    shared = torch.randint(len(columns), (n,), generator=stream, device=stream.device)
    for code, columns_of_code in enumerate(columns):
        same = (shared == code).unsqueeze(1)
        other[:, columns_of_code] = torch.where(same, z[:, columns_of_code], other[:, columns_of_code])
    return z, other, shared


class Contrastive(Term):
    """Cross-entropy, in nats, of a network H that tells from two generated images which code they share; moves G and H,
    in G's step.

    H has the layers of D's trunk, and sees the two images as the channels of one. The noise of the two images is
    independent.
    """

    name, step = "contrastive", "G"
    moves = reads = frozenset(("generator",))
    metrics = ("contrastive_nats", "contrastive_accuracy")
    streams = ("contrastive",)

    def __init__(self, weight: float, context: Context):
        super().__init__(weight)
        channels, height, width = context.image_shape
        self.trunk = Trunk(architecture((2 * channels, height, width), context.config.network))
        self.head = Linear(self.trunk.width, len(context.latent.single_columns()))
        draw([self], derive(context.config.seed, "contrastive-weights"))

    def forward(self, seen: Seen) -> Tensor:
        z, other, shared = (
            parallel.part(whole) for whole in pairs(seen.latent, len(seen.batch), seen.streams["contrastive"])
        )
        images = seen.generator(torch.cat([z, other]))
        logits = self.head(self.trunk(torch.cat(images.split(len(z)), dim=1), real=None)).float()
        seen.metrics["contrastive_nats"] = loss = F.cross_entropy(logits, shared)
        seen.metrics["contrastive_accuracy"] = (logits.argmax(1) == shared).float().mean()
        return loss


def check(config: Config, latent: Latent) -> None:
    if len(latent.single_columns()) < 2:
        raise InputError(
            f"the term contrastive needs two codes or more, and codes is {config.codes}: give such as 10c+2u"
        )


def build(context: Context, weight: float) -> list[Term]:
    return [Contrastive(weight, context)]
