"""Figures of generated digits: the paper's figure 2, and the blog's grid."""

import string
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from infogan import records
from infogan.codes import Continuous
from infogan.errors import InputError
from infogan.inference import Run, category_grid, load_run
from infogan.reports import common
from infogan.reports.figures.drawing import write_panels
from infogan.reports.figures.panels import Panel, about_run, caption, category_order, vary_category, vary_continuous

RANGE = np.linspace(-2, 2, 11)
"""Values of continuous codes in figure 2; in training they were within [-1, 1]."""


@dataclass(frozen=True)
class Figure2:
    """The paper's figure 2: varying c1, c1 in a regular GAN, and each continuous code from -2 to 2."""

    run: tyro.conf.Positional[Path]
    """Run directory."""
    gan: Path | None = None
    """Run directory of a regular GAN (preset gan), for panel (b)."""
    out: Path | None = None
    """Where to write the picture. Default: RUN/figures/figure2.png."""
    rows: int = 5
    """Random samples in the panels of c1, and rows in the traversals."""

    def draw(self) -> None:
        """Write the figure."""
        run = load_run(self.run)
        panels = [vary_category(run, "varying c1 (InfoGAN)", self.rows)]
        if self.gan is not None:
            panels.append(vary_category(load_run(self.gan), "varying c1 (regular GAN)", self.rows))
        for code in run.latent.single_codes(Continuous):
            panels.append(vary_continuous(run, f"varying c{code + 1} from -2 to 2", self.rows, code, RANGE))
        numbers = about_run(run) | {"caption": caption(run)}
        evaluation, names = records.read_evaluation(self.run), ("accuracy", "accuracy_ci95", "label_of_category")
        numbers |= {name: evaluation[name] for name in names if name in evaluation}
        write_panels(self.out or common.figures_folder(self.run) / "figure2.png", panels, numbers)


@dataclass(frozen=True)
class Grid:
    """The blog's grid: a row for each category of c1, a column for each noise sample; several runs side by side."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, at most 26."""
    out: Path | None = None
    """Where to write the picture; must be given where there are several runs. Default: RUN/figures/grid.png."""

    def draw(self) -> None:
        """Write the figure."""
        most = len(string.ascii_lowercase)
        if not 1 <= len(self.runs) <= most:
            raise InputError(f"{len(self.runs)} runs are given: give 1 to {most}, such as runs/mnist-blog-seed0")
        if len(self.runs) > 1 and self.out is None:
            raise InputError(f"{len(self.runs)} runs are given and no --out: say where to write their grid")
        loaded = [load_run(directory) for directory in self.runs]
        panels, meaning = [grid_panel(run) for run in loaded], "category of c1 → matched label"
        about = [about_run(run) | {"caption": caption(run)} for run in loaded]
        if len(panels) == 1:
            panels[0].title, panels[0].ylabel = "", meaning
            numbers = about[0]
        else:
            captions = dict.fromkeys(caption(run, seed=False) for run in loaded)
            seeds = [run.config.seed for run in loaded]
            if len(captions) == 1 and len(set(seeds)) == len(seeds):
                for panel, seed in zip(panels, seeds, strict=True):
                    panel.title = f"seed {seed}"
            numbers = {"runs": about, "caption": f"{'; '.join(captions)}; rows: {meaning}"}
        write_panels(self.out or common.figures_folder(self.runs[0]) / "grid.png", panels, numbers)


def grid_panel(run: Run) -> Panel:
    """One run's grid of samples; its rows are in the order of the matched labels."""
    order, labels = category_order(run)
    picture = category_grid(run.generator, run.latent, seed=0, order=order)
    return Panel(run.directory.name, picture, rows=labels)
