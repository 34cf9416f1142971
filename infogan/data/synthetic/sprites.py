"""White squares, ellipses and hearts on black, with the factors of dSprites (Matthey et al. 2017)."""

import torch
from torch import Tensor

from infogan.data.synthetic.scenes import Scenes, scale

FACTORS = ("shape", "scale", "orientation", "posX", "posY")
N_VALUES = (3, 6, 40, 32, 32)  # of each factor


def draw_scenes(n: int, generator: torch.Generator) -> Scenes:
    """n sprites; the factors have dSprites' values: shape 1 square, 2 ellipse, 3 heart; orientation in radians."""
    index = torch.stack([torch.randint(count, (n,), generator=generator) for count in N_VALUES], 1)
    shape = index[:, 0]
    size_factor, angle = 0.5 + index[:, 1] / 10, index[:, 2] * (2 * torch.pi / 39)
    x, y = index[:, 3] / 31, index[:, 4] / 31
    factors = torch.stack([shape + 1, size_factor, angle, x, y], 1).float()
    return Scenes(factors, lambda size: _render(shape, size_factor, angle, x, y, size))


def _render(shape: Tensor, size_factor: Tensor, angle: Tensor, x: Tensor, y: Tensor, size: int) -> Tensor:
    """uint8 [n, 1, size, size] of 0 and 255; lengths are in dSprites' pixels, of which a side has 64."""
    grid = (torch.arange(size) + 0.5) * (64 / size)
    centre_x, centre_y = (scale(position, 17, 47).view(-1, 1, 1) for position in (x, y))
    right, down = grid.view(1, 1, -1) - centre_x, grid.view(1, -1, 1) - centre_y
    radius, c, s = (value.view(-1, 1, 1) for value in (size_factor * 13, angle.cos(), angle.sin()))
    a, b = (c * right + s * down) / radius, (c * down - s * right) / radius
    square = torch.maximum(a.abs(), b.abs()) < 0.75
    ellipse = a**2 + (b / 0.6) ** 2 < 1
    p, q = 1.2 * a, 1.2 * b
    heart = (p**2 + q**2 - 1) ** 3 + p**2 * q**3 < 0
    inside = torch.stack([square, ellipse, heart], 1)
    return inside[torch.arange(len(shape)), shape].unsqueeze(1).byte() * 255
