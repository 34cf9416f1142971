"""Plots of a study. trials: rows of infogan.study.table.table that were measured.

The colour is the recipe where it is searched, and the marker the trial's state in all of them (infogan.utils.style).
"""

import numpy as np
import optuna
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from infogan.study.objectives import Measure
from infogan.utils import style

MOST_TICKS = 8
"""Values of a parameter that each have a tick of an axis, where they recur: those of a range could overlap."""
MANY = 30
"""Trials of which two parameters are interpolated."""


def _colours(trials: pd.DataFrame) -> dict:
    """Of seaborn: a colour for each recipe, where the study searches it."""
    if "recipe" not in trials:
        return {"color": style.BLUE}
    return {"hue": "recipe", "palette": style.palette(trials.recipe.dropna())}


def _scatter(trials: pd.DataFrame, axes: Axes, x: str, y: str, legend: bool = True) -> None:
    """A point for each trial: its colour is the recipe, its marker the state."""
    markers = {state: style.STATE_MARKERS.get(state, "D") for state in trials.state.unique()}
    shown = {"style": "state", "markers": markers, "s": 55, "alpha": 0.85, **_colours(trials)}
    seaborn.scatterplot(trials, x=x, y=y, **shown, legend=legend, ax=axes)
    if legend:
        style.legend_beside(axes)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _is_logarithmic(values: pd.Series) -> bool:
    """Whether numbers are shown on a logarithmic scale: positive, and over most of a decade."""
    return _is_number(values) and values.min() > 0 and values.max() / values.min() >= 8


@style.drawing()
def plot_slices(trials: pd.DataFrame, measure: Measure, names: list[str]) -> Figure:
    """The measure by each parameter, a panel each; what else differs between trials is not held fixed."""
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = style.new_figure(3.3 * columns + 1.2, 2.9 * rows)
    for axes, name in zip(figure.subplots(rows, columns, sharey=True, squeeze=False).flat, names):
        shown = trials if _is_number(trials[name]) else trials.astype({name: str}).sort_values(name)
        _scatter(shown, axes, name, measure.name, legend=name == names[columns - 1])
        if _is_logarithmic(trials[name]):
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
        if _is_number(trials[name]) and trials[name].nunique() <= min(MOST_TICKS, len(trials) // 2):
            axes.set_xticks(values := sorted(trials[name].unique()), [f"{value:g}" for value in values])
            axes.minorticks_off()
        if not _is_number(trials[name]) and trials[name].nunique() > 4:
            axes.tick_params(axis="x", rotation=40)
        axes.set(xlabel=name, ylabel=measure.title)
    for axes in figure.axes[len(names) :]:
        axes.set_visible(False)
    return figure


@style.drawing()
def plot_curves(study: optuna.Study, measure: Measure) -> Figure:
    """The measure by images seen; the last point of a pruned trial has the marker of one."""
    figure = style.new_figure(6.4, 3.6)
    axes = figure.subplots()
    reported = pd.DataFrame(
        {"trial": t.number, "state": t.state.name.lower(), "step": step, measure.name: value, **t.params}
        for t in study.get_trials(deepcopy=False)
        for step, value in sorted(t.intermediate_values.items())
    )
    each = {"units": "trial", "estimator": None, "linewidth": 1, "alpha": 0.7, "legend": False}
    seaborn.lineplot(reported, x="step", y=measure.name, **each, **_colours(reported), ax=axes)
    _scatter(reported.groupby("trial").tail(1), axes, "step", measure.name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="tenths of the images seen (a cross ends a pruned trial)", ylabel=measure.title)
    return figure


@style.drawing()
def plot_contour(trials: pd.DataFrame, measure: Measure, x: str, y: str) -> Figure:
    """The measure over two parameters that are numbers: a dot a trial, and of MANY trials a linear interpolation."""
    figure = style.new_figure(6.4, 4)
    axes = figure.subplots()
    at = [np.log10(trials[name]) if _is_logarithmic(trials[name]) else trials[name].astype(float) for name in (x, y)]
    values = trials[measure.name]
    if len(trials) >= MANY:
        axes.tricontourf(at[0], at[1], values, levels=12, cmap="viridis", alpha=0.6)
    dots = axes.scatter(at[0], at[1], c=values, cmap="viridis", s=60, zorder=3, edgecolors="white")
    figure.colorbar(dots, ax=axes, label=measure.title)
    labels = [f"log₁₀ {name}" if _is_logarithmic(trials[name]) else name for name in (x, y)]
    axes.set(xlabel=labels[0], ylabel=labels[1])
    return figure


@style.drawing()
def plot_front(trials: pd.DataFrame, pair: tuple[Measure, Measure], front: list[int]) -> Figure:
    """One measure by another. front: numbers of the trials of the Pareto front."""
    figure = style.new_figure(6.8, 4)
    axes = figure.subplots()
    y, x = pair
    best = trials[trials.trial.isin(front)].sort_values(x.name)
    axes.plot(best[x.name], best[y.name], color=style.GREY, linewidth=1, zorder=0, label="Pareto front")
    _scatter(trials, axes, x.name, y.name)
    for _, row in best.iterrows():
        axes.annotate(str(row.trial), (row[x.name], row[y.name]), fontsize=7, xytext=(4, 4), textcoords="offset points")
    better = [f"{one.title} ({'higher' if one.direction == 'maximize' else 'lower'} is better)" for one in (x, y)]
    axes.set(xlabel=better[0], ylabel=better[1])
    return figure


@style.drawing()
def plot_intervals(table: pd.DataFrame, names: str, values: str, label: str) -> Figure:
    """A row for each of the names, with its value and the interval from `low` to `high`. names, values: columns."""
    figure = style.new_figure(7, 0.38 * len(table) + 1.1)
    axes = figure.subplots()
    axes.hlines(table[names], table.low, table.high, color=style.GREY, linewidth=1.5)
    axes.plot(table[values], table[names], "o", color=style.BLUE)
    axes.invert_yaxis()
    axes.set(xlabel=label)
    return figure
