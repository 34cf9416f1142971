"""Plots that only the report of a study has."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from infogan import style
from infogan.codes import Latent
from infogan.config import Config
from infogan.errors import InputError, printable
from infogan.reports.runs import config_of, entropy_of, read_curves, read_runs
from infogan.reports.study.trials import ACCURACY

AXES = (
    "lambda_categorical",
    "lambda_continuous",
    "categorical_codes",
    "categories",
    "continuous_codes",
    "noise",
    "batch_size",
    ACCURACY,
)
LOGARITHMIC = ("lambda_categorical", "lambda_continuous", "batch_size", "noise")


@style.drawing()
def plot_parallel(trials: pd.DataFrame) -> Figure:
    """Parallel coordinates: a line for each measured trial through its parameters to its accuracy; its colour is the
    recipe."""
    figure = style.new_figure(10, 3.8)
    axes = figure.subplots()
    names = [name for name in AXES if name in trials and (trials[name].nunique() > 1 or name == ACCURACY)]
    values = trials[names].astype(float)
    scaled = values.copy()
    for name in names:
        axis = np.log(values[name]) if name in LOGARITHMIC else values[name]
        scaled[name] = (axis - axis.min()) / ((axis.max() - axis.min()) or 1)
    colours = style.palette(trials.recipe.dropna())
    axes.grid(False)
    for row, line in scaled.sort_values(ACCURACY).iterrows():
        colour = colours.get(trials.recipe[row], style.GREY)
        axes.plot(range(len(names)), line, color=colour, alpha=0.7, linewidth=1 + 1.5 * line[ACCURACY] ** 4)
    for recipe, colour in colours.items():
        axes.plot([], [], color=colour, label=recipe)
    axes.legend(title="recipe", loc="upper left", bbox_to_anchor=(1, 1))
    for at, name in enumerate(names):
        axes.axvline(at, color="grey", linewidth=0.8)
        for edge, value in ((-0.06, values[name].min()), (1.03, values[name].max())):
            axes.text(at, edge, f"{value:.3g}", ha="center", fontsize=8, bbox={"color": "white", "pad": 1})
    axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize=8)
    axes.set(yticks=[], ylim=(-0.1, 1.1))
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", pad=10, length=0)
    return figure


def read_trial(directory: Path) -> tuple[Config, pd.DataFrame] | None:
    """Configuration and curves of a trial's run; None, with a line on stderr, where they cannot be read here."""
    try:
        return config_of(read_runs([directory]).iloc[0]), read_curves([directory])
    except (InputError, OSError) as error:
        if directory.exists():
            print(f"{printable(directory)} is left out: {error}", file=sys.stderr)
        return None


@style.drawing()
def plot_bounds(trials: pd.DataFrame) -> Figure | None:
    """L_I / H(c) of the categorical codes of every trial whose run can be read here; None where none can."""
    bound, curves = "$L_I$ / H(c), categorical codes", []
    for trial in trials.itertuples():
        if (read := read_trial(Path(str(trial.run_dir)))) is None or not (entropy := entropy_of(read[0])):
            continue
        metrics = read[1][read[1].table == "metrics"]
        curve = {"images": metrics.images, bound: metrics.info_categorical_nats / entropy}
        curves.append(pd.DataFrame(curve | {"recipe": trial.recipe, "trial": trial.trial}))
    if not curves:
        return None
    figure = style.new_figure(6.8, 3.8)
    axes = figure.subplots()
    table = pd.concat(curves, ignore_index=True)
    shown = {"hue": "recipe", "palette": style.palette(table.recipe), "units": "trial", "estimator": None}
    seaborn.lineplot(table, x="images", y=bound, **shown, alpha=0.7, linewidth=1, ax=axes)
    style.legend_beside(axes)
    axes.set(xlabel="images seen", ylim=(min(0.0, table[bound].min()), 1.1))
    return figure


@style.drawing()
def plot_run(config: Config, curves: pd.DataFrame) -> Figure:
    """A run's learning curves over updates: losses, L_I of its first kind of codes (nats), and validation accuracy."""
    metrics, measured = (curves[curves.table == name] for name in ("metrics", "evaluations"))
    figure = style.new_figure(10, 2.9)
    losses, bound, accuracies = figure.subplots(1, 3)
    window = max(1, len(metrics) // 100)
    for column, label, colour in (("loss_d", "D", style.SKY), ("loss_g", "G", style.PURPLE)):
        losses.plot(metrics.step, metrics[column], color=colour, alpha=0.2, linewidth=0.7)
        losses.plot(metrics.step, metrics[column].rolling(window, min_periods=1).mean(), color=colour, label=label)
    losses.legend()
    losses.set(title="GAN losses (nats)", xlabel="update")
    kind, entropy = bounded(config)
    mean = metrics[f"info_{kind}_nats"].rolling(window, min_periods=1).mean()
    bound.plot(metrics.step, mean, color=style.BLACK)
    bound.axhline(entropy, color=style.GREY, linestyle="--", linewidth=1)
    bound.set(title=f"$L_I$ of the {kind} codes (nats)", xlabel="update", ylim=(min(0.0, mean.min()), 1.1 * entropy))
    if "accuracy" in measured and len(first := measured.dropna(subset=["accuracy"])):
        accuracies.plot(first.step, first.accuracy, marker="o", markersize=4, color=style.BLACK)
        accuracies.set_ylim(min(0.5, 0.9 * first.accuracy.min()), 1.01)
    accuracies.set(title="validation accuracy", xlabel="update")
    return figure


def bounded(config: Config) -> tuple[str, float]:
    """The kind of codes whose L_I a report shows, and their entropy H(c) in nats: categorical where there are such."""
    categorical, continuous = Latent(config.codes, config.noise, config.q_std).entropy
    return ("categorical", categorical) if categorical else ("continuous", continuous)
