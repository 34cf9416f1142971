"""Writing figures: a picture, its numbers as JSON beside it, and the images of its panels beside that."""

import math
import string
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from infogan import records, style
from infogan.errors import InputError, printable
from infogan.records import pictures
from infogan.reports import common
from infogan.reports.figures.panels import Panel

COLUMNS = {1: 1, 2: 2, 3: 1, 4: 2}
"""Panels in a row, of so many panels; of more, 3."""
ENLARGED = 3  # pixels of an animation for each pixel of an image


def save_figure(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all. Raises InputError where the path is not that of a picture."""
    common.check_picture(path)
    with records.replacing(path) as file:
        style.save(figure, file)


def write_figure(figure: Figure, path: Path, numbers: dict) -> None:
    """Write the picture, and its numbers with their origin as JSON beside it."""
    save_figure(figure, path)
    records.write_json(path.with_suffix(".json"), numbers | common.origin())
    print(f"wrote {printable(path)} and {printable(path.with_suffix('.json').name)}")


def write_panels(path: Path, panels: Sequence[Panel], numbers: dict) -> None:
    """Write a PNG of each panel, the numbers as JSON, and from these the figure.

    numbers: with `caption`, the figure's title.
    """
    common.check_picture(path)
    kept = []
    for letter, panel in zip(string.ascii_lowercase, panels):
        tile = f"{path.stem}-{letter}.png"
        pictures.save(path.parent / tile, panel.picture)
        kept.append(panel.record() | {"tile": tile})
    source = path.with_suffix(".json")
    records.write_json(source, numbers | {"panels": kept} | common.origin())
    compose(source, path)


@style.drawing()
def compose(source: Path, path: Path) -> None:
    """Draw the figure of a JSON file and of the panels' pictures beside it.

    Panels side by side have one scale: one of more columns of images is wider.

    Raises InputError where a panel's picture cannot be read.
    """
    numbers = records.read_json(source)
    panels = numbers["panels"]
    try:
        tiles = [np.asarray(Image.open(source.parent / panel["tile"])) for panel in panels]
    except OSError as error:
        raise InputError(f"a panel of {source} cannot be read ({error}): draw the figure from its run again") from error
    columns = COLUMNS.get(len(panels), 3)
    lines = math.ceil(len(panels) / columns)
    width = 14.4 / columns if columns > 1 else 7.2  # inches of a panel
    widths = [max(tile.shape[1] for tile in tiles[i::columns]) for i in range(columns)]
    caption = textwrap.wrap(numbers["caption"], round(13 * width * columns))
    size = (width * columns, _panel_height(panels, tiles, width) * lines + 0.2 + 0.2 * len(caption))
    figure = style.new_figure(*size)
    places = list(figure.subplots(lines, columns, squeeze=False, width_ratios=widths).flat)
    for letter, axes, panel, tile in zip(string.ascii_lowercase, places, panels, tiles):
        _draw_panel(axes, letter, panel, tile)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    figure.suptitle("\n".join(caption), fontsize=10)
    save_figure(figure, path)
    print(f"wrote {printable(path)}")


def _panel_height(panels: list[dict], tiles: list[np.ndarray], width: float) -> float:
    """Inches of the highest panel with its labels, at this width."""
    # The labels of rows take a part of the width.
    heights = [
        width * (0.88 if panel.get("rows") else 0.926) * tile.shape[0] / tile.shape[1]
        for panel, tile in zip(panels, tiles)
    ]
    titles, ticks = any(panel["title"] for panel in panels), any(panel["ticks"] for panel in panels)
    return max(heights) + 0.25 * titles + 0.55 * ticks


def _draw_panel(axes: Axes, letter: str, panel: dict, tile: np.ndarray) -> None:
    axes.grid(False)
    axes.imshow(tile, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(f"({letter}) {panel['title']}" if panel["title"] else "", fontsize=9)
    for set_ticks, labels, side in (
        (axes.set_xticks, panel["ticks"], tile.shape[1]),
        (axes.set_yticks, panel.get("rows", []), tile.shape[0]),
    ):
        each = (side + pictures.GAP) / max(1, len(labels))
        set_ticks(np.arange(len(labels)) * each + (each - pictures.GAP - 1) / 2, labels, fontsize=7)
    axes.set_xlabel(panel["xlabel"], fontsize=8)
    axes.set_ylabel(panel.get("ylabel", ""), fontsize=8)


def animate(path: Path, panels: Sequence[np.ndarray]) -> None:
    """Write the panels' images [columns, rows, H, W, C] side by side as a GIF, along the codes and back.

    A panel with fewer columns stays at its last one.
    """
    frames = []
    for k in range(max(map(len, panels))):
        parts = [pictures.tile(images[min(k, len(images) - 1)], images.shape[1]) for images in panels]
        frame = np.concatenate(parts, axis=1).repeat(ENLARGED, 0).repeat(ENLARGED, 1)
        frames.append(Image.fromarray(frame.squeeze(2) if frame.shape[2] == 1 else frame))
    with records.replacing(path) as file:
        frames[0].save(file, save_all=True, append_images=frames[1:] + frames[-2:0:-1], duration=120, loop=0)
    print(f"wrote {printable(path)}")
