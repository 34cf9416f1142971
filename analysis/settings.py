"""What each setting does to the accuracy: runs of a preset, and of the preset with one setting changed, over seeds.

Reads what `experiments/reproduce.py --vary` trained. Writes settings.csv (a row for each run), settings-values.csv (for each value the
mean over seeds, its difference from the preset's own value, and Holm's p-value of that difference, which allows for how many are compared)
and settings.png.

Example:
  python analysis/settings.py runs/digits-authors* --out analysis/results/digits-settings
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from matplotlib.figure import Figure
from scipy import stats

from infogan import records
from infogan.cli import run_script
from infogan.config import InputError, from_dict
from infogan.metrics.clustering import mean_interval
from infogan.presets import PRESETS, changed_fields

TITLES = {
    "lambda_categorical": "λ of the categorical codes",
    "lambda_continuous": "λ of the continuous codes",
    "codes": "latent codes",
    "batch_size": "batch size",
}
NEAR = 0.1  # images seen may differ by this share: a batch size cuts them to whole updates


@dataclass(frozen=True)
class Options:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories of one dataset and one preset."""
    out: Path = Path("figures/settings")
    """Folder for the tables and the picture."""


def row(directory: Path) -> dict:
    """One run: which setting it changes (none: the preset itself), to what, and its accuracy on the test images."""
    if not (directory / "evaluation.json").exists():
        raise InputError(f"there is no {directory / 'evaluation.json'}: give the directories of finished runs")
    record, result = records.read_json(directory / "config.json"), records.read_json(directory / "evaluation.json")
    config = from_dict(record["config"])
    changed = changed_fields(config)
    if len(changed) > 1 or "accuracy" not in result:
        raise InputError(
            f"{directory} changes {', '.join(changed) or 'nothing'}, and its accuracy is {result.get('accuracy')}: give runs with a label that change one setting at most"
        )
    [(setting, value)] = changed.items() or [("", "")]
    return {
        "run": directory.name, "dataset": Path(config.dataset).stem, "preset": config.preset, "precision": config.precision, "setting": setting, "value": value,
        "seed": config.seed, "images": config.images(config.updates), "accuracy": result["accuracy"], "majority_accuracy": result["majority_accuracy"],
        "commit": record.get("provenance", {}).get("commit", ""),
    }  # fmt: skip


def collect(directories: tuple[Path, ...]) -> pd.DataFrame:
    """A row for each run. Raises InputError where they are not comparable."""
    table = pd.DataFrame([row(directory) for directory in directories])
    for column in ("dataset", "preset", "precision"):
        if table[column].nunique() > 1:
            raise InputError(
                f"the runs differ in {column}, {', '.join(sorted(table[column].unique()))}: give those of one"
            )
    if table.images.min() < (1 - NEAR) * table.images.max():
        raise InputError(
            f"the runs saw from {table.images.min():,} to {table.images.max():,} images: give those that saw equally many"
        )
    if table.duplicated(["setting", "value", "seed"]).any():
        raise InputError(
            f"{table.run[table.duplicated(['setting', 'value', 'seed'])].iloc[0]} repeats a seed: give each once"
        )
    if (table.setting == "").sum() < 2 or table.setting.nunique() < 2:
        raise InputError(
            "give two runs or more of the preset itself, and runs that change a setting (experiments/reproduce.py --vary)"
        )
    return table


def by_value(table: pd.DataFrame) -> pd.DataFrame:
    """For each value of each setting, the preset's own among them: mean accuracy with its 95 % t interval over seeds, its
    difference from the preset with Welch's 95 % interval, and Holm's p-value of that. NaN for a single seed."""
    itself, preset, lines = table[table.setting == ""], PRESETS[table.preset.iloc[0]][0], []
    for setting, changed in table[table.setting != ""].groupby("setting", sort=False):
        groups = {value: group for value, group in changed.groupby("value")} | {getattr(preset, setting): itself}
        numeric = not any(isinstance(value, str) for value in groups)
        for value in sorted(groups) if numeric else sorted(groups, key=lambda value: (len(value), value)):
            accuracy = groups[value].accuracy
            mean, low, high = mean_interval(accuracy.tolist())
            line = {"setting": setting, "value": value, "own": groups[value] is itself, "seeds": len(accuracy), "accuracy": mean, "low": low, "high": high,
                    "majority_accuracy": groups[value].majority_accuracy.mean()}  # fmt: skip
            if not line["own"] and len(accuracy) > 1:
                test = stats.ttest_ind(accuracy, itself.accuracy, equal_var=False)
                low, high = test.confidence_interval(0.95)
                line |= {
                    "difference": mean - itself.accuracy.mean(),
                    "difference_low": low,
                    "difference_high": high,
                    "p_holm": test.pvalue,
                }
            lines.append(line)
    values = pd.DataFrame(lines)
    if "p_holm" in values:
        values["p_holm"] = holm(values.p_holm)
    return values


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment (1979) of the p-values there are; NaN stays NaN."""
    ascending = p.dropna().sort_values()
    return (ascending * np.arange(len(ascending), 0, -1)).cummax().clip(upper=1).reindex(p.index)


def draw(table: pd.DataFrame, values: pd.DataFrame, path: Path) -> None:
    """A panel for each setting: every run as a dot, means with their intervals, the preset's own value in orange."""
    settings = values.setting.unique()
    figure = Figure(figsize=(3.6 * len(settings), 3.8), layout="constrained")
    for axes, setting in zip(figure.subplots(1, len(settings), sharey=True, squeeze=False)[0], settings):
        part = values[values.setting == setting].reset_index(drop=True)
        for x, line in part.iterrows():
            dots = (
                table[table.setting == ""]
                if line.own
                else table[(table.setting == setting) & (table.value == line.value)]
            )
            colour = "tab:orange" if line.own else "tab:blue"
            axes.plot([x] * len(dots), dots.accuracy, ".", color=colour, alpha=0.35)
            axes.errorbar(
                x + 0.15,
                line.accuracy,
                [[line.accuracy - line.low], [line.high - line.accuracy]],
                fmt="o",
                color=colour,
                capsize=3,
            )
        axes.set_xticks(
            range(len(part)),
            [f"{value:g}" if not isinstance(value, str) else value.replace("+", "\n+") for value in part.value],
        )
        axes.set(xlabel=TITLES.get(setting, setting), ylim=(0, 1))
        axes.grid(axis="y", alpha=0.3)
    figure.axes[0].set_ylabel("accuracy on test images (Hungarian)")
    about = table.iloc[0]
    figure.suptitle(
        f"{about.dataset}, preset {about.preset} (orange) with one setting changed, {about.images:,} images, {about.precision}; bars: 95 % over seeds",
        fontsize=10,
    )
    figure.savefig(path, dpi=130)


def main() -> None:
    options = tyro.cli(Options, description=__doc__)
    if not options.runs:
        raise InputError("give run directories, such as runs/digits-authors*")
    table = collect(options.runs)
    values = by_value(table)
    options.out.mkdir(parents=True, exist_ok=True)
    records.write_atomic(options.out / "settings.csv", table.to_csv(index=False))
    records.write_atomic(options.out / "settings-values.csv", values.to_csv(index=False))
    draw(table, values, options.out / "settings.png")
    print(values.to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    print(f"wrote {options.out / 'settings.png'}, settings.csv and settings-values.csv")


if __name__ == "__main__":
    run_script(main)
