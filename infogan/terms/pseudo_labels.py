"""Pseudo-labels: after the pretraining Q keeps the categories that it gave to the real images then."""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import Latent
from infogan.config import Config
from infogan.networks import DiscriminatorQ, evaluating
from infogan.terms.base import Context, Settings, Term
from infogan.utils.errors import InputError

IGNORE_INDEX = -1
"""In place of a label, where Q was not certain."""
CONFIDENCE = 0.5
"""Probability from which a category becomes an image's pseudo-label."""
EVALUATED_AT_ONCE = 500


def cross_entropy(latent: Latent, q_params: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, in nats, of Q's one categorical code with labels; images without one count as 0.

    q_params: [N, latent.q_width]; labels: [N] int64, IGNORE_INDEX where there is none. Returns a scalar, the mean over
    N.
    """
    [logits] = latent.category_logits(q_params)
    return F.cross_entropy(logits, labels, ignore_index=IGNORE_INDEX, reduction="sum") / len(labels)


def pseudo_labels(latent: Latent, discriminator: DiscriminatorQ, images: Tensor) -> Tensor:
    """Q's category of each of uint8 images [N, C, H, W], IGNORE_INDEX where its probability is at most CONFIDENCE:
    int64 [N].

    Batch norm uses its running statistics, so that an image's label does not depend on the images beside it.
    """
    labels = []
    with evaluating(discriminator):
        for batch in images.split(EVALUATED_AT_ONCE):
            [logits] = latent.category_logits(discriminator.q_params(batch.float() / 255))
            probability, category = logits.softmax(1).max(1)
            labels.append(category.where(probability > CONFIDENCE, IGNORE_INDEX))
    return torch.cat(labels)


class PseudoLabels(Term):
    """Cross-entropy of Q's categories, for a real image and for its augmented copy, with the image's pseudo-label; in
    D's step."""

    name, step, of_q = "pseudo-labels", "D", True
    trains = frozenset(("trunk", "q"))
    metrics = ("pseudo_label_nats",)
    random = ("augmentation",)
    labels: Tensor

    def __init__(self, weight: float, settings: Settings):
        super().__init__(weight)
        self.latent = settings.latent
        self.register_buffer("labels", torch.full((settings.n_images,), IGNORE_INDEX))

    def begin(self, discriminator: DiscriminatorQ, images: Tensor) -> None:
        self.labels.copy_(pseudo_labels(self.latent, discriminator, images))

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        q_both, labels = torch.cat([context.q_real, context.q_augmented]), self.labels[context.index].repeat(2)
        loss = cross_entropy(context.latent, q_both, labels)
        return loss, {"pseudo_label_nats": loss}


def check(config: Config, latent: Latent) -> None:
    if not config.pretraining:
        raise InputError(
            "the term pseudo-labels needs pretraining, and pretraining is 0: give it, such as 1000 updates"
        )
    if len(latent.categorical_sizes) != 1:
        raise InputError(
            f"the term pseudo-labels needs one categorical code, and codes is {config.codes}: give codes such as 10c+2u"
        )


def build(settings: Settings, weight: float) -> list[Term]:
    return [PseudoLabels(weight, settings)]
