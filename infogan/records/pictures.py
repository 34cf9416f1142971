"""Pictures of a run: grids of generated images and confusion matrices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from infogan.codes import Categorical, Latent
from infogan.networks import generate

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
    Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(path)


def category_grid(
    generator: nn.Module, latent: Latent, seed: int, columns: int = 10, order: Sequence[int] | None = None
) -> np.ndarray:
    """Samples of G as one picture [H', W', C]: a row for each category of the first categorical code.

    A column's images have all other codes and the noise in common. Without categorical codes there is one row.
    order: of the rows' categories; default 0, 1, 2, ...
    """
    z = latent.sample(columns, torch.Generator().manual_seed(seed))
    rows = [z]
    if latent.categorical_sizes:
        first = latent.single_codes(Categorical)[0]
        rows = [latent.place(z, first, category) for category in order or range(latent.categorical_sizes[0])]
    return tile(generate(generator, torch.cat(rows)), len(rows))


ANNOTATED = 30
"""Rows and columns of a confusion matrix that are named and numbered one by one."""


def confusion(path: Path, table: list[list[int]], title: str, label_of_category: Sequence[int] | None = None) -> None:
    """Write a heat map of the number of images of each category (rows) and label (columns).

    label_of_category: orders the rows by matched label, unmatched categories (-1) last; without it they stay in order.
    """
    import seaborn
    from matplotlib.figure import Figure

    counts = np.asarray(table)
    label_of = np.asarray(range(len(counts)) if label_of_category is None else label_of_category)
    order = np.argsort(np.where(label_of < 0, counts.shape[1], label_of), kind="stable")
    large = max(counts.shape) > ANNOTATED  # numbers and names of so many cells could not be read
    rows, columns = (min(side, ANNOTATED) for side in counts.shape)
    width, height = 0.45 * columns + 1.2, 0.38 * rows + 1.2
    figure = Figure(figsize=(width, height))
    # Margins in inches: a layout engine would draw every number twice.
    axes = figure.add_axes((0.7 / width, 0.6 / height, 1 - 0.8 / width, 1 - 1.0 / height))
    seaborn.heatmap(
        counts[order],
        annot=not large,
        fmt="d",
        cmap="Blues",
        cbar=False,
        square=False,
        ax=axes,
        xticklabels="auto",
        yticklabels="auto" if large else [str(i) for i in order],
        annot_kws={"size": 7},
        linewidths=0 if large else 0.5,
    )
    ylabel = "categories, in the order of their labels" if large else "category"
    axes.set(xlabel="label", ylabel=ylabel, title=title)
    axes.tick_params(axis="y", rotation=0)
    figure.savefig(path, dpi=110)
