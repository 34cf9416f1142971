"""How every figure looks: fonts, sizes, and colours that colour-blind readers tell apart (Okabe & Ito 2008).

Figures are made and saved within `drawing()`, so that no matplotlibrc of the user changes what they show.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY, BLACK = "#CC79A7", "#56B4E9", "#737373", "#16202C"
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY)
PRESET_COLOURS = {"authors": BLUE, "paper": ORANGE, "blog": GREEN, "iic": VERMILION, "gan": GREY}
"""One colour for each preset in all figures; what is no preset has another: SKY and PURPLE for D and G."""
STATE_MARKERS = {"complete": "o", "pruned": "X", "fail": "s", "running": "P"}
"""One marker for each state of a trial in all figures."""
DPI = 140

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.titlesize": 10,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E6EA",
    "grid.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=COLOURS),
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,  # TrueType, which journals and editors can read; matplotlib's own type 3 they refuse
    "ps.fonttype": 42,
}

_entered = ContextVar("_entered", default=False)


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib's defaults and this style; afterwards the caller's settings again. Also a decorator: @drawing()."""
    token = _entered.set(True)
    try:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_RC)
            yield
    finally:
        _entered.reset(token)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches. Raises RuntimeError outside `drawing()`."""
    if not _entered.get():
        raise RuntimeError("figures are made within style.drawing(), without which a matplotlibrc would change them")
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, to: Path | IO[bytes], dpi: int = DPI) -> None:
    """Write a figure; to a file object as PNG, else in the format that the path's suffix names."""
    with drawing():
        figure.savefig(to, dpi=dpi, format=None if isinstance(to, Path) else "png")


def palette(presets: Any) -> dict[str, str]:
    """A colour for each preset, those without one of their own included."""
    others = iter((PURPLE, SKY, "#000000"))
    return {name: PRESET_COLOURS.get(name) or next(others, GREY) for name in sorted(set(presets))}


def logarithmic(axes: Axes) -> None:
    """Logarithmic scales on both axes, with plain numbers at 1, 2 and 5 of each decade."""
    axes.set(xscale="log", yscale="log")
    for limits, set_limits in ((axes.get_xlim(), axes.set_xlim), (axes.get_ylim(), axes.set_ylim)):
        if limits[1] / limits[0] < 2.5:  # there might be none of these numbers between them
            set_limits(limits[0] / 1.6, limits[1] * 1.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())


def legend_beside(axes: Axes) -> None:
    """Move the legend to the right of the axes, where it hides nothing."""
    if (legend := axes.get_legend()) is not None:
        handles = [handle for handle in legend.legend_handles if handle is not None]
        labels = [text.get_text() for text in legend.get_texts()]
        title = legend.get_title().get_text()
        axes.legend(handles, labels, title=title, loc="upper left", bbox_to_anchor=(1, 1))
