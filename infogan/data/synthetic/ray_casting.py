"""A ray caster for ellipsoids and boxes, which needs no mesh, no window system and no OpenGL.

Each pixel shows the nearest solid that its rays hit, shaded by one distant light (Lambert's law).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES = 2  # rays along each side of a pixel
BLOCK = 16  # images that are rendered together, so few that their intermediate values stay in the processor's cache

Number = float | Tensor
Vector = tuple[Number, Number, Number]
Part = tuple[Vector, Vector, Number]
"""Centre, half axes and albedo of one solid, each number the same for all scenes or a tensor [N]."""


class Solids(NamedTuple):
    """K ellipsoids and boxes in each of N scenes: x to the right, y up, z towards a viewer at azimuth 0."""

    is_box: tuple[bool, ...]
    """[K]: a box where true, else an ellipsoid."""
    centres: Tensor
    """[N, K, 3]"""
    half_axes: Tensor
    """[N, K, 3]: half the length of each side or axis, all parallel to the coordinates."""
    albedo: Tensor
    """[N, K] in [0, 1]."""


def stack_parts(n: int, is_box: bool, parts: list[Part]) -> Solids:
    """The solids of n scenes, all boxes or all ellipsoids."""

    def vector(numbers: Vector) -> Tensor:
        return torch.stack([torch.as_tensor(number, dtype=torch.float32).expand(n) for number in numbers], 1)

    return Solids(
        (is_box,) * len(parts),
        torch.stack([vector(centre) for centre, _, _ in parts], 1),
        torch.stack([vector(half_axes) for _, half_axes, _ in parts], 1),
        torch.stack([torch.as_tensor(albedo, dtype=torch.float32).expand(n) for _, _, albedo in parts], 1),
    )


def rotation(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """[N, 3, 3]: turns a scene by azimuth about y, then tips it by elevation about x (radians [N])."""
    zero, one = torch.zeros_like(azimuth), torch.ones_like(azimuth)
    c, s = azimuth.cos(), azimuth.sin()
    about_y = torch.stack([c, zero, s, zero, one, zero, -s, zero, c], 1).view(-1, 3, 3)
    c, s = elevation.cos(), elevation.sin()
    about_x = torch.stack([one, zero, zero, zero, c, -s, zero, s, c], 1).view(-1, 3, 3)
    return about_x @ about_y


def render(
    solids: Solids,
    turn: Tensor,
    light: Tensor,
    size: int,
    background: float,
    extent: float = 1.15,
    ambient: float = 0.25,
) -> Tensor:
    """Parallel projection of the turned scenes to uint8 images [N, 1, size, size].

    Args:
        turn: [N, 3, 3], rotation of the scene.
        light: [N, 3], unit vectors towards the light, which turns with the viewer.
        background: brightness in [0, 1] where there is no solid.
        extent: half the side of the picture.
        ambient: share of the brightness that does not depend on the light.
    """
    side = size * SAMPLES
    at = ((torch.arange(side) + 0.5) / side * 2 - 1) * extent
    y, x = torch.meshgrid(-at, at, indexing="ij")
    plane = torch.stack([x.flatten(), y.flatten(), torch.full((side * side,), 4.0)], 1)
    images = []
    for centres, half_axes, albedo, block_turn, block_light in zip(
        *(tensor.split(BLOCK) for tensor in (*solids[1:], turn, light))
    ):
        block = Solids(solids.is_box, centres, half_axes, albedo)
        brightness = _cast(block, block_turn, block_light, plane, background, ambient)
        image = brightness.view(-1, 1, size, SAMPLES, size, SAMPLES).mean((3, 5))
        images.append((image.clamp(0, 1) * 255).round().byte())
    return torch.cat(images)


def _cast(solids: Solids, turn: Tensor, light: Tensor, plane: Tensor, background: float, ambient: float) -> Tensor:
    """The brightness that parallel rays from the points `plane` [P, 3] in front of the viewer meet, [N, P]."""
    # Rays in the scene's own frame: their origins [N, P, 3], and their one direction [N, 3].
    origins = plane @ turn
    direction = torch.tensor([0.0, 0.0, -1.0]) @ turn
    nearest = torch.full((len(turn), len(plane)), torch.inf)
    shade = torch.full_like(nearest, background)
    for k, is_box in enumerate(solids.is_box):
        half_axes = solids.half_axes[:, k].clamp_min(1e-6)  # a solid of size 0 lies between the rays
        # In units of the half axes the solid is the cube [-1, 1]^3 or the unit ball.
        origin = (origins - solids.centres[:, k, None]) / half_axes[:, None]
        step = (direction / half_axes)[:, None]
        distance, is_hit, normal = _hit_cube(origin, step) if is_box else _hit_ball(origin, step, half_axes)
        is_nearest = is_hit & (distance < nearest)
        lit = torch.einsum("npi,nji,nj->np", normal, turn, light).clamp_min(0)
        value = solids.albedo[:, k, None] * (ambient + (1 - ambient) * lit)
        nearest, shade = torch.where(is_nearest, distance, nearest), torch.where(is_nearest, value, shade)
    return shade


def _hit_cube(origin: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where rays enter the cube [-1, 1]^3: distance [N, P], whether they do [N, P], normal [N, P, 3]."""
    step_or_tiny = torch.where(step.abs() < 1e-9, torch.full_like(step, 1e-9), step)
    first, second = (-1 - origin) / step_or_tiny, (1 - origin) / step_or_tiny
    distance, face = torch.minimum(first, second).max(-1)
    is_hit = distance < torch.maximum(first, second).amin(-1)
    return distance, is_hit, F.one_hot(face, 3) * -step.sign()


def _hit_ball(origin: Tensor, step: Tensor, half_axes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where rays enter the unit ball: distance [N, P], whether they do [N, P], the ellipsoid's normal [N, P, 3]."""
    a, b, c = (step * step).sum(-1), (origin * step).sum(-1), (origin * origin).sum(-1) - 1
    discriminant = b * b - a * c
    distance = (-b - discriminant.clamp_min(0).sqrt()) / a
    normal = F.normalize((origin + distance[..., None] * step) / half_axes[:, None], dim=-1)
    return distance, discriminant > 0, normal
