"""Whether generated images differ from one another as real images do: their spread, and the rule for collapse."""

import torch
from torch import Tensor, nn

from infogan import networks
from infogan.codes import Latent

COLLAPSED = 0.25
"""Relative spread below which a generator counts as collapsed.

Of the committed runs on CelebA, those whose images look all alike have 0.05; all other committed runs of the paper's
further datasets have 0.58 to 1.0 (of the images of their figures).
"""
SAMPLES = 1000
"""Generated images whose spread is compared with that of the real ones."""


def pixel_spread(images: Tensor) -> float:
    """Standard deviation over images uint8 [N, C, H, W] of each pixel, mean over the pixels, in parts of full
    brightness."""
    return float((images.float() / 255).std(0, correction=0).mean())


def is_collapsed(spread: float) -> bool:
    """Whether a generator of this relative spread counts as collapsed."""
    return spread < COLLAPSED


def measure(generator: nn.Module, latent: Latent, real: Tensor) -> dict:
    """The spread of images generated from the prior, always with the same codes and noise, relative to real images'
    uint8 [N, C, H, W].

    Returns: spread, 1 where both differ alike; collapsed, whether it is below COLLAPSED.
    """
    z = latent.sample(SAMPLES, torch.Generator().manual_seed(0))
    images = torch.from_numpy(networks.generate(generator, z)).permute(0, 3, 1, 2)
    spread = pixel_spread(images) / pixel_spread(real)
    return {"spread": spread, "collapsed": is_collapsed(spread)}
