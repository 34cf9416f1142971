"""Writing figures: a picture, and its numbers as JSON beside it."""

import string
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infogan import records
from infogan.records import pictures
from infogan.reports import common
from infogan.reports.figures.panels import Panel
from infogan.utils import style
from infogan.utils.errors import printable
from infogan.utils.options import Unset

COLUMNS = {1: 1, 2: 2, 3: 1, 4: 2}
"""Panels in a row, of so many panels; of more 3, of more than 9 6."""
WIDTH, MOST_WIDTH = 7.2, 14.4
"""Inches of a figure of one column of panels, and of several."""
CELL = 0.72
"""Inches of an image at most: so large are those of ten columns in a figure of one column of panels."""
UPRIGHT = 20
"""Columns of images from which on their labels are upright."""
LONGEST = 14.0
"""Inches of a panel's height at most."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a figure goes."""

    out: Unset[Path] = None
    """Where to write the picture; its numbers go beside it as JSON."""
    format: Unset[Literal["png", "svg", "pdf"]] = None
    """Format of the picture. Default: that of --out, else png."""

    def path(self, default: Path) -> Path:
        """The picture's file; default: without --out. Raises InputError where its name is not that of a picture."""
        path = self.out or default
        path = path.with_suffix(f".{self.format}") if self.format else path
        common.check_picture(path)
        return path


def save_figure(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all."""
    with records.replacing(path) as file:
        style.save(figure, file)


def write_figure(figure: Figure, path: Path, numbers: dict) -> None:
    """Write the picture, and its numbers with their origin as JSON beside it."""
    save_figure(figure, path)
    records.write_json(path.with_suffix(".json"), numbers | common.origin())
    print(f"wrote {printable(path)} and {printable(path.with_suffix('.json').name)}")


@style.drawing()
def write_panels(path: Path, panels: Sequence[Panel], numbers: dict) -> None:
    """Write a figure of these panels, and its numbers, which have `caption`, the figure's title."""
    figure = draw_panels(panels, numbers["caption"])
    write_figure(figure, path, numbers | {"panels": [panel.record() for panel in panels]})


def draw_panels(panels: Sequence[Panel], title: str) -> Figure:
    """A figure of these panels.

    All images have one scale: a panel of more columns of images is wider.
    """
    columns = COLUMNS.get(len(panels), 3 if len(panels) <= 9 else 6)
    if len(panels) == 3 and all(panel.picture.shape[1] < 1.5 * panel.picture.shape[0] for panel in panels):
        columns = 3  # grids; panels in which a code is varied are wide
    lines = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    widths = [max(line[i].picture.shape[1] for line in lines if i < len(line)) for i in range(columns)]
    heights = [max(panel.picture.shape[0] for panel in line) for line in lines]
    longest = max(len(label) for panel in panels for label in ["", *panel.rows])
    left = 0.15 + max(0.4 * bool(longest), 0.065 * longest)  # inches beside a panel, for the labels of its rows
    above = 0.1 + 0.2 * max(panel.title.count("\n") + bool(panel.title) for panel in panels)
    below = (0.5 + 0.3 * any(len(panel.ticks) > UPRIGHT for panel in panels)) * any(panel.ticks for panel in panels)
    most = (WIDTH if columns == 1 else MOST_WIDTH) - columns * left - 0.15
    scale = min(most / sum(widths), CELL / max(panel.cell for panel in panels), LONGEST / max(heights))
    width = max(scale * sum(widths) + columns * left + 0.15, WIDTH)
    caption = textwrap.wrap(title, round(13 * width))
    height = 0.2 + 0.2 * len(caption) + sum(above + scale * each + below for each in heights)
    figure = style.new_figure(width, height)
    figure.set_layout_engine("none")  # places in inches: an engine's would differ from drawing to drawing
    letters = iter(string.ascii_lowercase if len(panels) <= len(string.ascii_lowercase) else [""] * len(panels))
    y = height - 0.1 - 0.2 * len(caption)
    for line, lowest in zip(lines, heights):
        x, y = (width - scale * sum(widths) - columns * left) / 2, y - above - scale * lowest
        for panel, column in zip(line, widths):
            sides = [scale * side for side in panel.picture.shape[1::-1]]
            at = (x + left + (scale * column - sides[0]) / 2, y + scale * lowest - sides[1])
            places = (at[0] / width, at[1] / height, sides[0] / width, sides[1] / height)
            _draw_panel(figure.add_axes(places), next(letters), panel)
            x += left + scale * column
        y -= below
    figure.suptitle("\n".join(caption), fontsize=10, y=1 - 0.08 / height, va="top")
    return figure


def _draw_panel(axes: Axes, letter: str, panel: Panel) -> None:
    axes.grid(False)
    height, width, channels = panel.picture.shape
    shown = panel.picture.squeeze(2) if channels == 1 else panel.picture
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(f"({letter}) {panel.title}" if panel.title and letter else panel.title, fontsize=9)
    for set_ticks, labels, side in ((axes.set_xticks, panel.ticks, width), (axes.set_yticks, panel.rows, height)):
        each = (side + pictures.GAP) / max(1, len(labels))
        set_ticks(np.arange(len(labels)) * each + (each - pictures.GAP - 1) / 2, labels, fontsize=7)
    axes.tick_params(axis="x", rotation=90 if len(panel.ticks) > UPRIGHT else 0)
    axes.set_xlabel(panel.xlabel, fontsize=8)
