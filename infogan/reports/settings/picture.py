"""The picture of accuracies by setting."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from infogan import records, style

TITLES = {
    "lambda_categorical": "λ of the categorical codes",
    "lambda_continuous": "λ of the continuous codes",
    "codes": "latent codes",
    "batch_size": "batch size",
}


@style.drawing()
def draw(table: pd.DataFrame, values: pd.DataFrame, path: Path) -> None:
    """A panel for each setting: every run as a dot, means with their intervals, the preset's own value in blue."""
    settings = sorted(values.setting.unique(), key=[*TITLES, *values.setting].index)
    figure = style.new_figure(max(3.6 * len(settings), 5.4), 3.8)  # the title needs as much
    for axes, setting in zip(figure.subplots(1, len(settings), sharey=True, squeeze=False)[0], settings):
        _draw_setting(axes, table, values[values.setting == setting].reset_index(drop=True), setting)
    lowest = min(table.accuracy.min(), values.low.min()) - 0.02  # no dot lies on the edge
    figure.axes[0].set(ylabel="accuracy on test images (one-to-one)", ylim=(max(0, np.floor(10 * lowest) / 10), 1))
    about = table.iloc[0]
    figure.suptitle(
        f"{about.dataset}, preset {about.recipe} (blue) with one setting changed\n{about.images:,} images, "
        f"{about.precision}; bars: 95 % over seeds",
        fontsize=10,
    )
    with records.replacing(path) as file:
        style.save(figure, file)


def _draw_setting(axes: Axes, table: pd.DataFrame, values: pd.DataFrame, setting: str) -> None:
    for x, line in enumerate(values.itertuples()):
        mine = (table.setting == setting) & (table.value == line.value)
        accuracy = table.accuracy[table.setting == "" if line.own else mine]
        colour, bars = (
            style.BLUE if line.own else style.GREY,
            [[line.accuracy - line.low], [line.high - line.accuracy]],
        )
        axes.plot([x] * len(accuracy), accuracy, ".", color=colour, alpha=0.35)
        axes.errorbar(x + 0.15, line.accuracy, bars, fmt="o", color=colour, capsize=3)
    labels = [value.replace("+", "\n+") if isinstance(value, str) else f"{value:g}" for value in values.value]
    axes.set_xticks(range(len(values)), labels)
    axes.set_xlabel(TITLES.get(setting, setting))
