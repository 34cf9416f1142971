"""Count isolated spots in committed sample grids and in MNIST's test images; writes speckle.csv beside this file."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from infogan import data

HERE = Path(__file__).parent
GRIDS = {
    "iic": "iic-variants/grid-?.png",
    "iic, fresh seeds": "iic-variants/fresh/*/samples.png",
    "iic, 2,000 updates": "own-trunk/grid-?.png",
    "iic, 2,000 updates, trunk shared": "mnist-best/grid-?.png",
    "authors": "authors/grid-?.png",
    "blog": "blog/*/samples.png",
    "gan": "authors/mnist-gan-*/samples.png",
    "paper": "mnist/paper-images/*/samples.png",
}
SIZE, STEP = 28, 30
"""Of an image, and from one to the next, in pixels of a grid."""


def cells(path: Path) -> np.ndarray:
    """The images of a grid of ten rows and ten columns: [100, 28, 28], from 0 to 255."""
    grid, starts = np.asarray(Image.open(path)), range(0, 10 * STEP, STEP)
    return np.stack([grid[y : y + SIZE, x : x + SIZE] for y in starts for x in starts])


def has_spot(image: np.ndarray, level: int = 64, largest: int = 4) -> bool:
    """Whether the bright pixels (`level` or more) of an image [H, W], 0 to 255, hold a group of at most `largest` that
    touches no other, not at a corner either. An image with one group alone has no spot."""
    groups, number = ndimage.label(image >= level, np.ones((3, 3)))
    return number > 1 and min(np.bincount(groups.ravel())[1:]) <= largest


def main() -> None:
    """Write a row for each grid, and one for the test images."""
    several = [("MNIST's test images", "", data.load("mnist").test.images[:, 0].numpy())]
    for name, pattern in GRIDS.items():
        several += [(name, path.relative_to(HERE.parent), cells(path)) for path in sorted(HERE.parent.glob(pattern))]
    with (HERE / "speckle.csv").open("w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["of", "grid", "images", "with_spot", "with_spot_128"])
        for name, path, images in several:
            counts = [sum(has_spot(image, level) for image in images) for level in (64, 128)]
            writer.writerow([name, path, len(images), *counts])


if __name__ == "__main__":
    main()
