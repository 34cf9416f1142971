"""Augmentation of real images: random affine maps, and random strokes; the class of a digit survives both. Lengths are
relative to the image's sides.

Used by self-supervised pretraining and by the IIC and pseudo-label terms.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

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
