"""Transformed copies of real images, which config.Config.consistency asks Q to read as it reads the originals."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# How far an image may be turned (radians), stretched along either axis (factor), sheared, and shifted (share of half its side).
ANGLE, STRETCH, SHEAR, SHIFT = math.radians(25), 1.25, 0.3, 1 / 7


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
