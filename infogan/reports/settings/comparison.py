"""Each value against the preset's own, by a mixed model over seeds; and what so many seeds can show."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from infogan.errors import InputError
from infogan.metrics.clustering import mean_interval
from infogan.presets import PRESETS, changed_fields, describe
from infogan.reports.runs import config_of, entropy_of, read_runs

LEVEL, POWER = 0.05, 0.8
"""Two-sided level of a single comparison, and the probability with which a difference is to be found."""
WANTED = (0.05, 0.02)
"""Differences of the accuracy for which the number of seeds is stated."""
NOTHING = 0.01
"""A standard deviation of seeds below this share of the residual one is an estimate of zero, up to rounding."""
NEAR = 0.1
"""Images seen may differ by this share: a batch size cuts them to whole updates."""


@dataclass(frozen=True)
class Model:
    """What the mixed model finds beside the differences. Standard deviations are of accuracies."""

    runs: int
    """Runs in the model: those of values with two runs or more."""
    seeds: int
    seed_sd: float
    """Standard deviation of the random intercept of a seed. Zero: seeds are no block effect, runs of one seed are no
    more alike than others, and the model is least squares."""
    residual_sd: float
    """Standard deviation of a run beside its value's mean and its seed's intercept, common to all values."""
    preset_sd: float
    """Standard deviation over the preset's own seeds: what the numbers of seeds and detectable differences rest on."""
    seeds_needed: dict[str, int]
    """Difference to seeds of each of two values with which it is found (two-sided level 5 %, power 80 %)."""


def collect(paths: tuple[Path, ...]) -> pd.DataFrame:
    """The rows of `read_runs`, each with the setting that it changes (none: the preset itself) and its value, and
    bound_share, L_I / H(c) over the last tenth of the run.

    What all runs change belongs to what they are compared with. Raises InputError where they are not comparable.
    """
    runs = read_runs(paths)
    runs["dataset"] = [Path(name).stem for name in runs.dataset]
    for column in ("dataset", "preset", "precision"):
        if runs[column].nunique() > 1:
            raise InputError(
                f"the runs differ in {column}, {', '.join(sorted(runs[column].unique()))}: give those of one"
            )
    if (preset := runs.preset.iloc[0]) not in PRESETS:
        raise InputError(f"the runs have the preset {preset}; allowed: {', '.join(PRESETS)}")
    configs = [config_of(row) for _, row in runs.iterrows()]
    changed = [changed_fields(config) for config in configs]
    shared = set.intersection(*(set(one.items()) for one in changed))
    changed = [{name: value for name, value in one.items() if (name, value) not in shared} for one in changed]
    for run, accuracy, one in zip(runs.run, runs.accuracy, changed):
        if len(one) > 1 or pd.isna(accuracy):
            raise InputError(
                f"{run} changes {', '.join(one) or 'nothing'}, and its accuracy is {accuracy}: give finished runs on "
                "labelled data that change one setting at most"
            )
    runs["setting"] = [next(iter(one), "") for one in changed]
    runs["value"] = [next(iter(one.values()), "") for one in changed]
    runs["recipe"] = describe(configs[0], *changed[0])
    entropies = pd.Series([entropy_of(config) or np.nan for config in configs])
    runs["bound_share"] = runs.get("info_categorical_nats_last_tenth", np.nan) / entropies
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


def compare(table: pd.DataFrame) -> tuple[pd.DataFrame, Model | None]:
    """A row for each value of each setting, the preset's own among them; and the model, if a value has two runs.

    accuracy, low and high are the mean with its 95 % t interval over seeds. difference, with its bounds and p, is from
    the mixed model; p_holm is adjusted for the number of comparisons; p_welch_holm is the same of Welch's tests, which
    assume neither a common variance nor seeds with an intercept. detectable is the smallest difference that so many
    seeds find with probability 80 %. NaN for a single run.
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
        return values, None
    differences, model = mixed_model(table)
    values = values.merge(differences, how="left", on=["setting", "value"])
    values["p_holm"] = holm(values.p)
    values["p_welch_holm"] = holm(values.pop("p_welch"))
    values["detectable"] = values.pop("detectable")  # the last column
    return values, model


def summarise(group: pd.DataFrame, itself: pd.DataFrame) -> dict[str, Any]:
    """Numbers of the runs with one value; p_welch is not adjusted."""
    mean, low, high = mean_interval(group.accuracy.tolist())
    line = {"seeds": len(group), "accuracy": mean, "low": low, "high": high}
    line |= {name: group[name].mean() for name in ("majority_accuracy", "bound_share") if name in group}
    if group is itself or len(group) < 2:
        return line
    return line | {
        "detectable": detectable(len(group), len(itself), itself.accuracy.std()),
        "p_welch": stats.ttest_ind(group.accuracy, itself.accuracy, equal_var=False).pvalue,
    }


def mixed_model(table: pd.DataFrame) -> tuple[pd.DataFrame, Model]:
    """Differences from the preset, with bounds and p-values, of the values with two runs or more; and the model.

    There is at least one such value.

    accuracy ~ value + a random intercept of the seed, by restricted maximum likelihood. Seeds are a block where runs of
    one seed share what is drawn from it. Tests are Student's with runs less values as degrees of freedom, which is
    exact where the seeds' variance is zero.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    cells = table.groupby(["setting", "value"], sort=False)
    runs = table[cells.accuracy.transform("size") > 1]
    cell = runs.groupby(["setting", "value"], sort=False).ngroup()
    changed = runs[["setting", "value"]].assign(cell=cell)[runs.setting != ""].drop_duplicates()
    own = table[table.setting == ""].accuracy.std()
    design = np.column_stack([np.ones(len(runs)), *(cell == one for one in changed.cell)]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance of zero is on the boundary, which the model's spread says
        # Gradient methods do not converge on that boundary; Nelder and Mead's does.
        fitted = MixedLM(runs.accuracy.to_numpy(), design, groups=runs.seed.to_numpy()).fit(method=["nm"])
        tested = fitted.t_test(np.eye(design.shape[1])[1:], use_t=True)
    low, high = tested.conf_int(LEVEL).T
    differences = changed.drop(columns="cell").assign(
        difference=tested.effect, difference_low=low, difference_high=high, p=tested.pvalue
    )
    between, within = float(fitted.cov_re[0, 0]) ** 0.5, float(fitted.scale) ** 0.5
    between = 0.0 if between < NOTHING * within else between
    needed = {f"{size:g}": seeds_needed(size, own) for size in WANTED}
    return differences, Model(len(runs), runs.seed.nunique(), between, within, own, needed)


def detectable(seeds: int, others: int, sd: float, level: float = LEVEL) -> float:
    """The smallest difference of two means that so many seeds of each, of standard deviation sd, find with POWER at a
    two-sided level."""
    from statsmodels.stats.power import TTestIndPower

    return float(sd * TTestIndPower().solve_power(nobs1=seeds, ratio=others / seeds, alpha=level, power=POWER))


def seeds_needed(difference: float, sd: float) -> int:
    """How many seeds of each of two values, of standard deviation sd, find a difference of their means with POWER."""
    from statsmodels.stats.power import TTestIndPower

    if difference >= detectable(2, 2, sd):  # the solver finds no number below 2
        return 2
    return math.ceil(TTestIndPower().solve_power(effect_size=difference / sd, alpha=LEVEL, power=POWER))


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment (1979) of the p-values that are not NaN."""
    ascending = p.dropna().sort_values()
    return (ascending * np.arange(len(ascending), 0, -1)).cummax().clip(upper=1).reindex(p.index)
