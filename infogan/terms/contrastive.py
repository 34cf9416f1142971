"""The contrastive regulariser of InfoGAN-CR (Lin et al. 2020, section 3)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import Latent
from infogan.config import Config
from infogan.networks import Trunk, architecture, init_weights, normalise_spectrally
from infogan.networks.layers import Linear
from infogan.terms.base import Context, Settings, Term
from infogan.utils.errors import InputError
from infogan.utils.randomness import derive

NOISE = ("independent", "shared")


def pairs(latent: Latent, n: int, random: torch.Generator, shared_noise: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Latents of n pairs of images that share the value of one code and nothing else, but for the noise where it is
    shared.

    Returns z and z' [n, latent.width], and which code each pair shares, int64 [n], counted as in Latent.single_codes.
    """
    z, other = latent.sample(n, random), latent.sample(n, random)
    columns = latent.single_columns()
    shared = torch.randint(len(columns), (n,), generator=random, device=random.device)
    for code, columns_of_code in enumerate(columns):
        same = (shared == code).unsqueeze(1)
        other[:, columns_of_code] = torch.where(same, z[:, columns_of_code], other[:, columns_of_code])
    if shared_noise:
        other[:, latent.code_width :] = z[:, latent.code_width :]
    return z, other, shared


class Contrastive(Term):
    """Cross-entropy, in nats, of a network H that tells from two generated images which code they share; trains G and
    H, in G's step.

    H has the layers of D's trunk, its slope and its spectral normalisation, and sees the two images as the channels of
    one.

    Args:
        shared_noise: whether the two images have the same noise, as in the published code.
        start: the share of the run's updates after which the term trains G; H learns from the first. The published code
            begins H anew there.
    """

    update: Tensor

    name, step = "contrastive", "G"
    trains = frozenset(("generator",))
    metrics = ("contrastive_nats", "contrastive_accuracy")
    random = ("contrastive",)

    def __init__(self, weight: float, settings: Settings, shared_noise: bool = False, start: float = 0.0):
        super().__init__(weight)
        config, (channels, height, width) = settings.config, settings.image_shape
        self.shared_noise, self.start = shared_noise, round(start * config.updates)
        if self.start:  # counted where a captured step can count it
            self.register_buffer("update", torch.zeros((), dtype=torch.int64))
        both = (2 * channels, height, width)
        self.trunk = Trunk(architecture(both, config.network)._replace(leaky_slope=config.leaky_slope), both)
        if config.spectral_norm:
            normalise_spectrally(self.trunk)
        self.head = Linear(self.trunk.width, len(settings.latent.single_columns()))
        init_weights([self], derive(config.seed, "contrastive-weights"))

    def forward(self, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        random = context.random["contrastive"]
        z, other, shared = pairs(context.latent, len(context.real), random, self.shared_noise)
        images = context.G(torch.cat([z, other]))
        if self.start:
            self.update += 1
            images = torch.lerp(images.detach(), images, (self.update > self.start).to(images.dtype))
        logits = self.head(self.trunk(torch.cat(images.split(len(z)), dim=1), real=None)).float()
        loss, right = F.cross_entropy(logits, shared), (logits.argmax(1) == shared).float().mean()
        return loss, {"contrastive_nats": loss, "contrastive_accuracy": right}


def check(config: Config, latent: Latent, **options: str) -> None:
    if len(latent.single_columns()) < 2:
        raise InputError(
            f"the term contrastive needs two codes or more, and codes is {config.codes}: give codes such as 10c+2u"
        )
    _read(**options)


def _read(noise: str = NOISE[0], start: str = "0") -> tuple[bool, float]:
    """`shared_noise` and `start` from the text of a configuration. Raises InputError."""
    if noise not in NOISE:
        raise InputError(f"the term contrastive has noise {noise}; allowed: {', '.join(NOISE)}")
    try:
        share = float(start)
    except ValueError:
        share = math.nan
    if not 0 <= share < 1:
        raise InputError(f"the term contrastive has start {start}; give a share of the run from 0 to below 1")
    return noise == "shared", share


def build(settings: Settings, weight: float, noise: str = NOISE[0], start: str = "0") -> list[Term]:
    return [Contrastive(weight, settings, *_read(noise, start))]
