"""Plots of a study, each a PNG in a folder. trials: rows of infogan.reports.study.trials.table that were measured."""

from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from infogan.reports.study.trials import ACCURACY, DISTANCE


def _save(figure: Figure, folder: Path, name: str) -> None:
    figure.savefig(folder / f"{name}.png", dpi=120)


def plot_lambdas(trials: pd.DataFrame, folder: Path) -> None:
    """lambda.png: accuracy by the weight of L_I, of categorical and of continuous codes."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    style = {"hue": "recipe", "style": "state", "s": 55}
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), ("categorical", "continuous")):
        name = f"lambda_{kind}"
        part = trials.dropna(subset=[name])
        seaborn.scatterplot(part, x=name, y=ACCURACY, **style, ax=axes, legend=kind == "continuous")
        axes.set(xscale="log", xlabel=f"λ of the {kind} codes")
    if not part.empty:
        seaborn.move_legend(axes, "upper left", bbox_to_anchor=(1, 1))
    _save(figure, folder, "lambda")


def plot_codes(trials: pd.DataFrame, folder: Path) -> None:
    """codes.png: accuracy by latent codes."""
    order = trials.groupby("codes")[ACCURACY].max().sort_values(ascending=False).index
    figure = Figure(figsize=(8, 0.3 * len(order) + 1.4), layout="constrained")
    axes = figure.subplots()
    seaborn.stripplot(trials, y="codes", x=ACCURACY, hue="state", order=order, ax=axes, size=7, jitter=False, alpha=0.8)
    axes.grid(axis="y", alpha=0.3)
    axes.set(ylabel="latent codes", title="validation accuracy by latent-code configuration")
    _save(figure, folder, "codes")


def plot_batch_size(trials: pd.DataFrame, folder: Path, images: int) -> None:
    """batch_size.png: accuracy by batch size. images: that each trial saw."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.scatterplot(trials, x="batch_size", y=ACCURACY, hue="recipe", style="state", ax=axes, s=55)
    seaborn.move_legend(axes, "upper left", bbox_to_anchor=(1, 1))
    axes.set_xscale("log", base=2)
    sizes = sorted(trials["batch_size"].dropna().unique())
    axes.set_xticks(sizes, [f"{int(size)}\n{round(images / size):,}" for size in sizes])
    axes.set(xlabel="batch size, and updates below it", title=f"at equal images seen: {images:,}")
    _save(figure, folder, "batch_size")


def plot_history(trials: pd.DataFrame, folder: Path) -> None:
    """history.png: accuracy in the trials' order."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.scatterplot(trials, x="trial", y=ACCURACY, hue="state", ax=axes, s=50)
    best = trials[ACCURACY].where(trials.state == "complete").cummax().ffill()
    axes.step(trials.trial, best, where="post", color="grey", label="best complete trial so far")
    axes.set(title="optimisation history")
    axes.legend()
    _save(figure, folder, "history")


def plot_curves(study: optuna.Study, folder: Path) -> None:
    """learning_curves.png: accuracy by images seen."""
    seen = "tenth of images seen"
    rows = [
        {seen: step, ACCURACY: value, "trial": trial.number, "recipe": trial.params.get("recipe")}
        for trial in study.get_trials(deepcopy=False)
        for step, value in trial.intermediate_values.items()
    ]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    each = {"hue": "recipe", "units": "trial", "estimator": None, "alpha": 0.8, "marker": "."}
    seaborn.lineplot(pd.DataFrame(rows), x=seen, y=ACCURACY, **each, ax=axes)
    axes.set(title="learning curves; short lines, and single dots, are pruned trials")
    _save(figure, folder, "learning_curves")


def plot_front(trials: pd.DataFrame, front: list[int], folder: Path) -> None:
    """front.png: accuracy by Fréchet distance. front: numbers of the trials of the Pareto front."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    seaborn.scatterplot(trials, x=DISTANCE, y=ACCURACY, hue="recipe", ax=axes, s=50)
    best = trials[trials.trial.isin(front)].sort_values(DISTANCE)
    axes.plot(best[DISTANCE], best[ACCURACY], color="grey", linewidth=1, zorder=0, label="Pareto front")
    for _, row in best.iterrows():
        text, place = f"{row.trial}: {row.codes}", (row[DISTANCE], row[ACCURACY])
        axes.annotate(text, place, fontsize=7, xytext=(4, 4), textcoords="offset points")
    axes.set(title="accuracy against sample quality (left is better)")
    axes.legend()
    _save(figure, folder, "front")


def plot_importances(values: pd.DataFrame, folder: Path) -> None:
    """importances.png. values: of infogan.reports.study.importance.importances."""
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(values.parameter))
    for i, (among, rows) in enumerate(values.groupby("among", sort=False)):
        y = rows.parameter.map(names.index) + 0.4 * i
        axes.barh(y, rows.importance, 0.38, label=str(among))
        axes.hlines(y, rows.low, rows.high, color="black", linewidth=1)
    axes.set_yticks(np.arange(len(names)) + 0.2, names)
    axes.invert_yaxis()
    axes.legend()
    axes.set(
        title="hyper-parameter importances (fANOVA)",
        xlabel="share of the variance; lines: 95 % of random halves of the trials",
    )
    _save(figure, folder, "importances")
