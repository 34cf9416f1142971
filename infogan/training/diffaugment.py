"""DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"): random maps of every
image that D's trunk reads in training, real and generated alike.

Where images are few, D remembers the real ones. It cannot, where it never reads one twice; and since generated images
are mapped likewise, and the gradient passes through the map, G is not taught to draw augmented images.

All maps are differentiable, in the image twice (as gradient penalties need), draw for each image by itself, and have
the published limits, which are for images in [-1, 1]; ours are in [0, 1].
"""

import re
from collections.abc import Callable, Mapping
from functools import reduce

import torch
from torch import Tensor

from infogan.utils.errors import InputError

Augmentation = Callable[[Tensor], Tensor]
"""Images float [N, C, H, W] in [0, 1] to images of the same shape."""
GREY = 0.5
"""What is shown where there is no image: the 0 of images in [-1, 1]."""
SHIFT = 1 / 8  # of the sides
CUT = 1 / 2  # of the sides


def colour(images: Tensor, random: torch.Generator) -> Tensor:
    """Brightness shifted by up to a quarter, saturation times 0 to 2, then contrast times 0.5 to 1.5, uniformly. Values
    may leave [0, 1]."""
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, generator=random, device=random.device)
    images = images + (brightness - 0.5) / 2
    mean = images.mean(1, keepdim=True)
    images = mean + (images - mean) * (2 * saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + contrast)


def translation(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image moved by whole pixels, up to SHIFT of its sides; grey comes in."""
    n, _, height, width = images.shape
    shifted = images
    inside = torch.ones((), dtype=torch.bool, device=images.device)
    for axis, side in ((2, height), (3, width)):
        most = int(side * SHIFT + 0.5)
        shift = torch.randint(-most, most + 1, (n, 1), generator=random, device=random.device)
        at = torch.arange(side, device=images.device) + shift  # [N, side]: where each pixel is taken from
        shape = [n, 1, 1, 1]
        shape[axis] = side
        inside = inside & ((at >= 0) & (at < side)).view(shape)
        shifted = shifted.gather(axis, at.clamp(0, side - 1).view(shape).expand_as(images))
    return torch.where(inside, shifted, GREY)


def cutout(images: Tensor, random: torch.Generator) -> Tensor:
    """A grey rectangle of CUT of the sides around a pixel of each image; a part of it may lie outside."""
    n, _, height, width = images.shape
    cut = torch.ones((), dtype=torch.bool, device=images.device)
    for axis, side in ((2, height), (3, width)):
        length = int(side * CUT + 0.5)
        start = torch.randint(0, side + 1 - length % 2, (n, 1), generator=random, device=random.device) - length // 2
        at = torch.arange(side, device=images.device) - start  # [N, side]
        shape = [n, 1, 1, 1]
        shape[axis] = side
        cut = cut & ((at >= 0) & (at < length)).view(shape)
    return torch.where(cut, GREY, images)


MAPS = {"colour": colour, "translation": translation, "cutout": cutout}


def parse(text: str) -> list[str]:
    """The names in a configuration's list, such as "colour+translation"; the empty text has none. Raises InputError."""
    names = re.split(r"[+,]", text.replace(" ", "")) if text.strip() else []
    for name in names:
        if name not in MAPS:
            raise InputError(f"diffaugment has {name!r}; allowed: {', '.join(MAPS)}, joined with +")
    if len({*names}) < len(names):
        raise InputError(f"diffaugment is {text!r}; give each name once")
    return names


def build(text: str, random: Mapping[str, torch.Generator]) -> Augmentation:
    """The maps of a configuration's list, in its order; they draw from random["diffaugment"]."""
    maps = [MAPS[name] for name in parse(text)]
    return lambda images: reduce(lambda shown, apply: apply(shown, random["diffaugment"]), maps, images)
