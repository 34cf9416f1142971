"""What each setting does to the accuracy: runs of a preset, and of the preset with one setting changed, over seeds.

Reads what `experiments/reproduce.py --vary` trained. Writes settings.csv (a row for each run), settings-values.csv (for
each value the mean over seeds, its difference from the preset's own value, and the p-value of that difference, adjusted
for the number of comparisons by Holm's method) and settings.png.

Example:
  python analysis/settings.py runs/digits-authors* --out analysis/results/digits-settings
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes
from scipy import stats

from infogan import records
from infogan.errors import InputError
from infogan.metrics.clustering import mean_interval
from infogan.presets import PRESETS, changed_fields
from infogan.reports import common, style

TITLES = {
    "lambda_categorical": "λ of the categorical codes",
    "lambda_continuous": "λ of the continuous codes",
    "codes": "latent codes",
    "batch_size": "batch size",
}
NEAR = 0.1  # images seen may differ by this share: a batch size cuts them to whole updates


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories of one dataset and one preset."""
    out: Path = Path("figures/settings")
    """Folder for the tables and the picture."""


def row(directory: Path) -> dict:
    """One run: which setting it changes (none: the preset itself), to what, and its accuracy on the test images.

    Raises InputError where it is not finished, has no accuracy, or changes more than one setting.
    """
    if not (directory / "evaluation.json").exists():
        raise InputError(f"there is no {directory / 'evaluation.json'}: give the directories of finished runs")
    config, result = records.read_config(directory), records.read_json(directory / "evaluation.json")
    changed = changed_fields(config)
    if len(changed) > 1 or "accuracy" not in result:
        raise InputError(
            f"{directory} changes {', '.join(changed) or 'nothing'}, and its accuracy is {result.get('accuracy')}: "
            "give runs on labelled data that change one setting at most"
        )
    [(setting, value)] = changed.items() or [("", "")]
    return {
        "run": directory.name,
        "dataset": Path(config.dataset).stem,
        "preset": config.preset,
        "precision": config.precision,
        "setting": setting,
        "value": value,
        "seed": config.seed,
        "images": config.images(config.updates),
        "accuracy": result["accuracy"],
        "majority_accuracy": result["majority_accuracy"],
        "commit": records.read_json(directory / "config.json").get("provenance", {}).get("commit", ""),
    }


def collect(directories: tuple[Path, ...]) -> pd.DataFrame:
    """A row for each run. Raises InputError where they are not comparable."""
    table = pd.DataFrame([row(directory) for directory in directories])
    for column in ("dataset", "preset", "precision"):
        if table[column].nunique() > 1:
            values = ", ".join(sorted(table[column].unique()))
            raise InputError(f"the runs differ in {column}, {values}: give those of one")
    least, most = table.images.min(), table.images.max()
    if least < (1 - NEAR) * most:
        raise InputError(f"the runs saw from {least:,} to {most:,} images: give those that saw equally many")
    if (again := table.duplicated(["setting", "value", "seed"])).any():
        raise InputError(f"{table.run[again].iloc[0]} repeats a seed: give each once")
    if (table.setting == "").sum() < 2 or table.setting.nunique() < 2:
        raise InputError(
            "give two runs or more of the preset itself, and runs that change a setting "
            "(experiments/reproduce.py --vary)"
        )
    return table


def by_value(table: pd.DataFrame) -> pd.DataFrame:
    """For each value of each setting, the preset's own among them: mean accuracy with its 95 % t interval over seeds.

    Also its difference from the preset with Welch's 95 % interval, and the p-value of that, adjusted by Holm's method.
    NaN for a single seed.
    """
    preset, lines = PRESETS[table.preset.iloc[0]][0], []
    itself = table[table.setting == ""]
    for setting, changed in table[table.setting != ""].groupby("setting", sort=False):
        groups: dict[Any, pd.DataFrame] = dict(iter(changed.groupby("value")))
        groups[getattr(preset, str(setting))] = itself
        numeric = not any(isinstance(value, str) for value in groups)
        for value in sorted(groups) if numeric else sorted(groups, key=lambda value: (len(value), value)):
            line = {"setting": setting, "value": value, "own": groups[value] is itself}
            lines.append(line | _of_value(groups[value], itself))
    values = pd.DataFrame(lines)
    if "p_holm" in values:
        values["p_holm"] = holm(values.p_holm)
    return values


def _of_value(group: pd.DataFrame, itself: pd.DataFrame) -> dict:
    """Numbers of the runs with one value; p_holm is not adjusted yet."""
    accuracy = group.accuracy
    mean, low, high = mean_interval(accuracy.tolist())
    line = {"seeds": len(accuracy), "accuracy": mean, "low": low, "high": high}
    line |= {"majority_accuracy": group.majority_accuracy.mean()}
    if group is itself or len(accuracy) < 2:
        return line
    test = stats.ttest_ind(accuracy, itself.accuracy, equal_var=False)
    interval = test.confidence_interval(0.95)
    return line | {
        "difference": mean - itself.accuracy.mean(),
        "difference_low": interval.low,
        "difference_high": interval.high,
        "p_holm": test.pvalue,
    }


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment (1979) of the p-values that are not NaN."""
    ascending = p.dropna().sort_values()
    return (ascending * np.arange(len(ascending), 0, -1)).cummax().clip(upper=1).reindex(p.index)


def draw(table: pd.DataFrame, values: pd.DataFrame, path: Path) -> None:
    """A panel for each setting: every run as a dot, means with their intervals, the preset's own value in orange."""
    settings = values.setting.unique()
    figure = style.new_figure(3.6 * len(settings), 3.8)
    for axes, setting in zip(figure.subplots(1, len(settings), sharey=True, squeeze=False)[0], settings):
        _draw_setting(axes, table, values[values.setting == setting].reset_index(drop=True), setting)
    figure.axes[0].set_ylabel("accuracy on test images (one-to-one)")
    about = table.iloc[0]
    figure.suptitle(
        f"{about.dataset}, preset {about.preset} (blue) with one setting changed, {about.images:,} images, "
        f"{about.precision}; bars: 95 % over seeds",
        fontsize=10,
    )
    figure.savefig(path, dpi=style.DPI)


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
    axes.set(xlabel=TITLES.get(setting, setting), ylim=(0, 1))


def main() -> None:
    """Write the tables and the picture, and print the table of values."""
    options = tyro.cli(Options, description=__doc__)
    if not options.runs:
        raise InputError("give run directories, such as runs/digits-authors*")
    table = collect(options.runs)
    values = by_value(table)
    options.out.mkdir(parents=True, exist_ok=True)
    records.write_atomic(options.out / "settings.csv", table.to_csv(index=False))
    records.write_atomic(options.out / "settings-values.csv", values.to_csv(index=False))
    draw(table, values, options.out / "settings.png")
    print(common.as_text(values, missing=""))
    print(f"wrote {options.out / 'settings.png'}, settings.csv and settings-values.csv")
