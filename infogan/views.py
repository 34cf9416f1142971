"""Copies of real images: transformed ones, which Q is to read as it reads the originals, and distorted ones, to see what it confuses."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# How far an image may be turned (radians), stretched along either axis (factor), sheared, and shifted (share of half its side).
ANGLE, STRETCH, SHEAR, SHIFT = math.radians(25), 1.25, 0.3, 1 / 7

# How far points are displaced (standard deviation, share of half a side) on a lattice of so many by so many, smooth between them.
DISPLACEMENT, LATTICE = 0.107, 7


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


def distorted(images: Tensor, stream: torch.Generator) -> Tensor:
    """Each of images [N, C, H, W] under an elastic distortion of its own (Simard et al. 2003), which training never shows."""
    n = len(images)
    at_lattice = torch.randn(n, 2, LATTICE, LATTICE, generator=stream, device=stream.device) * DISPLACEMENT
    displacement = F.interpolate(at_lattice, size=images.shape[2:], mode="bicubic", align_corners=True)
    still = F.affine_grid(torch.eye(2, 3, device=images.device).expand(n, 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, still + displacement.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
