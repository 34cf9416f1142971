"""Pictures of a run: images side by side, and confusion matrices."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infogan.utils.errors import printable
from infogan.utils.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 2  # white pixels between the images of a picture


def tile(images: np.ndarray, rows: int) -> np.ndarray:
    """One picture uint8 [H', W', C] of images [N, H, W, C], row by row, with white gaps of GAP pixels."""
    columns = len(images) // rows
    cells = np.pad(images[: rows * columns], ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    _, height, width, channels = cells.shape
    grid = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, channels)[:-GAP, :-GAP]


def save(path: Path, image: np.ndarray, scale: int = 1) -> None:
    """Write an image uint8 [H, W, C] with 1 or 3 channels as PNG, each pixel enlarged `scale` times."""
    from PIL import Image

    image = image.repeat(scale, 0).repeat(scale, 1)
    with replacing(path) as file:
        Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(file)


MOST_CATEGORIES = 50
"""Rows or columns of samples: of more, nothing could be seen."""
ANNOTATED = 30
"""Rows and columns of a confusion matrix that are named and numbered one by one."""
NAME_LENGTH = 12  # characters that are shown of a class's name


def confusion(
    path: Path,
    table: list[list[int]],
    title: str,
    label_of_category: Sequence[int] | None = None,
    classes: Sequence[str] = (),
) -> None:
    """Write a heat map of the number of images of each category (rows) and label (columns).

    label_of_category: orders the rows by matched label, unmatched categories (-1) last; without it they stay in order.
    classes: the labels' names, drawn where there are at most ANNOTATED; without them labels are numbers.
    """
    from infogan.utils import style

    counts = np.asarray(table)
    label_of = np.arange(len(counts)) if label_of_category is None else np.asarray(label_of_category)
    order = np.argsort(np.where(label_of < 0, counts.shape[1], label_of), kind="stable")
    large = max(counts.shape) > ANNOTATED  # numbers and names of so many cells could not be read
    names = [] if large else [short(name) for name in classes[: counts.shape[1]]]
    rows, columns = (min(side, ANNOTATED) for side in counts.shape)
    below = 0.6 + 0.07 * max(map(len, names), default=0)  # inches, for the names, which are upright
    cells = max(0.45 * columns, min(0.09 * len(title), 6))  # inches, as wide as the title
    width, height = cells + 1.2, 0.38 * rows + 0.6 + below
    with style.drawing(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # of a name that the font lacks; a box is drawn
        figure = style.new_figure(width, height)
        figure.set_layout_engine("none")  # margins in inches: an engine would draw every number twice
        axes = figure.add_axes((0.7 / width, below / height, 1 - 0.8 / width, 1 - (below + 0.4) / height))
        if large:
            axes.grid(False)
            axes.imshow(counts[order], cmap="Blues", aspect="auto", interpolation="nearest")
            axes.set_ylabel("categories, in the order of their labels")
        else:
            _annotated(axes, counts[order], names, [str(i) for i in order])
        axes.set_xlabel("label")
        axes.set_title(printable(title), parse_math=False)
        with replacing(path) as file:
            style.save(figure, file, 110)


def _annotated(axes: "Axes", counts: np.ndarray, labels: list[str], categories: list[str]) -> None:
    """A heat map with the number in every cell, and a name at each row and column."""
    import seaborn

    options = {"fmt": "d", "cmap": "Blues", "cbar": False, "annot_kws": {"size": 7}, "linewidths": 0.5}
    seaborn.heatmap(counts, annot=True, ax=axes, yticklabels=categories, **options)
    axes.set_ylabel("category")
    axes.tick_params(axis="y", rotation=0)
    if labels:
        axes.set_xticklabels(labels, rotation=90, size=8, parse_math=False)  # a name may have dollar signs


def short(name: str) -> str:
    """A class's name as it is drawn: printable, at most NAME_LENGTH characters."""
    text = printable(name)
    return text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…"
