"""What a synthetic dataset draws: the factors of its scenes, and a function that renders them."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Scenes(NamedTuple):
    """N scenes."""

    factors: Tensor
    """float32 [N, k]"""
    render: Callable[[int], Tensor]
    """render(size) gives the images, uint8 [N, 1, size, size]."""


def scale(unit: Tensor, low: float, high: float) -> Tensor:
    """Numbers from [0, 1] to [low, high]."""
    return low + (high - low) * unit
