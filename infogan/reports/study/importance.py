"""Importances of a study's parameters (fANOVA), with intervals."""

import hashlib
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from infogan import records
from infogan.reports.study.trials import PARAMETERS

HINT_BELOW = 30
"""Trials; of fewer, importances vary much."""
HALVES, OF_AT_MOST = 40, 100
"""Random halves of the trials, for the intervals; of a longer study, halves of so many of its trials, whose intervals
are wider than those of the whole."""
TREES, TREES_OF_HALVES = 32, 16
"""Of fANOVA's random forest: seconds for any study."""


def importances(study: optuna.Study, file: Path) -> pd.DataFrame:
    """What `computed` returns, from the CSV file where it has been written for the same trials, else to it."""
    trials = study.get_trials(deepcopy=False)
    content = repr([(t.number, t.state.name, t.values, t.intermediate_values, t.params) for t in trials])
    state = hashlib.sha256(content.encode()).hexdigest()[:12]
    if file.exists() and (known := pd.read_csv(file)).get("state", pd.Series(dtype=str)).eq(state).any():
        return known.drop(columns="state")
    values = computed(study)
    file.parent.mkdir(parents=True, exist_ok=True)
    records.write_atomic(file, values.assign(state=state).to_csv(index=False))
    return values


def computed(study: optuna.Study) -> pd.DataFrame:
    """fANOVA importances, shares of the variance of accuracy: first of the parameters that all trials have.

    Then, among the trials with continuous codes, also of lambda_continuous. A pruned trial counts with its last
    accuracy. Columns: parameter, importance, low, high, among, trials (their number). `low` and `high` bound the middle
    95 % of the importances in random halves of the trials (delete-half jackknife, Shao & Wu 1989).
    """
    trials = study.get_trials(deepcopy=False)
    begun = [t for t in trials if t.values or (t.state == TrialState.PRUNED and t.intermediate_values)]
    common = [name for name in PARAMETERS if all(name in t.params for t in begun)]
    rows = []
    for among, names in (("all trials", common), ("with continuous codes", [*common, "lambda_continuous"])):
        counted = [_with_value(t) for t in begun if all(name in t.params for name in names)]
        varying = _varying(names, counted)
        if len(counted) < 4 or len({t.value for t in counted}) < 2 or not varying:
            continue
        random = np.random.default_rng(0)
        halves = pd.DataFrame([_of(_random_half(counted, random), varying, TREES_OF_HALVES) for _ in range(HALVES)])
        low, high = halves.quantile(0.025), halves.quantile(0.975)
        for name, value in sorted(_of(counted, varying, TREES).items(), key=lambda item: -item[1]):
            bounds = {"low": low[name], "high": high[name]}
            rows.append({"parameter": name, "importance": value, **bounds, "among": among, "trials": len(counted)})
    return pd.DataFrame(rows, columns=["parameter", "importance", "low", "high", "among", "trials"])


def _with_value(trial: FrozenTrial) -> FrozenTrial:
    """A finished trial with the same parameters; a pruned one gets its last accuracy as its value."""
    value = trial.values[0] if trial.values else trial.intermediate_values[max(trial.intermediate_values)]
    return optuna.create_trial(params=trial.params, distributions=trial.distributions, value=value)


def _random_half(trials: list[FrozenTrial], random: np.random.Generator) -> list[FrozenTrial]:
    half = (min(len(trials), OF_AT_MOST) + 1) // 2
    return [trials[i] for i in random.permutation(len(trials))[:half]]


def _varying(names: list[str], trials: list[FrozenTrial]) -> list[str]:
    return [name for name in names if len({t.params[name] for t in trials}) > 1]


def _of(trials: list[FrozenTrial], names: list[str], trees: int) -> dict[str, float]:
    """Importance of each parameter; 0 where it does not vary among the trials, and for all where accuracy does not."""
    varying, out = _varying(names, trials), dict.fromkeys(names, 0.0)
    if varying and len({t.value for t in trials}) > 1:
        study = optuna.create_study(direction="maximize")
        study.add_trials(trials)
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=trees, seed=0)
        out |= optuna.importance.get_param_importances(study, evaluator=evaluator, params=varying)
    return out
