"""Augmentation of real images: copies of another look and of the same class, from which clustering learns what to
overlook.

`digits`: random affine maps, and random strokes; the class of a digit survives both. `objects`, or a list of OPERATIONS
with strengths: flips, crops, erased rectangles, brightness, each drawn for every image by itself. Lengths are relative
to the image's sides.

Used by self-supervised pretraining and by the IIC and pseudo-label terms.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.utils.errors import InputError

# Limits of the affine map. Each value is drawn uniformly within +- its limit; the stretch is log-uniform.
MAX_ROTATION = math.radians(25)
MAX_STRETCH = 1.25  # factor along either axis, also its inverse
MAX_SHEAR = 0.3
MAX_SHIFT = 1 / 7  # in half sides of the image, as all lengths below

MAX_STROKE_OFFSET = 0.43  # of the stroke's middle from the image's, along either axis
STROKE_HALF_LENGTHS = (0.21, 0.43)  # shortest and longest
STROKE_HALF_WIDTH = 0.107


def random_affine(images: Tensor, stream: torch.Generator) -> Tensor:
    """Each image under its own random rotation, stretch, shear and shift.

    images: float [N, C, H, W]. Beyond the border an image continues with the values at its border.
    """
    n = len(images)
    u = torch.rand(6, n, generator=stream, device=stream.device) * 2 - 1
    angle, shear, (shift_x, shift_y) = u[0] * MAX_ROTATION, u[1] * MAX_SHEAR, u[2:4] * MAX_SHIFT
    stretch_x, stretch_y = (u[4:6] * math.log(MAX_STRETCH)).exp()
    c, s = angle.cos(), angle.sin()
    aspect = images.shape[2] / images.shape[3]  # an image that is not square is rotated in pixels, not in half sides
    rows = [
        torch.stack([c * stretch_x, (shear * c * stretch_x - s * stretch_y) * aspect, shift_x], 1),
        torch.stack([s * stretch_x / aspect, shear * s * stretch_x + c * stretch_y, shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def random_stroke(images: Tensor, stream: torch.Generator) -> Tensor:
    """Each image with one more stroke: straight, short, at a random place and angle; of brightness 1, or 0 where the
    background is bright.

    images: float [N, C, H, W] in [0, 1].
    """
    n = len(images)
    place, turn, length = torch.rand(4, n, 1, 1, generator=stream, device=stream.device).split((2, 1, 1))
    identity = torch.eye(2, 3, device=images.device)[None]
    pixels = F.affine_grid(identity, [1, *images.shape[1:]], align_corners=False)
    x, y = pixels.movedim(-1, 0) - (2 * place - 1) * MAX_STROKE_OFFSET
    c, s = (turn[0] * math.pi).cos(), (turn[0] * math.pi).sin()
    along, across = (c * x + s * y).abs(), (c * y - s * x).abs()
    shortest, longest = STROKE_HALF_LENGTHS
    pixel_size = 2 / min(images.shape[2:])  # the sides of the stroke fade over one pixel
    brightness = ((STROKE_HALF_WIDTH - across) / pixel_size + 0.5).clamp(0, 1)
    stroke = brightness * (along < shortest + length[0] * (longest - shortest))
    stroke = stroke[:, None]
    bright = has_bright_background(images)[:, None, None, None]
    return torch.where(bright, torch.minimum(images, 1 - stroke), torch.maximum(images, stroke))


def has_bright_background(images: Tensor) -> Tensor:
    """Whether the border of each image, together with those of the images beside it, is brighter than half: bool [N].

    The others count as much as the image itself: a garment that fills a black image to its border does not make its
    background bright. images: float [N, C, H, W] in [0, 1].
    """
    grey = images.mean(1)
    border = torch.cat([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], 1).mean(1)
    return (border + border.mean()) / 2 > 0.5


def augment(images: Tensor, stream: torch.Generator) -> Tensor:
    """A random affine map of each image, and a random stroke on every second one, beginning with the first.

    images: float [N, C, H, W] in [0, 1].
    """
    augmented = random_affine(images, stream)
    augmented[::2] = random_stroke(augmented[::2], stream)
    return augmented


def flip(images: Tensor, stream: torch.Generator, strength: float) -> Tensor:
    """Each image mirrored, left to right, with the probability `strength`."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=stream, device=stream.device) < strength
    return torch.where(mirrored, images.flip(3), images)


def crop(images: Tensor, stream: torch.Generator, strength: float) -> Tensor:
    """A window of each image, at a random place, as large as the image again: its sides are 1 - strength to 1 of the
    image's, uniformly, both alike."""
    size, x, y = torch.rand(3, len(images), generator=stream, device=stream.device)
    size = 1 - strength * size
    zero = torch.zeros_like(size)
    # In half sides from the middle: the window's middle lies within 1 - size of the image's.
    rows = [
        torch.stack([size, zero, (1 - size) * (2 * x - 1)], 1),
        torch.stack([zero, size, (1 - size) * (2 * y - 1)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def erasing(images: Tensor, stream: torch.Generator, strength: float) -> Tensor:
    """A rectangle of each image in one random colour (Zhong et al. 2020, "Random Erasing"), within the image: each side
    is 0 to `strength` of the image's, uniformly."""
    n, channels, height, width = images.shape
    draw = torch.rand(4, n, 1, generator=stream, device=stream.device)
    colour = torch.rand(n, channels, 1, 1, generator=stream, device=stream.device)
    inside = []
    for side, length, place in ((height, draw[0], draw[1]), (width, draw[2], draw[3])):
        centre = (torch.arange(side, device=images.device) + 0.5) / side
        start = place * (1 - strength * length)
        inside.append((centre >= start) & (centre < start + strength * length))
    return torch.where((inside[0][:, :, None] & inside[1][:, None])[:, None], colour, images)


def brightness(images: Tensor, stream: torch.Generator, strength: float) -> Tensor:
    """Each image's brightness times 1 - strength to 1 + strength, uniformly, cut off at 1."""
    factor = 1 + strength * (2 * torch.rand(len(images), 1, 1, 1, generator=stream, device=stream.device) - 1)
    return (images * factor).clamp(max=1)


OPERATIONS: dict[str, tuple[Callable[[Tensor, torch.Generator, float], Tensor], float]] = {
    "flip": (flip, 0.5),
    "crop": (crop, 0.3),
    "erasing": (erasing, 0.5),
    "brightness": (brightness, 0.3),
}
"""By name: what it does, and its strength where none is given; strengths are above 0 and at most 1."""
OBJECTS = "crop,flip,brightness,erasing"


class Augmentation(NamedTuple):
    """augment: images float [N, C, H, W] in [0, 1] and a random generator to augmented images. confuse: the same, as
    merging counts confusions of clusters by: of digits a stroke alone."""

    augment: Callable[[Tensor, torch.Generator], Tensor]
    confuse: Callable[[Tensor, torch.Generator], Tensor]


def parse(text: str) -> list[tuple[str, float]]:
    """Names and strengths in a list such as "flip,crop=0.2", also joined with +. Raises InputError, one line."""
    out: list[tuple[str, float]] = []
    for word in re.split("[,+]", text.replace(" ", "")):
        name, equals, value = word.partition("=")
        if name not in OPERATIONS:
            raise InputError(
                f"augmentation has {name!r}; allowed: digits, objects, none, or a list of {', '.join(OPERATIONS)} such "
                "as flip,crop=0.2"
            )
        try:
            strength = float(value) if equals else OPERATIONS[name][1]
        except ValueError:
            strength = math.nan
        if not 0 < strength <= 1:
            raise InputError(f"augmentation gives {name} the strength {value}; give a number above 0, at most 1")
        if name in dict(out):
            raise InputError(f"augmentation has {name} twice: give it once")
        out.append((name, strength))
    return out


def build(text: str) -> Augmentation:
    """What a configuration's `augmentation` says: digits, objects, none, or a list (see parse)."""
    if text == "digits":
        return Augmentation(augment, random_stroke)
    operations = [] if text == "none" else parse(OBJECTS if text == "objects" else text)

    def apply(images: Tensor, stream: torch.Generator) -> Tensor:
        for name, strength in operations:
            images = OPERATIONS[name][0](images, stream, strength)
        return images

    return Augmentation(apply, apply)
