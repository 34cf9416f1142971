"""Images of strokes of known shape, for the tests of morphometrics and of what measures with them."""

import math

import numpy as np


def stroke(
    slant: float = 0.0, thickness: float = 3.0, height: float = 16.0, size: int = 28, fine: int = 8
) -> np.ndarray:
    """A bar uint8 [size, size] of known slant (radians), thickness (across) and height (pixels), antialiased.

    It is drawn at `fine` times the size and averaged down.
    """
    y, x = (np.indices((size * fine,) * 2) + 0.5) / fine - size / 2
    across = np.abs(x + y * math.tan(slant)) * math.cos(slant)  # image rows grow downwards
    bar = (across <= thickness / 2) & (np.abs(y) <= height / 2)
    coarse = bar.reshape(size, fine, size, fine).mean((1, 3))
    return np.round(coarse * 255).astype(np.uint8)
