"""Figures of generated digits: the paper's figure 2, and the blog's grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from infogan.codes import Continuous
from infogan.inference import Model, category_grid
from infogan.records import pictures
from infogan.reports import common
from infogan.reports.figures.drawing import Output, draw_panels, save_figure, write_panels
from infogan.reports.figures.panels import Panel, caption, category_order, vary_category, vary_continuous
from infogan.utils import style
from infogan.utils.errors import InputError
from infogan.utils.options import Unset

RANGE = np.linspace(-2, 2, 11)
"""Values of continuous codes in figure 2; in training they were within [-1, 1]."""


@dataclass(frozen=True)
class Figure2(Output):
    """The paper's figure 2: varying c1, c1 in a regular GAN, and each continuous code from -2 to 2.

    Default of --out: RUN/figures/figure2.png.
    """

    run: tyro.conf.Positional[Path]
    """Run directory."""
    gan: Unset[Path] = None
    """Run directory of a regular GAN (preset gan), for panel (b)."""

    def draw(self) -> None:
        """Write the figure."""
        path, run = self.path(self.run / "figures" / "figure2.png"), Model(self.run)
        panels = [vary_category(run, "varying c1 (InfoGAN)")]
        if self.gan is not None:
            panels.append(vary_category(Model(self.gan), "varying c1 (regular GAN)"))
        for code in run.latent.single_codes(Continuous):
            panels.append(vary_continuous(run, f"varying c{code + 1} from -2 to 2", code, RANGE))
        write_panels(path, panels, common.about_run(run) | {"caption": caption(run)})


@dataclass(frozen=True)
class Grid(Output):
    """The blog's grid: a row for each category of c1, a column for each noise sample; several runs side by side.

    --out must be given where there are several runs; its default is RUN/figures/grid.png.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories."""

    def draw(self) -> None:
        """Write the figure."""
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/mnist-blog-seed0")
        if len(self.runs) > 1 and self.out is None:
            raise InputError(f"{len(self.runs)} runs are given and no --out: say where to write their grid")
        path = self.path(self.runs[0] / "figures" / "grid.png")
        runs = [Model(directory) for directory in self.runs]
        write_panels(path, *grids(runs))


def grids(runs: Sequence[Model]) -> tuple[list[Panel], dict]:
    """A panel for each run, samples whose rows are in the order of the matched labels; and the figure's numbers."""
    captions = dict.fromkeys(caption(run, seed=len(runs) == 1) for run in runs)
    meaning, seeds = "category of c1 → label matched on validation images", {run.config.seed for run in runs}
    panels = []
    for run in runs:
        order, rows = category_order(run)
        picture = category_grid(run.generator, run.latent, seed=0, order=order)
        same = len(captions) == 1 and len(seeds) == len(runs)
        title = (f"seed {run.config.seed}" if same else run.directory.name) if len(runs) > 1 else ""
        panels.append(Panel(title, picture, run.discriminator.image_shape[2] + pictures.GAP, rows=rows))
    about = [common.about_run(run) for run in runs]
    return panels, {"runs": about, "caption": f"{'; '.join(captions)}; rows: {meaning}"}


@style.drawing()
def contact_sheet(directories: Sequence[Path], path: Path) -> None:
    """Write the grids of these runs side by side."""
    panels, numbers = grids([Model(directory) for directory in directories])
    save_figure(draw_panels(panels, numbers["caption"]), path)
