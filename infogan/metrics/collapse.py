"""Whether G has collapsed, and the L_I of its images as somebody has it who sees the images alone.

L_I in training is that of float images in batches that batch norm normalises by their own statistics. A code can then
hide below one grey level, where no viewer finds it: G's images all look alike, and batch norm amplifies what differs.
So L_I is measured again of images rounded to 8 bits, as a file has them, with both networks in evaluation mode (batch
norm with its running statistics); and of the same images after a Gaussian blur, which says how robust the code is.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from infogan import networks
from infogan.algorithm import information_bound
from infogan.codes import Latent
from infogan.networks import DiscriminatorQ

COLLAPSED = 0.25
"""Relative spread below which a generator counts as collapsed: with MNIST's digits and CelebA's faces, images that look
all alike have 0.05 or less, images that do not 0.58 or more."""
LOST = 0.5
"""Share of L_I that must be left of 8-bit images, where L_I in training is above half of H(c)."""
AT_ONCE = 1000
"""Images that are converted to floating point at once: a split can have hundreds of thousands."""
SAMPLES = 1000
"""Generated images that are measured, always with the same codes and noise."""
BLUR = 0.5
"""Standard deviation, in pixels, of the Gaussian blur."""


def pixel_spread(images: Tensor) -> float:
    """Standard deviation over images uint8 [N, C, H, W] of each pixel, mean over the pixels, in parts of full
    brightness."""
    n, (sums, squares) = len(images), torch.zeros(2, *images.shape[1:], dtype=torch.double)
    for part in images.split(AT_ONCE):
        sums += part.double().sum(0)
        squares += part.double().square().sum(0)
    return float((squares / n - (sums / n).square()).clamp_min(0).sqrt().mean() / 255)


def is_collapsed(spread: float, info_8bit: float = math.nan, info: float = math.nan, entropy: float = math.nan) -> bool:
    """The rule: the relative spread of G's images is below COLLAPSED, or of 8-bit images less than the share LOST is
    left of an L_I above half of H(c).

    Args: spread: see `measure`; info_8bit, info, entropy: of the categorical codes in nats, L_I of 8-bit images, L_I as
    training logged it, and H(c); NaN where there is none.
    """
    return spread < COLLAPSED or (info > entropy / 2 and info_8bit < LOST * info)


def describe(measured: dict) -> str:
    """In words, what a run with these measures (see `measure`) shows where it has collapsed."""
    return (
        f"G has collapsed: its images differ from one another by {measured['spread']:.2f} of what real images do, and "
        f"L_I of its 8-bit images is {measured['info_8bit_categorical_nats']:.2f} nats"
    )


def blurred(images: Tensor) -> Tensor:
    """Images uint8 [N, C, H, W] after a Gaussian blur of BLUR pixels."""
    from scipy.ndimage import gaussian_filter  # not needed to read a model

    smooth = gaussian_filter(images.numpy().astype(np.float32), (0, 0, BLUR, BLUR), mode="nearest")
    return torch.from_numpy(smooth).round().byte()


def measure(
    generator: nn.Module, discriminator: DiscriminatorQ, latent: Latent, real: Tensor, info: float = math.nan
) -> dict:
    """What is left of the codes in 8-bit images generated from the prior, and whether G has collapsed.

    Args: real: images uint8 [N, C, H, W] to compare with; info: L_I of the categorical codes, in nats, as training
    logged it last; NaN where it is not known, and then the spread alone is judged.
    Returns: spread: that of G's images relative to the real ones, 1 where both differ alike, NaN where the real ones do
    not differ; collapsed: see
    `is_collapsed`; info_8bit_categorical_nats, info_8bit_continuous_nats, info_blurred_categorical_nats,
    info_blurred_continuous_nats: L_I of these codes, which can be far below 0 where Q is certain and wrong.
    """
    z = latent.sample(SAMPLES, torch.Generator().manual_seed(0))
    images = torch.from_numpy(networks.generate(generator, z)).permute(0, 3, 1, 2)
    real_spread = pixel_spread(real)
    spread = pixel_spread(images) / real_spread if real_spread else math.nan  # real ones all alike: nothing to compare
    out: dict = {"spread": spread}
    for name, shown in (("8bit", images), ("blurred", blurred(images))):
        bound = information_bound(latent, z, networks.evaluate_q(discriminator, shown))
        out |= {
            f"info_{name}_{kind}_nats": float(nats)
            for kind, nats in zip(("categorical", "continuous"), bound, strict=True)
        }
    collapsed = is_collapsed(spread, out["info_8bit_categorical_nats"], info, latent.entropy[0])
    return out | {"collapsed": collapsed}
