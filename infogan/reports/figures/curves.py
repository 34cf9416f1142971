"""Curves over training: L_I against H(c) (the paper's figure 1), and the losses (the blog post)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
import tyro
from matplotlib.axes import Axes

from infogan.reports import common
from infogan.reports.figures.drawing import Output, write_figure
from infogan.reports.runs import (
    BOUNDS,
    SMOOTHING,
    config_of,
    entropy_of,
    loss_ends,
    metrics_of,
    read_curves,
    read_runs,
    running_mean,
    smoothed_bound,
)
from infogan.utils import style
from infogan.utils.errors import InputError, printable
from infogan.utils.options import Unset

LOSSES = {"loss_d": ("discriminator", style.SKY), "loss_g": ("generator", style.PURPLE)}
"""By column, the name and the colour of each loss."""


@dataclass(frozen=True)
class Figure1(Output):
    """L_I of the categorical codes over updates, InfoGAN against a regular GAN whose Q is trained beside it.

    Default of --out: figures/figure1.png.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories or result folders; runs of one preset, with the same changes, are drawn as one line, with the
    range over seeds."""

    @style.drawing()
    def draw(self) -> None:
        """Write the figure, and print its numbers."""
        path = self.path(Path("figures/figure1.png"))
        numbers, curve, seen = bound_curves(self.runs)
        palette = style.palette(numbers.preset)
        figure = style.new_figure(6.4, 4)
        axes = figure.subplots()
        shown = {"hue": "preset", "palette": palette, "errorbar": ("pi", 100)}
        seaborn.lineplot(curve, x="update", y="L_I (nats)", **shown, ax=axes)
        lowest = min(0.0, float(curve["L_I (nats)"].min()))
        if len(seen):
            _mark_8bit_images(axes, seen, lowest, palette)
        for entropy in numbers.entropy_nats.round(6).unique():
            axes.axhline(entropy, color="grey", linestyle="--", linewidth=1)
            place = axes.get_yaxis_transform()  # x in parts of the axes' width, y in nats
            axes.annotate(f"H(c) = {entropy:.3f}", (0.99, entropy), xycoords=place, ha="right", va="bottom", fontsize=8)
        axes.set(title="Lower bound of the mutual information, categorical codes", ylabel="$L_I$ (nats)")
        axes.set_ylim(lowest, 1.08 * numbers.entropy_nats.max())
        if numbers.updates.max() > 2 * numbers.updates.min():  # a common scale, on which short runs are seen as well
            axes.set_xscale("log")
        print(common.as_text(numbers))
        write_figure(figure, path, {"smoothing_updates": SMOOTHING, "runs": common.as_rows(numbers)})


def bound_curves(paths: tuple[Path, ...]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Of figure 1: a row of numbers for each run; smoothed L_I in nats by update and preset; L_I of 8-bit images (see
    metrics.collapse) in nats by update and preset, of the runs that have measured it."""
    runs, curves = read_runs(paths), read_curves(paths)
    numbers, bounds, seen = [], [], []
    for _, row in runs.iterrows():
        metrics, entropy = metrics_of(curves, row.run), entropy_of(config_of(row))
        smooth, evaluations = smoothed_bound(metrics), metrics_of(curves, row.run, "evaluations")
        found = evaluations.reindex(columns=["step", BOUNDS[0]]).dropna().set_axis(["update", "nats"], axis=1)
        reached = metrics.step[smooth >= 0.99 * entropy]
        about = {"run": row.run, "preset": row.recipe, "seed": row.seed, "entropy_nats": entropy}
        about |= {"final_info_nats": smooth.iloc[-1], "highest_info_nats": smooth.max()}
        about["final_info_8bit_nats"] = found.nats.iloc[-1] if len(found) else np.nan
        about["updates_to_99_percent"] = reached.iloc[0] if len(reached) else np.nan
        numbers.append(about | {"updates": metrics.step.iloc[-1]})
        bounds.append(pd.DataFrame({"update": metrics.step, "L_I (nats)": smooth, "preset": row.recipe}))
        seen.append(found.assign(preset=row.recipe))
    return pd.DataFrame(numbers), pd.concat(bounds, ignore_index=True), pd.concat(seen, ignore_index=True)


def _mark_8bit_images(axes: Axes, seen: pd.DataFrame, lowest: float, palette: dict[str, str]) -> None:
    """A dot for each evaluation of each run, on the edge where L_I is far below 0: Q is certain and wrong."""
    below = seen.nats < lowest
    for marker, part, label in (("o", seen[~below], "of 8-bit images"), ("v", seen[below], "below the axis")):
        colours = part.preset.map(palette).tolist()
        axes.scatter(part["update"], part.nats.clip(lowest), 16, colours, marker=marker, clip_on=False, zorder=3)
        if len(part):
            axes.plot([], [], marker, color=style.GREY, markersize=4, label=label)
    axes.legend()


@dataclass(frozen=True)
class Losses(Output):
    """The blog's loss curve: D's and G's GAN losses over runs, and over another implementation's log beside them.

    Default of --out: RUN/figures/losses.png of one run directory, else figures/losses.png.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories or result folders; each run is a line."""
    published: Unset[Path] = None
    """CSV file of another implementation's log, with columns step, loss_d and loss_g; its rows are drawn as dots."""

    @style.drawing()
    def draw(self) -> None:
        """Write the figure; its numbers are the means over the first and over the last tenth of each run."""
        runs, curves = read_runs(self.runs), read_curves(self.runs)
        directory = runs.directory.iloc[0] if len(runs) == 1 else None
        path = self.path((directory / "figures" if directory else Path("figures")) / "losses.png")
        tables = [metrics_of(curves, run) for run in runs.run]
        published = _read_log(self.published) if self.published else None
        figure = style.new_figure(6.4, 4)
        axes = figure.subplots()
        for number, metrics in enumerate(tables):
            draw_losses(axes, metrics, faint=len(tables) == 1, named=not number)
        if self.published and published is not None:
            for column, (label, colour) in LOSSES.items():
                name = f"{label}, {printable(self.published.stem)}"
                axes.plot(published.step, published[column], ".", color=colour, alpha=0.6, markersize=4, label=name)
        axes.set(xlabel="update", ylabel="loss (nats); lines: running means")
        axes.set_title("\n".join(_titles(runs)), fontsize=10)
        axes.legend(fontsize=8)
        ends = [{"run": run, **loss_ends(metrics)} for run, metrics in zip(runs.run, tables, strict=True)]
        write_figure(
            figure, path, {"runs": ends} | ({} if published is None else {"published": [loss_ends(published)]})
        )


def draw_losses(axes: Axes, metrics: pd.DataFrame, faint: bool = True, named: bool = True) -> None:
    """Running means of D's and G's loss over a run's updates. faint: each logged value behind them; named: in the
    legend."""
    for column, (label, colour) in LOSSES.items():
        axes.plot(metrics.step, running_mean(metrics[column]), color=colour, label=label if named else None)
        if faint:
            axes.plot(metrics.step, metrics[column], color=colour, alpha=0.25, linewidth=0.8)


def _titles(runs: pd.DataFrame) -> list[str]:
    """A line for each kind of run, with its seeds."""
    out = []
    for (dataset, recipe, batch), group in runs.groupby(["dataset", "recipe", "batch_size"], sort=False):
        seeds = f"seed{'s' * (len(group) > 1)} {', '.join(map(str, group.seed))}"
        out.append(printable(f"{Path(dataset).stem}, preset {recipe}, batch {batch}, {seeds}"))
    return out


def _read_log(path: Path) -> pd.DataFrame:
    """Raises InputError where the file is no table of numbers with the columns of a log."""
    try:
        table = pd.read_csv(path)[["step", "loss_d", "loss_g"]].astype(float)
        if table.isna().any(axis=None):
            raise ValueError("a cell is empty")
    except (KeyError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path} is no log: give a CSV file with numbers in columns step, loss_d, loss_g") from error
    return table
