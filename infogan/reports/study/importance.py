"""Importances of what a study searches (fANOVA), with intervals."""

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from infogan.metrics.clustering import mean_interval
from infogan.study.table import searched

FEWEST = 10
"""Trials; of fewer, the intervals of importances are too wide to say anything."""
HALVES, OF_AT_MOST = 40, 100
"""Random halves of the trials, for the intervals; of a longer study, halves of so many of its trials, whose intervals
are wider than those of the whole."""
TREES, TREES_OF_HALVES = 32, 16
"""Of fANOVA's random forest: seconds for any study."""


def importances(study: optuna.Study) -> pd.DataFrame:
    """fANOVA importances (Hutter et al. 2014): shares of the variance of the study's first measure.

    A pruned trial counts with its last value. Columns: parameter, importance, low, high, trials (their number). `low`
    and `high` bound the middle 95 % of the importances in random halves of the trials (delete-half jackknife, Shao & Wu
    1989). Empty for fewer than FEWEST trials, or where nothing varies.
    """
    counted = []
    for trial in study.get_trials(deepcopy=False):
        reported = trial.intermediate_values if trial.state == TrialState.PRUNED else {}
        values = trial.values or [reported[step] for step in (trial.last_step,) if step in reported]
        if values:
            params, distributions = trial.params, trial.distributions
            counted.append(optuna.create_trial(params=params, distributions=distributions, value=values[0]))
    names = _varying(searched(study), counted)
    columns = ["parameter", "importance", "low", "high", "trials"]
    if len(counted) < FEWEST or len({t.value for t in counted}) < 2 or not names:
        return pd.DataFrame(columns=columns)
    random = np.random.default_rng(0)
    half = (min(len(counted), OF_AT_MOST) + 1) // 2
    parts = ([counted[i] for i in random.permutation(len(counted))[:half]] for _ in range(HALVES))
    halves = pd.DataFrame([_fanova(part, names, TREES_OF_HALVES) for part in parts])
    whole = pd.Series(_fanova(counted, names, TREES)).sort_values(ascending=False)
    bounds = {"low": halves.quantile(0.025)[whole.index], "high": halves.quantile(0.975)[whole.index]}
    return pd.DataFrame({"parameter": whole.index, "importance": whole, **bounds, "trials": len(counted)})[columns]


def _varying(names: list[str], trials: list[FrozenTrial]) -> list[str]:
    return [name for name in names if len({t.params.get(name) for t in trials}) > 1]


def _fanova(trials: list[FrozenTrial], names: list[str], trees: int) -> dict[str, float]:
    """Importance of each parameter; 0 where it does not vary, and for all where the trials' value does not."""
    varying, out = _varying(names, trials), dict.fromkeys(names, 0.0)
    if varying and len({t.value for t in trials}) > 1:
        study = optuna.create_study(direction="maximize")
        study.add_trials(trials)
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=trees, seed=0)
        out |= optuna.importance.get_param_importances(study, evaluator=evaluator, params=varying)
    return out


def effects(trials: pd.DataFrame, measure: str, names: list[str]) -> pd.DataFrame:
    """The measure by each value of each parameter: parameter, value, mean, low, high, trials.

    Numbers of more than six values are in thirds of the trials. `low` and `high`: 95 % Student-t interval of the mean,
    missing where there are fewer than five trials. What else differs between the trials is averaged over, not held
    fixed.
    """
    rows = []
    for name in names:
        values = trials[name]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > 6:
            values = pd.qcut(values, 3, duplicates="drop").map(lambda part: f"{part.left:.3g} to {part.right:.3g}")
        for value, group in trials[measure].groupby(values, observed=True, sort=True):
            mean, low, high = mean_interval(list(group)) if len(group) > 4 else (group.mean(), np.nan, np.nan)
            rows.append([name, str(value), mean, low, high, len(group)])
    return pd.DataFrame(rows, columns=["parameter", "value", "mean", "low", "high", "trials"])
