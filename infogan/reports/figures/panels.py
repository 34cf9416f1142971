"""Panels of figures: generated images along one latent code, and how a figure names the runs it was drawn from."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan import networks
from infogan.codes import Categorical
from infogan.config.presets import describe
from infogan.inference import Model
from infogan.records import pictures
from infogan.reports import common
from infogan.utils.errors import InputError

ROWS = 5
"""Random samples of a panel, one a row."""


@dataclass
class Panel:
    """One part of a figure: a picture of generated images, and the labels of its columns and rows."""

    title: str
    picture: np.ndarray
    """uint8 [H', W', C]"""
    cell: int
    """Pixels of an image's width in it, and of the gap beside it."""
    xlabel: str = ""
    ticks: list[str] = field(default_factory=list)
    """A label for each column of images, or none."""
    rows: list[str] = field(default_factory=list)
    """A label for each row of images, or none."""
    about: dict = field(default_factory=dict)
    """What else the figure's JSON file records of the panel."""

    def record(self) -> dict:
        """What the figure's JSON file records of the panel: all but the images."""
        return {"title": self.title, "xlabel": self.xlabel, "ticks": self.ticks, "rows": self.rows} | self.about


def vary_category(run: Model, title: str, code: int | None = None) -> Panel:
    """Columns: the categories of one code; rows: samples that differ in everything else.

    code: its position among all single codes; by default c1, whose columns are in the order of the matched labels.

    Raises InputError where the run has no categorical code.
    """
    codes = run.latent.single_codes(Categorical)
    if not codes:
        raise InputError(f"{run.directory} has codes {run.latent}, none of them categorical: there is no c1 to vary")
    if code is None:
        code, (order, ticks), xlabel = codes[0], category_order(run), "category → label matched on validation images"
    else:
        order = list(range(run.latent.categorical_sizes[codes.index(code)]))[: pictures.MOST_CATEGORIES]
        ticks, xlabel = [str(i) for i in order], "category"
    z = run.latent.sample(ROWS, torch.Generator().manual_seed(0))
    return _panel(run, title, xlabel, ticks, [run.latent.set_code(z, code, category) for category in order])


def vary_continuous(run: Model, title: str, code: int, values: np.ndarray) -> Panel:
    """Columns: values of one continuous code; all else is fixed in a row.

    Rows differ in the category of c1, where there is one, and in everything else.
    """
    latent = run.latent
    z = latent.sample(ROWS, torch.Generator().manual_seed(1))
    if categorical := latent.single_codes(Categorical):
        order = category_order(run)[0]
        z = torch.cat([latent.set_code(z[i : i + 1], categorical[0], order[(2 * i) % len(order)]) for i in range(ROWS)])
    ticks = [f"{value:.1f}" for value in values]
    return _panel(run, title, f"c{code + 1}", ticks, [latent.set_code(z, code, value) for value in values])


def _panel(run: Model, title: str, xlabel: str, ticks: list[str], columns: list[Tensor]) -> Panel:
    """columns: latents [rows, width] of each column."""
    made = networks.generate(run.generator, torch.stack(columns, dim=1).flatten(0, 1))
    return Panel(title, pictures.tile(made, len(columns[0])), made.shape[2] + pictures.GAP, xlabel, ticks)


def category_order(run: Model | Model) -> tuple[list[int], list[str]]:
    """The categories of c1 in the order of the labels that they were matched to on validation images, unmatched ones
    last, and a text with each one's name; pictures.MOST_CATEGORIES at most.

    In their own order where the run was not measured on labelled validation images; none where it has no c1.
    """
    size = run.latent.categorical_sizes[0] if run.latent.categorical_sizes else 0
    most = pictures.MOST_CATEGORIES
    if not run.categories or not size:
        return list(range(size))[:most], [str(i) for i in range(size)][:most]
    named = run.categories[0]
    order = sorted(range(size), key=lambda i: (named[i] or {"label": size})["label"])[:most]
    return order, [f"{i} → {pictures.short((named[i] or {'name': '–'})['name'])}" for i in order]


def caption(run: Model, seed: bool = True) -> str:
    """Dataset, and its origin where that is another; preset and what was changed in it, seed and length. seed: name
    the seed."""
    dataset = run.config.dataset
    origin = common.origin_of_images(dataset)
    named = Path(dataset).stem + f" ({origin})" * (origin != common.REAL)
    parts = [named, f"preset {describe(run.config)}"]
    if (most := max(run.latent.categorical_sizes, default=0)) > pictures.MOST_CATEGORIES:
        parts.append(f"{pictures.MOST_CATEGORIES} of {most:,} categories")
    return ", ".join([*parts, *([f"seed {run.config.seed}"] if seed else []), f"{run.step:,} updates"])
