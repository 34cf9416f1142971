"""Figures look the same whatever the user's matplotlibrc says, and leave the user's settings as they were."""

import matplotlib
import numpy as np
import pytest
from conftest import fit
from PIL import Image

from infogan.records import pictures
from infogan.reports.figures.curves import Figure1, Losses
from infogan.reports.figures.samples import Figure2
from infogan.utils import style

HOSTILE = {
    "image.origin": "lower",  # turns every image upside down
    "image.interpolation": "bilinear",
    "image.cmap": "jet",
    "text.usetex": True,  # a traceback without LaTeX
    "font.size": 30,
    "axes.facecolor": "black",
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "lines.linewidth": 9,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    directory = tmp_path_factory.mktemp("style") / "run"
    fit(directory, digits, updates=4)
    return directory


def confusion(run, path):
    pictures.confusion(path, [[5, 1], [0, 4]], "a title", [1, 0])


DRAW = {
    "figure 1": lambda run, path: Figure1((run,), out=path).draw(),
    "figure 2": lambda run, path: Figure2(run, out=path).draw(),
    "losses": lambda run, path: Losses((run,), out=path).draw(),
    "confusion": confusion,
}


@pytest.mark.parametrize("name", DRAW)
def test_a_matplotlibrc_changes_nothing(name, run, tmp_path):
    DRAW[name](run, tmp_path / "plain.png")
    with matplotlib.rc_context(HOSTILE):
        before = dict(matplotlib.rcParams)
        DRAW[name](run, tmp_path / "hostile.png")
        assert dict(matplotlib.rcParams) == before, "the user's settings stay"
    plain, hostile = (np.asarray(Image.open(tmp_path / f"{kind}.png")) for kind in ("plain", "hostile"))
    assert plain.shape == hostile.shape and (plain == hostile).all()


def test_no_figure_is_made_outside_the_style():
    with pytest.raises(RuntimeError, match="drawing"):
        style.new_figure(1, 1)
