"""Curves over training: L_I against H(c) (the paper's figure 1), and the losses (the blog post)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
import tyro
from matplotlib.axes import Axes

from infogan import records, style
from infogan.codes import Latent
from infogan.config import Config
from infogan.errors import InputError, printable
from infogan.presets import describe
from infogan.reports import common
from infogan.reports.figures.drawing import write_figure


@dataclass(frozen=True)
class Figure1:
    """L_I of the categorical codes over updates, InfoGAN against a regular GAN whose Q is trained beside it."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories; those of one preset, with the same changes, are drawn as one line, with the range over seeds."""
    out: Path = Path("figures/figure1.png")
    """Where to write the picture; its numbers go beside it."""

    @style.drawing()
    def draw(self) -> None:
        """Write the figure, and print its numbers."""
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/mnist-authors-seed0")
        numbers, curves = zip(*(bound_curve(directory) for directory in self.runs))
        figure = style.new_figure(6.4, 4)
        axes = figure.subplots()
        table = pd.concat(curves, ignore_index=True)
        seaborn.lineplot(
            table,
            x="update",
            y="L_I (nats)",
            hue="preset",
            palette=style.palette(table.preset),
            errorbar=("pi", 100),
            ax=axes,
        )
        seen = pd.concat([bound_of_8bit_images(directory) for directory in self.runs], ignore_index=True)
        lowest = min(0.0, float(table["L_I (nats)"].min()))
        if len(seen):
            _mark_8bit_images(axes, seen, lowest, style.palette(table.preset))
        for entropy in {round(run["entropy_nats"], 6) for run in numbers}:
            _mark_entropy(axes, entropy)
        highest, lengths = max(run["entropy_nats"] for run in numbers), [run["updates"] for run in numbers]
        axes.set(title="Lower bound of the mutual information, categorical codes", ylabel="$L_I$ (nats)")
        axes.set_ylim(lowest, 1.08 * highest)
        if max(lengths) > 2 * min(lengths):  # a common scale, on which the short runs are seen as well
            axes.set_xscale("log")
        print(common.as_text(pd.DataFrame(numbers)))
        write_figure(figure, self.out, {"runs": list(numbers)})


def bound_curve(directory: Path) -> tuple[dict, pd.DataFrame]:
    """A run's numbers in figure 1, and its smoothed L_I in nats by update."""
    metrics, config = common.read_metrics(directory), records.read_config(directory)
    entropy = Latent(config.codes, config.noise, config.q_std).entropy[0]
    smooth = common.smoothed_bound(metrics, config.log_every)
    seen = bound_of_8bit_images(directory)
    reached = metrics.step[smooth >= 0.99 * entropy]
    numbers = {
        "run": directory.name,
        "preset": describe(config),
        "seed": config.seed,
        "smoothing_updates": common.SMOOTHING,
        "entropy_nats": entropy,
        "final_info_nats": float(smooth.iloc[-1]),
        "highest_info_nats": float(smooth.max()),
        "final_info_8bit_nats": float(seen.nats.iloc[-1]) if len(seen) else None,
        "updates_to_99_percent": int(reached.iloc[0]) if len(reached) else None,
        "updates": int(metrics.step.iloc[-1]),
    }
    curve = {"update": metrics.step, "L_I (nats)": smooth, "preset": describe(config), "run": directory.name}
    return numbers, pd.DataFrame(curve)


def bound_of_8bit_images(directory: Path) -> pd.DataFrame:
    """A run's L_I of 8-bit images (see metrics.collapse) by update; no rows of a run that did not measure it."""
    rows = records.Table(directory / "evaluations.csv").rows()
    rows = [row for row in rows if row.get("info_8bit_categorical_nats") is not None]
    return pd.DataFrame(
        {
            "update": [row["step"] for row in rows],
            "nats": [row["info_8bit_categorical_nats"] for row in rows],
            "preset": describe(records.read_config(directory)),
        }
    )


def _mark_8bit_images(axes: Axes, seen: pd.DataFrame, lowest: float, palette: dict[str, str]) -> None:
    """A dot for each evaluation of each run, on the edge where L_I is far below 0: Q is certain and wrong."""
    for row in seen.itertuples():
        y = max(lowest, row.nats)
        marker = "o" if y == row.nats else "v"
        axes.plot(row.update, y, marker, color=palette[row.preset], markersize=4, clip_on=False, zorder=3)
    axes.plot([], [], "o", color=style.GREY, markersize=4, label="of 8-bit images")
    if (seen.nats < lowest).any():
        axes.plot([], [], "v", color=style.GREY, markersize=4, label="of 8-bit images, below the axis")
    axes.legend()


def _mark_entropy(axes: Axes, entropy: float) -> None:
    axes.axhline(entropy, color="grey", linestyle="--", linewidth=1)
    text, where = f"H(c) = {entropy:.3f}", axes.get_yaxis_transform()  # x in parts of the axes' width, y in nats
    axes.annotate(text, (0.99, entropy), xycoords=where, ha="right", va="bottom", fontsize=8)


@dataclass(frozen=True)
class Losses:
    """The blog's loss curve: D's and G's GAN losses over runs, and over another implementation's log beside them."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories; each is a line."""
    published: Path | None = None
    """CSV file of another implementation's log, with columns step, loss_d and loss_g; its rows are drawn as dots."""
    out: Path | None = None
    """Where to write the picture. Default: RUN/figures/losses.png of one run, figures/losses.png of several."""

    @style.drawing()
    def draw(self) -> None:
        """Write the figure; its numbers are the means over the first and over the last tenth of each run."""
        if not self.runs:
            raise InputError("give at least one run directory, such as runs/mnist-blog-seed0")
        runs = list(dict.fromkeys(self.runs))
        tables = [common.read_metrics(directory) for directory in runs]
        configs = [records.read_config(directory) for directory in runs]
        published = _read_log(self.published) if self.published else None
        source = printable(self.published.stem) if self.published else ""
        figure = style.new_figure(6.4, 4)
        axes = figure.subplots()
        for column, label, colour in (
            ("loss_d", "discriminator", style.SKY),
            ("loss_g", "generator", style.PURPLE),
        ):
            for number, metrics in enumerate(tables):
                mean = metrics[column].rolling(max(1, len(metrics) // 100), min_periods=1).mean()
                axes.plot(metrics.step, mean, color=colour, label=None if number else label)
                if len(tables) == 1:
                    axes.plot(metrics.step, metrics[column], color=colour, alpha=0.25, linewidth=0.8)
            if published is not None:
                name = f"{label}, {source}"
                axes.plot(published.step, published[column], ".", color=colour, alpha=0.6, markersize=4, label=name)
        axes.set(xlabel="update", ylabel="loss (nats); lines: running means")
        axes.set_title("\n".join(_titles(configs)), fontsize=10)
        axes.legend(fontsize=8)
        ends = [{"run": run.name, **_ends(metrics)} for run, metrics in zip(runs, tables, strict=True)]
        numbers: dict[str, list] = {"runs": ends}
        if published is not None:
            numbers["published"] = [_ends(published)]
        out = common.figures_folder(runs[0]) if len(runs) == 1 else Path("figures")
        write_figure(figure, self.out or out / "losses.png", numbers)


def _titles(configs: list[Config]) -> list[str]:
    """A line for each kind of run, with its seeds."""
    seeds: dict[str, list[str]] = {}
    for config in configs:
        about = f"{Path(config.dataset).stem}, preset {describe(config)}, batch {config.batch_size}"
        seeds.setdefault(printable(about), []).append(str(config.seed))
    return [f"{about}, seed{'s' * (len(of) > 1)} {', '.join(of)}" for about, of in seeds.items()]


def _ends(table: pd.DataFrame) -> dict[str, float]:
    """Mean losses over the first and over the last tenth of a log's rows, and the last row's update."""
    tenth = max(1, len(table) // 10)
    out: dict[str, float] = {"updates": int(table.step.iloc[-1])}
    for column in ("loss_d", "loss_g"):
        out[f"{column}_first_tenth"] = float(table[column][:tenth].mean())
        out[f"{column}_last_tenth"] = float(table[column][-tenth:].mean())
    return out


def _read_log(path: Path) -> pd.DataFrame:
    """Raises InputError where the file is no table of numbers with the columns of a log."""
    try:
        table = pd.read_csv(path)[["step", "loss_d", "loss_g"]].astype(float)
    except (KeyError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path} is no log: give a CSV file with numbers in columns step, loss_d, loss_g") from error
    if table.empty or not np.isfinite(table).all(axis=None):
        raise InputError(f"{path} lacks rows or cells: give a CSV file with a row of numbers for each logged update")
    return table
