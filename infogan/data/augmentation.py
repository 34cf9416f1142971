"""Copies of real images, which Q is to read as it reads the originals: transformed ones, and scratched ones."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# How far an image may be turned (radians), stretched along either axis (factor), sheared, and shifted (share of half its side).
ANGLE, STRETCH, SHEAR, SHIFT = math.radians(25), 1.25, 0.3, 1 / 7

# A scratch's middle lies within so much of the image's; half its length, from and to; half its width. Shares of half a side.
PLACE, REACH, WIDTH = 0.43, (0.21, 0.43), 0.107


def transformed(images: Tensor, stream: torch.Generator) -> Tensor:
    """Each of images [N, C, H, W] under an affine map of its own; beyond its border an image goes on as at its border."""
    n = len(images)
    u = torch.rand(6, n, generator=stream, device=stream.device) * 2 - 1
    angle, shear, (right, down) = u[0] * ANGLE, u[1] * SHEAR, u[2:4] * SHIFT
    wide, tall = (u[4:6] * math.log(STRETCH)).exp()
    c, s = angle.cos(), angle.sin()
    tallness = images.shape[2] / images.shape[3]  # a picture that is not square turns in its pixels, not in its sides
    rows = [
        torch.stack([c * wide, (shear * c * wide - s * tall) * tallness, right], 1),
        torch.stack([s * wide / tallness, shear * s * wide + c * tall, down], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def scratched(images: Tensor, stream: torch.Generator) -> Tensor:
    """Each of images [N, C, H, W], in [0, 1], with one more stroke: straight, short and of full brightness, at a place and angle of its own."""
    n = len(images)
    place, turn, reach = torch.rand(4, n, 1, 1, generator=stream, device=stream.device).split((2, 1, 1))
    still = F.affine_grid(torch.eye(2, 3, device=images.device)[None], [1, *images.shape[1:]], align_corners=False)
    x, y = still.movedim(-1, 0) - (2 * place - 1) * PLACE
    c, s = (turn[0] * math.pi).cos(), (turn[0] * math.pi).sin()
    along, across = (c * x + s * y).abs(), (c * y - s * x).abs()
    pixel = 2 / min(images.shape[2:])  # over which the stroke's sides fade
    stroke = ((WIDTH - across) / pixel + 0.5).clamp(0, 1) * (along < REACH[0] + reach[0] * (REACH[1] - REACH[0]))
    return torch.maximum(images, stroke[:, None])


def copied(images: Tensor, stream: torch.Generator) -> Tensor:
    """A transformed copy of each of images [N, C, H, W], in [0, 1]; every second one is scratched as well."""
    copies = transformed(images, stream)
    copies[::2] = scratched(copies[::2], stream)
    return copies
