"""Stand-ins with known factors, rendered here: for datasets that cannot be had, and to measure disentanglement against the truth.

`sprites` has dSprites' factors and sizes; `faces3d` and `chairs3d` stand in for the paper's 3D faces and chairs. They are drawn
from a seed, the same on every machine but for rounding. Solids are rendered by a ray caster for ellipsoids and boxes, which
need no mesh, no window system and no OpenGL: for each pixel the nearest hit, shaded by one distant light (Lambert).
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from infogan.data import archives

VERSION = 1  # of what is drawn: a change makes a new cache
COUNT = 20_000  # images of each stand-in
SAMPLES = 2  # rays along each side of a pixel
BLOCK = 16  # images rendered together: what is computed for them stays in the processor's cache


class Scenes(NamedTuple):
    """factors: float32 [N, k]; draw(size) renders the images, uint8 [N, 1, size, size]."""

    factors: Tensor
    draw: Callable[[int], Tensor]


class Solids(NamedTuple):
    """K ellipsoids and boxes in each of N scenes: x to the right, y up, z towards a viewer at azimuth 0."""

    boxes: tuple[bool, ...]
    """[K], boxes where true, else ellipsoids."""
    centres: Tensor
    """[N, K, 3]"""
    halves: Tensor
    """[N, K, 3]: half the length of each side or axis, all parallel to the coordinates."""
    albedo: Tensor
    """[N, K] in [0, 1]."""


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
        turn: [N, 3, 3], rotation of the scene; light: [N, 3], unit vectors towards the light, which turns with the viewer.
        background: brightness in [0, 1] where there is nothing; extent: half the side of the picture.
    """
    if len(turn) > BLOCK:
        parts = zip(*(tensor.split(BLOCK) for tensor in (*solids[1:], turn, light)))
        return torch.cat(
            [render(Solids(solids.boxes, *part[:3]), *part[3:], size, background, extent, ambient) for part in parts]
        )
    n, side = len(turn), size * SAMPLES
    at = ((torch.arange(side) + 0.5) / side * 2 - 1) * extent
    y, x = torch.meshgrid(-at, at, indexing="ij")
    pixels = torch.stack([x.flatten(), y.flatten(), torch.full((side * side,), 4.0)], 1)  # [P, 3]
    # Rays in the scene's own frame: where they start, [N, P, 3], and their one direction, [N, 3].
    starts = pixels @ turn
    ahead = torch.tensor([0.0, 0.0, -1.0]) @ turn
    nearest = torch.full((n, side * side), torch.inf)
    shade = torch.full_like(nearest, background)
    for k, box in enumerate(solids.boxes):
        half = solids.halves[:, k].clamp_min(1e-6)  # of no size: between the rays
        start = (starts - solids.centres[:, k, None]) / half[:, None]  # the solid is a unit cube or ball now
        step = (ahead / half)[:, None]
        if box:
            away = torch.where(step.abs() < 1e-9, torch.full_like(step, 1e-9), step)
            first, second = (-1 - start) / away, (1 - start) / away
            entry, face = torch.minimum(first, second).max(-1)
            hit = entry < torch.maximum(first, second).amin(-1)
            normal = torch.nn.functional.one_hot(face, 3) * -step.sign()
        else:
            a, b, c = (step * step).sum(-1), (start * step).sum(-1), (start * start).sum(-1) - 1
            root = b * b - a * c
            hit = root > 0
            entry = (-b - root.clamp_min(0).sqrt()) / a
            normal = torch.nn.functional.normalize((start + entry[..., None] * step) / half[:, None], dim=-1)
        seen = hit & (entry < nearest)
        lit = torch.einsum("npi,nji,nj->np", normal, turn, light).clamp_min(0)
        value = solids.albedo[:, k, None] * (ambient + (1 - ambient) * lit)
        nearest, shade = torch.where(seen, entry, nearest), torch.where(seen, value, shade)
    fine = shade.view(n, size, SAMPLES, size, SAMPLES).mean((2, 4))
    return (fine.clamp(0, 1) * 255).round().byte().unsqueeze(1)


def _scaled(unit: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * unit


FACES_FACTORS = ("azimuth_degrees", "elevation_degrees", "light_azimuth_degrees", "width")


def faces3d(n: int, random: torch.Generator) -> Scenes:
    """Heads: azimuth in +-60 degrees, elevation in +-25, light from +-75, width 0.8 to 1.25 of the usual; and
    noses, eyes, mouths, chins, skin and hair of their own, which no factor tells."""
    u = torch.rand(n, 13, generator=random)
    factors = torch.stack(
        [_scaled(u[:, 0], -60, 60), _scaled(u[:, 1], -25, 25), _scaled(u[:, 2], -75, 75), _scaled(u[:, 3], 0.8, 1.25)],
        1,
    )
    w, one = factors[:, 3], torch.ones(n)
    chin, nose, apart, lips = (
        _scaled(u[:, 4], 0.4, 0.52),
        _scaled(u[:, 5], 0.8, 1.3),
        _scaled(u[:, 6], 0.19, 0.25),
        _scaled(u[:, 7], 0.13, 0.22),
    )
    skin, hair, brow, fringe = (
        _scaled(u[:, 8], 0.7, 1.0),
        _scaled(u[:, 9], 0.1, 0.6),
        _scaled(u[:, 10], 0.0, 0.06),
        _scaled(u[:, 11], 0.22, 0.36),
    )
    mouth = _scaled(u[:, 12], -0.5, -0.42)
    parts = [  # centre, half axes, albedo
        ((0, 0.15, 0), (0.62 * w, 0.72, 0.68), skin),
        ((0, -0.3, 0.1), (chin * w, 0.6, 0.54), skin),
        ((0, -0.1, 0.64), (0.09 * nose, 0.17 * nose, 0.16 * nose), skin),
        ((0, -0.95, -0.1), (0.32 * w, 0.5, 0.32), 0.9 * skin),
        ((0, fringe, -0.14), (0.67 * w, 0.68, 0.66), hair),
        ((0, mouth, 0.54), (lips * w, 0.05, 0.09), 0.45 * skin),
    ]
    for sign in (-1, 1):
        parts += [
            ((sign * 0.62 * w, 0.02, -0.02), (0.07, 0.17, 0.12), skin),
            ((sign * apart * w, 0.1, 0.55), (0.11, 0.075, 0.09), 0.95 * one),
            ((sign * apart * w, 0.1, 0.61), (0.05, 0.055, 0.05), 0.1 * one),
            ((sign * apart * w, 0.24 + brow, 0.56), (0.14, 0.035, 0.08), 0.6 * hair),
        ]
    azimuth, elevation, light_azimuth = (factors[:, :3] * (torch.pi / 180)).T
    light = torch.stack([light_azimuth.sin(), 0.35 * one, light_azimuth.cos()], 1)
    light = torch.nn.functional.normalize(light, dim=1)
    solids, turn = _solids(n, [False] * len(parts), parts), rotation(azimuth, elevation)
    return Scenes(factors, lambda size: render(solids, turn, light, size, background=0.0))


CHAIRS_FACTORS = ("rotation_degrees", "width")


def chairs3d(n: int, random: torch.Generator) -> Scenes:
    """Chairs seen from 20 degrees above: rotation over the full turn, width 0.7 to 1.35 of the usual; and seats, legs,
    backs, arms and colours of their own, which no factor tells."""
    u = torch.rand(n, 11, generator=random)
    factors = torch.stack([_scaled(u[:, 0], 0, 360), _scaled(u[:, 1], 0.7, 1.35)], 1)
    w, one = factors[:, 1], torch.ones(n)
    wide, deep = 0.42 * w, _scaled(u[:, 2], 0.36, 0.46)
    seat, thick, leg = _scaled(u[:, 3], -0.2, 0.0), _scaled(u[:, 4], 0.03, 0.1), _scaled(u[:, 5], 0.025, 0.06)
    top = _scaled(u[:, 6], 0.5, 0.85)
    solid, arms = u[:, 7] < 0.5, u[:, 8] < 0.4  # a closed back, else slats; arms
    colour, frame = _scaled(u[:, 9], 0.2, 0.8), _scaled(u[:, 10], 0.1, 0.6)
    floor, back = -0.8, -(deep - 0.04)
    middle, tall = (seat + top) / 2, (top - seat) / 2

    def only(where: Tensor, *half: Tensor | float) -> tuple[Tensor, ...]:
        """A part that some chairs have not: it is of no size there."""
        return tuple(torch.where(where, length * one, 0.0) for length in half)

    parts = [
        ((0, seat, 0), (wide, thick, deep), colour),
        ((0, middle, back), only(solid, wide, tall, 0.04), colour),
        ((0, top - 0.06, back), (wide, 0.06, 0.04), frame),
    ]
    for x in (-1, 1):
        for z in (-1, 1):
            parts.append(
                ((x * (wide - leg), (floor + seat) / 2, z * (deep - leg)), (leg, (seat - floor) / 2, leg), frame)
            )
        parts.append(((x * (wide - 0.04), middle, back), only(~solid, 0.04, tall, 0.04), frame))
        parts.append(((x * (wide - 0.04), seat + 0.3, 0), only(arms, 0.05, 0.03, deep), frame))
        parts.append(((x * (wide - 0.04), seat + 0.15, deep - 0.05), only(arms, 0.03, 0.15, 0.03), frame))
    parts += [((x * wide, middle, back), only(~solid, 0.03, tall, 0.03), frame) for x in (-0.45, 0, 0.45)]
    turn = rotation(factors[:, 0] * (torch.pi / 180), torch.full((n,), torch.pi / 9))
    light = torch.nn.functional.normalize(torch.tensor([[0.5, 0.8, 0.6]]), dim=1).expand(n, 3)
    solids = _solids(n, [True] * len(parts), parts)
    return Scenes(factors, lambda size: render(solids, turn, light, size, background=1.0, ambient=0.35))


def _solids(n: int, boxes: list[bool], parts: list[tuple]) -> Solids:
    """From lists whose numbers are scalars or tensors [N]."""

    def vector(numbers: tuple) -> Tensor:
        return torch.stack([torch.as_tensor(number, dtype=torch.float32).expand(n) for number in numbers], 1)

    centres, halves, albedo = zip(*parts)
    return Solids(
        tuple(boxes),
        torch.stack([vector(c) for c in centres], 1),
        torch.stack([vector(h) for h in halves], 1),
        torch.stack(list(albedo), 1),
    )


SPRITES_FACTORS = ("shape", "scale", "orientation", "posX", "posY")


def sprites(n: int, random: torch.Generator) -> Scenes:
    """White squares, ellipses and hearts on black, factors and their values those of dSprites (Matthey et al. 2017)."""
    sizes = (3, 6, 40, 32, 32)
    index = torch.stack([torch.randint(size, (n,), generator=random) for size in sizes], 1)
    shape = index[:, 0]
    scale, angle = 0.5 + index[:, 1] / 10, index[:, 2] * (2 * torch.pi / 39)
    x, y = index[:, 3] / 31, index[:, 4] / 31
    factors = torch.stack([shape + 1, scale, angle, x, y], 1).float()

    def draw(size: int) -> Tensor:
        grid = (torch.arange(size) + 0.5) * (64 / size)
        across, down = (_scaled(position, 17, 47).view(-1, 1, 1) for position in (x, y))
        right, below = grid.view(1, 1, -1) - across, grid.view(1, -1, 1) - down
        radius, c, s = (value.view(-1, 1, 1) for value in (scale * 13, angle.cos(), angle.sin()))
        a, b = (c * right + s * below) / radius, (c * below - s * right) / radius
        heart = 1.2 * a, 1.2 * b
        inside = torch.stack(
            [
                torch.maximum(a.abs(), b.abs()) < 0.75,
                a**2 + (b / 0.6) ** 2 < 1,
                (heart[0] ** 2 + heart[1] ** 2 - 1) ** 3 + heart[0] ** 2 * heart[1] ** 3 < 0,
            ],
            1,
        )
        return inside[torch.arange(n), shape].unsqueeze(1).byte() * 255

    return Scenes(factors, draw)


KINDS = {
    "sprites": (sprites, SPRITES_FACTORS, 64),
    "faces3d": (faces3d, FACES_FACTORS, 32),
    "chairs3d": (chairs3d, CHAIRS_FACTORS, 64),
}


def rendered(name: str, size: int | None = None, count: int = COUNT) -> tuple[Tensor, np.ndarray, tuple[str, ...]]:
    """The stand-in `name`: images uint8 [count, 1, size, size] from the cache or rendered into it, factors float32 [count, k], their names.

    size: of the images, the stand-in's own where None; the scenes are the same at every size.
    """
    kind, names, usual = KINDS[name]
    size = size or usual

    def scenes(start: int) -> Iterator[Scenes]:
        for first in range(start, count, archives.CHUNK):
            seed = int.from_bytes(hashlib.sha256(f"{name}/{first}".encode()).digest()[:6], "big")
            yield kind(min(archives.CHUNK, count - first), torch.Generator().manual_seed(seed))

    images = archives.cached(
        name, VERSION, (count, 1, size, size), lambda start: (part.draw(size).numpy() for part in scenes(start))
    )
    return images, torch.cat([part.factors for part in scenes(0)]).numpy(), names
