"""The rendered chairs of Aubry et al. (2014), in a folder `rendered_chairs` with CHAIR/renders/*.png."""

import re
from pathlib import Path

import numpy as np
import torch

from infogan.data.decoding import decode_images
from infogan.data.splits import Dataset, Split
from infogan.utils.errors import InputError

SIZE = 64  # pixels, side of the images
WEBSITE = "https://www.di.ens.fr/willow/research/seeing3Dchairs"
POSE = re.compile(r"image_\d+_p(\d+)_t(\d+)_r(\d+)\.png")
FACTORS = ("azimuth_degrees", "pitch_degrees")


def load(root: Path) -> Dataset:
    """Grayscale images uint8 [N, 1, 64, 64] with the camera's azimuth and pitch from their file names, in degrees.

    A tenth of the chairs, at least one, is for validation and another for test, so no split shows a chair of another.
    Raises InputError where images are missing or damaged.
    """
    folder = root / "rendered_chairs"
    files = sorted(folder.glob("*/renders/*.png"))
    if not files:
        raise InputError(f"there is no {folder}/CHAIR/renders/*.png: unpack rendered_chairs.tar from {WEBSITE} there")
    factors = np.array([_pose(file) for file in files], np.float32)
    chairs = np.unique([file.parent.parent.name for file in files], return_inverse=True)[1]
    n_chairs = int(chairs.max()) + 1
    n_held_out = max(1, n_chairs // 10)
    if n_chairs <= 2 * n_held_out:
        raise InputError(f"{folder} holds {n_chairs} chairs; give at least 3, so that each split has its own")

    source = [str(folder.resolve()), [str(file.relative_to(folder)) for file in files]]
    images = decode_images("rendered-chairs", source, files, False, SIZE)
    whole = Split(images, None, {"factors": (torch.from_numpy(factors), FACTORS)})
    end_train, end_validation = np.searchsorted(chairs, (n_chairs - 2 * n_held_out, n_chairs - n_held_out)).tolist()
    return Dataset("rendered_chairs", whole[:end_train], whole[end_train:end_validation], whole[end_validation:])


def _pose(file: Path) -> tuple[float, float]:
    """Azimuth and pitch in degrees."""
    pose = POSE.fullmatch(file.name)
    if pose is None:
        raise InputError(f"{file} does not state its pose, as image_001_p020_t011_r096.png does: rename or remove it")
    return float(pose[2]), float(pose[1])
