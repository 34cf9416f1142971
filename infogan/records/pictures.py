"""Pictures of a run: grids of generated images and confusion matrices."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from infogan.codes import Categorical, Latent
from infogan.errors import printable
from infogan.networks import generate
from infogan.records.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 2  # white pixels between the images of a picture


def tile(images: np.ndarray, rows: int) -> np.ndarray:
    """One picture uint8 [H', W', C] of images [N, H, W, C], row by row, with white gaps of GAP pixels."""
    n, height, width, channels = images.shape
    columns = n // rows
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), 255, np.uint8)
    for i, image in enumerate(images[: rows * columns]):
        y, x = (i // columns) * (height + GAP), (i % columns) * (width + GAP)
        canvas[y : y + height, x : x + width] = image
    return canvas


def save(path: Path, image: np.ndarray, scale: int = 1) -> None:
    """Write an image uint8 [H, W, C] with 1 or 3 channels as PNG, each pixel enlarged `scale` times."""
    from PIL import Image

    image = image.repeat(scale, 0).repeat(scale, 1)
    with replacing(path) as file:
        Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(file)


def category_grid(
    generator: nn.Module, latent: Latent, seed: int, columns: int = 10, order: Sequence[int] | None = None
) -> np.ndarray:
    """Samples of G as one picture [H', W', C]: a row for each category of the first categorical code.

    A column's images have all other codes and the noise in common. Without categorical codes there is one row.
    order: of the rows' categories; default 0, 1, 2, ..., MOST_CATEGORIES at most.
    """
    z = latent.sample(columns, torch.Generator().manual_seed(seed))
    rows = [z]
    if latent.categorical_sizes:
        first = latent.single_codes(Categorical)[0]
        rows = [
            latent.set_code(z, first, category)
            for category in order or range(min(latent.categorical_sizes[0], MOST_CATEGORIES))
        ]
    return tile(generate(generator, torch.cat(rows)), len(rows))


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
    from infogan import style  # not needed to read a model

    with style.drawing():
        _confusion(path, np.asarray(table), title, label_of_category, classes)


def _confusion(
    path: Path, counts: np.ndarray, title: str, label_of_category: Sequence[int] | None, classes: Sequence[str]
) -> None:
    from infogan import style

    label_of = np.asarray(range(len(counts)) if label_of_category is None else label_of_category)
    order = np.argsort(np.where(label_of < 0, counts.shape[1], label_of), kind="stable")
    large = max(counts.shape) > ANNOTATED  # numbers and names of so many cells could not be read
    names = [] if large else [_shown(name) for name in classes[: counts.shape[1]]]
    rows, columns = (min(side, ANNOTATED) for side in counts.shape)
    below = 0.6 + 0.07 * max(map(len, names), default=0)  # inches, for the names, which are upright
    cells = max(0.45 * columns, min(0.09 * len(title), 6))  # inches, as wide as the title
    width, height = cells + 1.2, 0.38 * rows + 0.6 + below
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
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # of a name that the font lacks; a box is drawn
        with replacing(path) as file:
            style.save(figure, file, 110)


def _annotated(axes: "Axes", counts: np.ndarray, labels: list[str], categories: list[str]) -> None:
    """A heat map with the number in every cell, and a name at each row and column."""
    import seaborn

    seaborn.heatmap(
        counts,
        annot=True,
        fmt="d",
        cmap="Blues",
        cbar=False,
        square=False,
        ax=axes,
        xticklabels="auto",
        yticklabels=categories,
        annot_kws={"size": 7},
        linewidths=0.5,
    )
    axes.set_ylabel("category")
    axes.tick_params(axis="y", rotation=0)
    if labels:
        axes.set_xticklabels(labels, rotation=90, size=8, parse_math=False)  # a name may have dollar signs


def _shown(name: str) -> str:
    """A class's name as it is drawn: printable, at most NAME_LENGTH characters."""
    text = printable(name)
    return text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…"
