"""Plots that only the report of a study has."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

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


def plot_parallel(trials: pd.DataFrame) -> Figure:
    """Parallel coordinates: a line for each measured trial through its parameters to its accuracy, its colour."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots()
    names = [name for name in AXES if name in trials and (trials[name].nunique() > 1 or name == ACCURACY)]
    values = trials[names].astype(float)
    scaled = values.copy()
    for name in names:
        axis = np.log(values[name]) if name in LOGARITHMIC else values[name]
        scaled[name] = (axis - axis.min()) / ((axis.max() - axis.min()) or 1)
    colours = matplotlib.colormaps["viridis"]
    for _, line in scaled.sort_values(ACCURACY).iterrows():
        axes.plot(range(len(names)), line, color=colours(line[ACCURACY]), alpha=0.8, marker=".")
    for at, name in enumerate(names):
        axes.axvline(at, color="grey", linewidth=0.8)
        for edge, value in ((-0.06, values[name].min()), (1.03, values[name].max())):
            axes.text(at, edge, f"{value:.3g}", ha="center", fontsize=8)
    axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize=8)
    axes.set(yticks=[], ylim=(-0.1, 1.1), title="parallel coordinates; a line that ends early has no continuous code")
    axes.tick_params(axis="x", pad=10, length=0)
    return figure


def plot_bounds(trials: pd.DataFrame) -> Figure | None:
    """L_I / H(c) of every trial whose run directory is on this machine; None where none is."""
    bound, curves = "L_I / H(c)", []
    for trial in trials.itertuples():
        path = Path(str(trial.run_dir)) / "metrics.csv"
        if path.exists():
            metrics = pd.read_csv(path)
            curve = {"images": metrics.images, bound: metrics.info_over_entropy}
            curves.append(pd.DataFrame(curve | {"recipe": trial.recipe, "trial": trial.trial}))
    if not curves:
        return None
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    table = pd.concat(curves)
    seaborn.lineplot(table, x="images", y=bound, hue="recipe", units="trial", estimator=None, alpha=0.7, ax=axes)
    lowest = max(-1.0, table[bound].min() - 0.05)
    axes.set(title="mutual-information lower bound over the codes' entropy", ylim=(lowest, 1.1))
    return figure
