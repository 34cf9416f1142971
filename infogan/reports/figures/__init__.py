"""Figures of the paper and of the blog post from run directories, each with its numbers in a JSON file beside it.

figure1, losses and tradeoff also read result folders, see `infogan measure --out`.

Examples:
  python analysis/figures.py figure1 runs/mnist-authors-seed0 runs/mnist-gan-seed0
  python analysis/figures.py figure2 runs/mnist-authors-seed0 --gan runs/mnist-gan-seed0 --format pdf
  python analysis/figures.py grid runs/mnist-blog-seed0
  python analysis/figures.py losses runs/mnist-blog-seed0
  python analysis/figures.py tradeoff runs/mnist-*-seed*       # measured before with --quality
  python analysis/figures.py figure3 runs/faces3d-faces-*      # each panel from the run that represents its factor best
  python analysis/figures.py traversal runs/mnist-authors-seed0 --out traversal.mp4
  python analysis/figures.py figure6 runs/celeba-celeba-seed0 --gif
"""

import sys
from collections.abc import Callable
from typing import Any

import tyro

from infogan.reports.figures.animation import Traversal
from infogan.reports.figures.curves import Figure1, Losses
from infogan.reports.figures.samples import Figure2, Grid
from infogan.reports.figures.tradeoff import Tradeoff
from infogan.reports.figures.traversals import Figure3, Figure4, Figure5, Figure6
from infogan.utils.errors import InputError

FIGURES: dict[str, Callable[..., Any]] = {
    "figure1": Figure1,
    "figure2": Figure2,
    "figure3": Figure3,
    "figure4": Figure4,
    "figure5": Figure5,
    "figure6": Figure6,
    "grid": Grid,
    "losses": Losses,
    "tradeoff": Tradeoff,
    "traversal": Traversal,
}


def main() -> None:
    """Draw the figure that the command line names."""
    if (name := next(iter(sys.argv[1:]), "--help")) not in FIGURES and not name.startswith("-"):
        raise InputError(f"there is no figure {name!r}; allowed: {', '.join(FIGURES)}")
    tyro.extras.subcommand_cli_from_dict(FIGURES, description=__doc__).draw()
