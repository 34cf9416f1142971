"""Chairs of boxes, in the place of the paper's rendered chairs (Aubry et al. 2014)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.data.synthetic.ray_casting import Number, Part, Vector, render, rotation, stack_parts
from infogan.data.synthetic.scenes import Scenes, scale

FACTORS = ("rotation_degrees", "width")


def draw_scenes(n: int, generator: torch.Generator) -> Scenes:
    """n chairs seen from 20 degrees above: rotation over the full turn, width 0.7 to 1.35 times the usual.

    Seat, legs, back, arms and colours vary too, and are not among the factors.
    """
    u = torch.rand(n, 11, generator=generator)
    factors = torch.stack([scale(u[:, 0], 0, 360), scale(u[:, 1], 0.7, 1.35)], 1)
    turn = rotation(factors[:, 0] * (torch.pi / 180), torch.full((n,), torch.pi / 9))
    light = F.normalize(torch.tensor([[0.5, 0.8, 0.6]]), dim=1).expand(n, 3)
    solids = stack_parts(n, True, _chair(factors[:, 1], u[:, 2:]))
    return Scenes(factors, lambda size: render(solids, turn, light, size, background=1.0, ambient=0.35))


def _chair(width: Tensor, u: Tensor) -> list[Part]:
    """width [n]; u in [0, 1], [n, 9]: what varies and is not among the factors."""
    half_width, half_depth = 0.42 * width, scale(u[:, 0], 0.36, 0.46)
    seat, thickness, leg = scale(u[:, 1], -0.2, 0.0), scale(u[:, 2], 0.03, 0.1), scale(u[:, 3], 0.025, 0.06)
    top = scale(u[:, 4], 0.5, 0.85)
    closed, arms = u[:, 5] < 0.5, u[:, 6] < 0.4  # a closed back, else slats; with arms
    colour, frame = scale(u[:, 7], 0.2, 0.8), scale(u[:, 8], 0.1, 0.6)
    floor, back = -0.8, -(half_depth - 0.04)
    middle, half_height = (seat + top) / 2, (top - seat) / 2  # of the back
    parts: list[Part] = [
        ((0, seat, 0), (half_width, thickness, half_depth), colour),
        ((0, middle, back), _where(closed, half_width, half_height, 0.04), colour),
        ((0, top - 0.06, back), (half_width, 0.06, 0.04), frame),
    ]
    for x in (-1, 1):
        for z in (-1, 1):
            corner = (x * (half_width - leg), (floor + seat) / 2, z * (half_depth - leg))
            parts.append((corner, (leg, (seat - floor) / 2, leg), frame))
        side = x * (half_width - 0.04)
        parts.append(((side, middle, back), _where(~closed, 0.04, half_height, 0.04), frame))
        parts.append(((side, seat + 0.3, 0), _where(arms, 0.05, 0.03, half_depth), frame))
        parts.append(((side, seat + 0.15, half_depth - 0.05), _where(arms, 0.03, 0.15, 0.03), frame))
    slat = _where(~closed, 0.03, half_height, 0.03)
    return parts + [((x * half_width, middle, back), slat, frame) for x in (-0.45, 0, 0.45)]


def _where(condition: Tensor, x: Number, y: Number, z: Number) -> Vector:
    """The half axes of a part where condition [n] holds, and 0, which is not seen, where the chair does not have it."""
    x, y, z = (torch.where(condition, torch.as_tensor(length, dtype=torch.float32), 0.0) for length in (x, y, z))
    return x, y, z
