"""Whether G has collapsed, and the L_I of its images as somebody has it who sees the images alone.

L_I in training is that of float images in batches that batch norm normalises by their own statistics. A code can then
hide below one grey level, where no viewer finds it: G's images all look alike, and batch norm amplifies what differs.
So L_I is measured again of images rounded to 8 bits, as a file has them, with both networks in evaluation mode (batch
norm with its running statistics); of the same images with Q's batch norm as in training, which tells a code that
rounding loses from a Q that fails in evaluation mode; and after a Gaussian blur, which says how robust the code is.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from infogan import networks
from infogan.algorithm import information_bound
from infogan.codes import Latent
from infogan.networks import DiscriminatorQ

COLLAPSED = 0.5
"""Relative spread below which a generator counts as collapsed. On 8x8 digits no G drew a digit below 0.48, and all but
one did above 0.6 (docs/meaning.md); with MNIST's digits and CelebA's faces, images that look all alike have 0.05 or
less."""
LOST = 0.5
"""Share of an L_I above half of H(c) that must be left of 8-bit images."""
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


def is_lost(left: float, info: float, entropy: float) -> bool:
    """Whether less than the share LOST is left of an L_I above half of H(c); all in nats, NaN where there is none."""
    return info > entropy / 2 and left < LOST * info


def describe(measured: dict) -> str:
    """In words, what is wrong with a run that has these measures (see `measure`); empty where nothing is."""
    if measured.get("collapsed"):
        return (
            f"G has collapsed: its images differ from one another by {measured['spread']:.2f} of what real images do, "
            f"and L_I of its 8-bit images is {measured['info_8bit_categorical_nats']:.2f} nats"
        )
    if measured.get("q_fails"):
        return (
            f"Q fails in evaluation mode: L_I of 8-bit images is {measured['info_8bit_categorical_nats']:.2f} nats, "
            f"with batch norm as in training {measured['info_8bit_batch_categorical_nats']:.2f}"
        )
    return ""


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
    not differ; info_8bit_categorical_nats, info_8bit_continuous_nats, info_blurred_categorical_nats,
    info_blurred_continuous_nats: L_I of these codes, which can be far below 0 where Q is certain and wrong;
    info_8bit_batch_categorical_nats: with Q's batch norm as in training; collapsed: whether the spread is below
    COLLAPSED or rounding loses the categorical code; q_fails: whether evaluation mode loses it.
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
    entropy, q_params = latent.entropy[0], networks.evaluate_q(discriminator, images, as_trained=True)
    as_trained = float(information_bound(latent, z, q_params)[0])
    out["info_8bit_batch_categorical_nats"] = as_trained
    out["collapsed"] = spread < COLLAPSED or is_lost(as_trained, info, entropy)
    return out | {"q_fails": is_lost(out["info_8bit_categorical_nats"], as_trained, entropy)}
