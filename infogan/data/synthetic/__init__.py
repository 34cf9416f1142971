"""Datasets with known factors that are rendered here, to measure disentanglement against the factors.

`sprites` has dSprites' factors and sizes; `faces3d` and `chairs3d` take the place of the paper's 3D faces and rendered
chairs. Each is drawn from a fixed seed, and is the same on every machine up to rounding.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from infogan.data import cache
from infogan.data.splits import Dataset, Split, split_in_order
from infogan.data.synthetic import chairs3d, faces3d, sprites
from infogan.data.synthetic.scenes import Scenes

VERSION = 1  # of what is drawn: a change needs a new one, which makes new caches
COUNT = 20_000  # images of each dataset


class Kind(NamedTuple):
    """How a synthetic dataset is made."""

    draw_scenes: Callable[[int, torch.Generator], Scenes]
    """draw_scenes(n, generator)"""
    factor_names: tuple[str, ...]
    size: int
    """Side of the images in pixels where no size is given."""


SCENES = {
    "sprites": Kind(sprites.draw_scenes, sprites.FACTORS, 64),
    "faces3d": Kind(faces3d.draw_scenes, faces3d.FACTORS, 32),
    "chairs3d": Kind(chairs3d.draw_scenes, chairs3d.FACTORS, 64),
}


def load(name: str, size: int | None = None) -> Dataset:
    """COUNT images of the dataset `name` of SCENES, uint8 [N, 1, size, size], with their factors.

    size: of the images in pixels; default: the dataset's usual size.
    """
    images, factors = render_dataset(name, size, COUNT)
    at_size = name if size is None else f"{name}@{size}"
    return split_in_order(at_size, Split(images, None, {"factors": (factors, SCENES[name].factor_names)}))


def render_dataset(name: str, size: int | None, count: int) -> tuple[Tensor, Tensor]:
    """Images uint8 [count, 1, size, size], rendered into the cache or from it, and factors float32 [count, k].

    The scenes are the same at every size, and fewer images are the first of more.
    """
    kind = SCENES[name]
    size = size or kind.size

    def scenes(start: int) -> Iterator[Scenes]:
        for first in range(start, count, cache.CHUNK):
            seed = int.from_bytes(hashlib.sha256(f"{name}/{first}".encode()).digest()[:6], "big")
            yield kind.draw_scenes(min(cache.CHUNK, count - first), torch.Generator().manual_seed(seed))

    shape = (count, 1, size, size)
    images = cache.cached(name, VERSION, shape, lambda start: (part.render(size).numpy() for part in scenes(start)))
    return images, torch.cat([part.factors for part in scenes(0)])
