"""Heads of ellipsoids, in the place of the paper's 3D faces (Paysan et al. 2009)."""

import torch
import torch.nn.functional as F

from infogan.data.synthetic.ray_casting import Part, render, rotation, stack_parts
from infogan.data.synthetic.scenes import Scenes, scale

FACTORS = ("azimuth_degrees", "elevation_degrees", "light_azimuth_degrees", "width")


def draw_scenes(n: int, generator: torch.Generator) -> Scenes:
    """n heads: azimuth in +-60 degrees, elevation in +-25, light from +-75, width 0.8 to 1.25 times the usual.

    Nose, eyes, mouth, chin, skin and hair vary too, and are not among the factors.
    """
    u = torch.rand(n, 13, generator=generator)
    ranges = ((-60, 60), (-25, 25), (-75, 75), (0.8, 1.25))
    factors = torch.stack([scale(u[:, k], low, high) for k, (low, high) in enumerate(ranges)], 1)
    azimuth, elevation, light_azimuth = (factors[:, :3] * (torch.pi / 180)).T
    one = torch.ones(n)
    light = F.normalize(torch.stack([light_azimuth.sin(), 0.35 * one, light_azimuth.cos()], 1), dim=1)
    solids, turn = stack_parts(n, False, _head(factors[:, 3], u[:, 4:])), rotation(azimuth, elevation)
    return Scenes(factors, lambda size: render(solids, turn, light, size, background=0.0))


def _head(width: torch.Tensor, u: torch.Tensor) -> list[Part]:
    """width [n]; u in [0, 1], [n, 9]: what varies and is not among the factors."""
    chin, nose = scale(u[:, 0], 0.4, 0.52), scale(u[:, 1], 0.8, 1.3)
    eye_distance, lips = scale(u[:, 2], 0.19, 0.25), scale(u[:, 3], 0.13, 0.22)
    skin, hair = scale(u[:, 4], 0.7, 1.0), scale(u[:, 5], 0.1, 0.6)
    brow, fringe = scale(u[:, 6], 0.0, 0.06), scale(u[:, 7], 0.22, 0.36)
    mouth = scale(u[:, 8], -0.5, -0.42)
    parts: list[Part] = [
        ((0, 0.15, 0), (0.62 * width, 0.72, 0.68), skin),
        ((0, -0.3, 0.1), (chin * width, 0.6, 0.54), skin),
        ((0, -0.1, 0.64), (0.09 * nose, 0.17 * nose, 0.16 * nose), skin),
        ((0, -0.95, -0.1), (0.32 * width, 0.5, 0.32), 0.9 * skin),
        ((0, fringe, -0.14), (0.67 * width, 0.68, 0.66), hair),
        ((0, mouth, 0.54), (lips * width, 0.05, 0.09), 0.45 * skin),
    ]
    for sign in (-1, 1):
        parts += [
            ((sign * 0.62 * width, 0.02, -0.02), (0.07, 0.17, 0.12), skin),
            ((sign * eye_distance * width, 0.1, 0.55), (0.11, 0.075, 0.09), 0.95),
            ((sign * eye_distance * width, 0.1, 0.61), (0.05, 0.055, 0.05), 0.1),
            ((sign * eye_distance * width, 0.24 + brow, 0.56), (0.14, 0.035, 0.08), 0.6 * hair),
        ]
    return parts
