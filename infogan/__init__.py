"""InfoGAN (Chen et al. 2016) in PyTorch: training, metrics, and trained models in use.

>>> import infogan
>>> model = infogan.load("runs/mnist-authors-seed0")
>>> codes = model.recognise(images)  # images uint8 [N, H, W, C]
>>> reconstructions = model.generate(codes)
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infogan.inference import Model


def load(directory: str | os.PathLike) -> "Model":
    """The trained model of a run directory, or of a directory written by Model.save: an infogan.inference.Model.

    Raises infogan.config.InputError where the directory is missing, incomplete or damaged.
    """
    from infogan.inference import Model  # here, so that `import infogan` does not import torch

    return Model(directory)
