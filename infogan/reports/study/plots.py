"""Plots of a study. trials: rows of infogan.reports.study.trials.table that were measured.

The colour is the recipe and the marker the trial's state in all of them (infogan.style).
"""

import numpy as np
import optuna
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from infogan import style
from infogan.reports.study.trials import ACCURACY, DISTANCE


def _scatter(trials: pd.DataFrame, axes: Axes, x: str, y: str = ACCURACY, legend: bool = True) -> None:
    """A point for each trial: its colour is the recipe, its marker the state."""
    markers = {state: style.STATE_MARKERS.get(state, "D") for state in trials.state.unique()}
    colours = style.palette(trials.recipe.dropna())
    shown = {"hue": "recipe", "palette": colours, "style": "state", "markers": markers, "s": 55, "alpha": 0.85}
    seaborn.scatterplot(trials, x=x, y=y, **shown, legend=legend, ax=axes)
    if legend:
        style.legend_beside(axes)


@style.drawing()
def plot_lambdas(trials: pd.DataFrame) -> Figure:
    """Accuracy by the weight of L_I, of categorical and of continuous codes."""
    figure = style.new_figure(9, 3.6)
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), ("categorical", "continuous")):
        name = f"lambda_{kind}"
        _scatter(trials.dropna(subset=[name]), axes, name, legend=kind == "continuous")
        axes.set(xscale="log", xlabel=f"λ of the {kind} codes")
    return figure


@style.drawing()
def plot_codes(trials: pd.DataFrame) -> Figure:
    """Accuracy by latent codes, the best first."""
    order = list(trials.groupby("codes")[ACCURACY].max().sort_values(ascending=False).index)
    figure = style.new_figure(8, 0.3 * len(order) + 1.4)
    axes = figure.subplots()
    _scatter(trials.assign(row=trials.codes.map(order.index)), axes, ACCURACY, "row")
    axes.set_yticks(range(len(order)), order)
    axes.set(ylabel="latent codes", title="Validation accuracy by latent codes", ylim=(len(order) - 0.5, -0.5))
    return figure


@style.drawing()
def plot_batch_size(trials: pd.DataFrame, images: int) -> Figure:
    """Accuracy by batch size. images: that each trial saw."""
    figure = style.new_figure(6.4, 3.8)
    axes = figure.subplots()
    _scatter(trials, axes, "batch_size")
    axes.set_xscale("log", base=2)
    sizes = sorted(trials["batch_size"].dropna().unique())
    axes.set_xticks(sizes, [f"{int(size)}\n{round(images / size):,}" for size in sizes])
    axes.set(xlabel="batch size, and updates below it", title=f"At equal images seen: {images:,}")
    return figure


@style.drawing()
def plot_history(trials: pd.DataFrame) -> Figure:
    """Accuracy in the trials' order."""
    figure = style.new_figure(6.4, 3.8)
    axes = figure.subplots()
    best = trials[ACCURACY].where(trials.state == "complete").cummax().ffill()
    axes.step(trials.trial, best, where="post", color=style.GREY, linewidth=1, label="best complete trial so far")
    _scatter(trials, axes, "trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title="Validation accuracy in the order of the trials")
    return figure


@style.drawing()
def plot_curves(study: optuna.Study) -> Figure:
    """Accuracy by images seen; the last point of a pruned trial has the marker of such."""
    figure = style.new_figure(6.4, 3.8)
    axes = figure.subplots()
    trials = [t for t in study.get_trials(deepcopy=False) if t.intermediate_values]
    colours = style.palette(t.params["recipe"] for t in trials if "recipe" in t.params)
    for trial in trials:
        steps, values = zip(*sorted(trial.intermediate_values.items()))
        colour = colours.get(str(trial.params.get("recipe")), style.GREY)
        axes.plot(steps, values, color=colour, alpha=0.7, linewidth=1)
        marker = style.STATE_MARKERS.get(trial.state.name.lower(), "D")
        axes.plot(steps[-1], values[-1], marker, color=colour, alpha=0.9, markeredgecolor="white", markersize=7)
    for recipe, colour in colours.items():
        axes.plot([], [], color=colour, label=recipe)
    axes.legend(title="recipe", loc="upper left", bbox_to_anchor=(1, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    title = "Learning curves; a cross ends a pruned trial"
    axes.set(title=title, xlabel="tenths of the images seen", ylabel=ACCURACY)
    return figure


@style.drawing()
def plot_front(trials: pd.DataFrame, front: list[int]) -> Figure:
    """Accuracy by Fréchet distance. front: numbers of the trials of the Pareto front."""
    figure = style.new_figure(6.8, 4)
    axes = figure.subplots()
    best = trials[trials.trial.isin(front)].sort_values(DISTANCE)
    axes.plot(best[DISTANCE], best[ACCURACY], color=style.GREY, linewidth=1, zorder=0, label="Pareto front")
    _scatter(trials, axes, DISTANCE)
    for _, row in best.iterrows():
        text, place = f"{row.trial}: {row.codes}", (row[DISTANCE], row[ACCURACY])
        axes.annotate(text, place, fontsize=7, xytext=(4, 4), textcoords="offset points")
    axes.set(title="Accuracy against sample quality (left is better)")
    return figure


@style.drawing()
def plot_importances(values: pd.DataFrame) -> Figure:
    """Importances, with their intervals. values: of infogan.reports.study.importance.importances."""
    figure = style.new_figure(7, 3.2)
    axes = figure.subplots()
    names = list(dict.fromkeys(values.parameter))
    for i, (among, rows) in enumerate(values.groupby("among", sort=False)):
        y = rows.parameter.map(names.index) + 0.4 * i
        axes.barh(y, rows.importance, 0.38, color=(style.SKY, style.PURPLE)[i], label=str(among))
        axes.hlines(y, rows.low, rows.high, color="black", linewidth=1)
    axes.set_yticks(np.arange(len(names)) + 0.2, names)
    axes.invert_yaxis()
    axes.legend(loc="lower right")
    axes.set(xlabel="share of the variance of accuracy (fANOVA); lines: 95 % of random halves of the trials")
    return figure
