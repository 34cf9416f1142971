"""What each setting does to the accuracy: runs of a preset, and of the preset with one setting changed, over seeds.

Reads run directories, such as `infogan sweep --sampler grid` trains, and result folders (`infogan measure --out`).
What all runs change in the preset belongs to what the values are compared with.

Writes settings-values.csv (for each value the mean over seeds, its difference from the preset's own value by a mixed
model, p-values, and the difference that so many seeds can show) and settings.png.

Example:
  python analysis/settings.py runs/digits-authors* --out figures/digits-settings
"""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes
from scipy import stats

from infogan import records
from infogan.config.presets import PRESETS, changed_fields, describe
from infogan.metrics.clustering import mean_interval
from infogan.reports import common
from infogan.reports.runs import config_of, entropy_of, read_runs
from infogan.utils import style
from infogan.utils.errors import InputError

LEVEL, POWER = 0.05, 0.8
"""Two-sided level of a single comparison, and the probability with which a difference is to be found."""
WANTED = (0.05, 0.02)
"""Differences of the accuracy for which the docs state the number of seeds."""
NEAR = 0.1
"""Images seen may differ by this share: a batch size cuts them to whole updates."""
TITLES = {
    "lambda_categorical": "λ of the categorical codes",
    "lambda_continuous": "λ of the continuous codes",
    "codes": "latent codes",
    "batch_size": "batch size",
}


@dataclass(frozen=True)
class Options:
    """The command line."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories and result folders, of one dataset and one preset."""
    out: Path = Path("figures/settings")
    """Folder for the tables and the picture."""


def collect(paths: tuple[Path, ...]) -> pd.DataFrame:
    """The rows of `read_runs`, each with the setting that it changes (none: the preset itself) and its value, and
    bound_share, L_I / H(c) over the last tenth of the run.

    What all runs change belongs to what they are compared with. Raises InputError where they are not comparable.
    """
    runs = read_runs(paths)
    runs["dataset"] = [Path(name).stem for name in runs.dataset]
    for column in ("dataset", "preset", "precision"):
        if len(values := sorted(runs[column].unique())) > 1:
            raise InputError(f"the runs differ in {column}, {', '.join(values)}: give those of one")
    if (preset := runs.preset.iloc[0]) not in PRESETS:
        raise InputError(f"the runs have the preset {preset}; allowed: {', '.join(PRESETS)}")
    configs = [config_of(row) for _, row in runs.iterrows()]
    changed = [changed_fields(config) for config in configs]
    shared = set.intersection(*(set(one.items()) for one in changed))
    changed = [{name: value for name, value in one.items() if (name, value) not in shared} for one in changed]
    for run, accuracy, one in zip(runs.run, runs.accuracy, changed):
        if len(one) > 1:
            raise InputError(f"{run} changes {', '.join(one)}: give runs that change one setting at most")
        if pd.isna(accuracy):  # trials of a study do not look at the test images
            raise InputError(f"{run} has no test accuracy: `infogan measure --again` measures it, if there are labels")
    runs["setting"] = [next(iter(one), "") for one in changed]
    runs["value"] = [next(iter(one.values()), "") for one in changed]
    runs["recipe"] = describe(configs[0], *changed[0])
    if "info_categorical_nats_last_tenth" in runs:
        entropies = [entropy_of(config) or np.nan for config in configs]
        runs["bound_share"] = runs.info_categorical_nats_last_tenth / entropies
    least, most = runs.images.min(), runs.images.max()
    if least < (1 - NEAR) * most:
        raise InputError(f"the runs saw from {least:,} to {most:,} images: give those that saw equally many")
    if (again := runs.duplicated(["setting", "value", "seed"])).any():
        raise InputError(f"{runs.run[again].iloc[0]} repeats a seed: give each once")
    if (runs.setting == "").sum() < 2 or runs.setting.nunique() < 2:
        raise InputError(
            "give two runs or more of the preset itself, and runs that change a setting (infogan sweep --sampler grid)"
        )
    return runs


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each value of each setting, the preset's own among them.

    accuracy, low and high are the mean with its 95 % t interval over seeds. difference, with its bounds and p, is from
    the mixed model; p_holm is adjusted for the number of comparisons; p_welch_holm is the same of Welch's tests, which
    assume neither a common variance nor seeds with an intercept. detectable is the smallest difference that so many
    seeds find with probability 80 %. NaN for a single run; without these columns where no value has two runs.
    """
    preset, lines = PRESETS[table.preset.iloc[0]][0], []
    itself = table[table.setting == ""]
    for setting, changed in table[table.setting != ""].groupby("setting", sort=False):
        groups: dict[Any, pd.DataFrame] = dict(iter(changed.groupby("value")))
        groups[getattr(preset, str(setting))] = itself
        numeric = not any(isinstance(value, str) for value in groups)
        for value in sorted(groups) if numeric else sorted(groups, key=lambda value: (len(value), value)):
            line = {"setting": setting, "value": value, "own": groups[value] is itself}
            lines.append(line | summarise(groups[value], itself))
    values = pd.DataFrame(lines)
    if "detectable" not in values:
        return values
    values = values.merge(mixed_model(table), how="left", on=["setting", "value"])
    values["p_holm"] = holm(values.p)
    values["p_welch_holm"] = holm(values.pop("p_welch"))
    values["detectable"] = values.pop("detectable")  # the last column
    return values


def summarise(group: pd.DataFrame, itself: pd.DataFrame) -> dict[str, Any]:
    """Numbers of the runs with one value; p_welch is not adjusted. collapsed: in how many G has, of which none is left
    out."""
    mean, low, high = mean_interval(group.accuracy.tolist())
    line: dict[str, Any] = {"seeds": len(group), "collapsed": int(group.collapsed.eq(True).sum())}
    line |= {"accuracy": mean, "low": low, "high": high}
    line |= {name: group[name].mean() for name in ("majority_accuracy", "bound_share") if name in group}
    if group is itself or len(group) < 2:
        return line
    return line | {
        "detectable": detectable(len(group), len(itself), itself.accuracy.std()),
        "p_welch": stats.ttest_ind(group.accuracy, itself.accuracy, equal_var=False).pvalue,
    }


def mixed_model(table: pd.DataFrame) -> pd.DataFrame:
    """Differences from the preset, with bounds and p-values, of the values with two runs or more, one at least.

    accuracy ~ value + a random intercept of the seed, by restricted maximum likelihood. Seeds are a block where runs of
    one seed share what is drawn from it. Tests are Student's with runs less values as degrees of freedom, which is
    exact where the seeds' variance is zero.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    cells = table.groupby(["setting", "value"], sort=False)
    runs = table[cells.accuracy.transform("size") > 1]
    cell = runs.groupby(["setting", "value"], sort=False).ngroup()
    changed = runs[["setting", "value"]].assign(cell=cell)[runs.setting != ""].drop_duplicates()
    design = np.column_stack([np.ones(len(runs)), *(cell == one for one in changed.cell)]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance of zero is on the boundary
        # Gradient methods do not converge on that boundary; Nelder and Mead's does.
        fitted = MixedLM(runs.accuracy.to_numpy(), design, groups=runs.seed.to_numpy()).fit(method=["nm"])
        tested = fitted.t_test(np.eye(design.shape[1])[1:], use_t=True)
    low, high = tested.conf_int(LEVEL).T
    found = {"difference": tested.effect, "difference_low": low, "difference_high": high, "p": tested.pvalue}
    return changed.drop(columns="cell").assign(**found)


def detectable(seeds: int, others: int, sd: float) -> float:
    """The smallest difference of two means that so many seeds of each, of standard deviation sd, find with POWER at
    LEVEL."""
    from statsmodels.stats.power import TTestIndPower

    return float(sd * TTestIndPower().solve_power(nobs1=seeds, ratio=others / seeds, alpha=LEVEL, power=POWER))


def seeds_needed(difference: float, sd: float) -> int:
    """How many seeds of each of two values, of standard deviation sd, find a difference of their means with POWER."""
    from statsmodels.stats.power import TTestIndPower

    if difference >= detectable(2, 2, sd):  # the solver finds no number below 2
        return 2
    return math.ceil(TTestIndPower().solve_power(effect_size=difference / sd, alpha=LEVEL, power=POWER))


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment (1979) of the p-values that are not NaN."""
    from statsmodels.stats.multitest import multipletests

    known = p.dropna()
    return pd.Series(multipletests(known, method="holm")[1], known.index).reindex(p.index)


@style.drawing()
def draw(table: pd.DataFrame, values: pd.DataFrame, path: Path) -> None:
    """A panel for each setting: every run as a dot, as a cross where G has collapsed; means with their intervals; the
    preset's own value in blue."""
    settings = sorted(values.setting.unique(), key=[*TITLES, *values.setting].index)
    figure = style.new_figure(max(3.6 * len(settings), 5.4), 3.8)  # the title needs as much
    for axes, setting in zip(figure.subplots(1, len(settings), sharey=True, squeeze=False)[0], settings):
        _draw_setting(axes, table, values[values.setting == setting].reset_index(drop=True), setting)
    lowest = min(table.accuracy.min(), values.low.min()) - 0.02  # no dot lies on the edge
    figure.axes[0].set(ylabel="accuracy on test images (one-to-one)", ylim=(max(0, np.floor(10 * lowest) / 10), 1))
    about = table.iloc[0]
    compared = f"{about.dataset}, preset {about.recipe} (blue) with one setting changed"
    crosses = "; crosses: G has collapsed" * bool(table.collapsed.eq(True).any())
    runs = f"{about.images:,} images, {about.precision}; bars: 95 % over seeds{crosses}"
    figure.suptitle(f"{compared}\n{runs}", fontsize=10)
    with records.replacing(path) as file:
        style.save(figure, file)


def _draw_setting(axes: Axes, table: pd.DataFrame, values: pd.DataFrame, setting: str) -> None:
    for x, line in enumerate(values.itertuples()):
        mine = table.setting.eq("") if line.own else table.setting.eq(setting) & table.value.eq(line.value)
        colour, collapsed = style.BLUE if line.own else style.GREY, table.collapsed.eq(True)
        for marker, some in ((".", table.accuracy[mine & ~collapsed]), ("x", table.accuracy[mine & collapsed])):
            axes.plot([x] * len(some), some, marker, color=colour, alpha=0.5, markersize=5)
        bars = [[line.accuracy - line.low], [line.high - line.accuracy]]
        axes.errorbar(x + 0.15, line.accuracy, bars, fmt="o", color=colour, capsize=3)
    labels = [value.replace("+", "\n+") if isinstance(value, str) else f"{value:g}" for value in values.value]
    axes.set_xticks(range(len(values)), labels)
    axes.set_xlabel(TITLES.get(setting, setting))


def main() -> None:
    """Write the table and the picture, and print the table."""
    options = tyro.cli(Options, description=__doc__)
    runs = collect(options.runs)
    values = compare(runs)
    records.write_atomic(options.out / "settings-values.csv", values.to_csv(index=False))
    print(common.as_text(values, missing=""))
    draw(runs, values, options.out / "settings.png")
    print(f"wrote {options.out / 'settings.png'} and the table beside it")
