"""Simple statistics of images of any kind: brightness, and where they are bright."""

import numpy as np
import torch
from torch import Tensor

STATISTICS = ("brightness", "middle_minus_border", "left_minus_right")


def image_statistics(images: Tensor) -> np.ndarray:
    """STATISTICS of images uint8 [N, C, H, W]: [N, 3], in parts of full brightness.

    brightness: the mean. middle_minus_border: the mean of the middle less that of the outer quarter on each side.
    left_minus_right: the mean of the left half less that of the right one.
    """
    grey = images.float().mean(1) / 255
    height, width = grey.shape[1:]
    inner = torch.zeros(height, width, dtype=torch.bool)
    inner[height // 4 : -(height // 4), width // 4 : -(width // 4)] = True
    left, right = grey[:, :, : width // 2].mean((1, 2)), grey[:, :, -(width // 2) :].mean((1, 2))
    return torch.stack([grey.mean((1, 2)), grey[:, inner].mean(1) - grey[:, ~inner].mean(1), left - right], 1).numpy()
