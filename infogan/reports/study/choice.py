"""The best configuration of a study, and how it is trained again."""

import shlex
from pathlib import Path

import optuna
import pandas as pd

from infogan.config import Config, from_dict
from infogan.config.presets import changed_fields
from infogan.metrics.clustering import mean_interval
from infogan.study.table import measures


def best(study: optuna.Study, trials: pd.DataFrame, confirmed: pd.DataFrame) -> dict | None:
    """Of a study of one measure: trial, its value, params and config; None where no trial was completed.

    Of those that were trained again with fresh seeds, the one with the best mean over them, which is
    `mean_of_fresh_seeds`; `test` has its test accuracies, and in how many of the seeds G has collapsed, whose accuracy
    is Q's alone. Without such seeds the best single trial, a sound one where there is any.
    """
    measure = measures(study)[0]
    sign = 1 if measure.direction == "maximize" else -1
    complete = trials[trials.state == "complete"]
    if complete.empty:
        return None
    if confirmed.empty:
        sound = complete[~complete.collapsed] if not complete.collapsed.all() else complete
        return _describe(study, int(sound.trial[(sign * sound[measure.name]).idxmax()]))
    groups = confirmed.groupby("trial")[measure.name]
    whole = groups.size() == groups.size().max()  # seeds that failed could leave a configuration its best ones only
    means = groups.mean()[whole]
    trial = int((sign * means).idxmax())
    rows = confirmed[confirmed.trial == trial]
    out = _describe(study, trial) | {"mean_of_fresh_seeds": float(means[trial]), "n_seeds": len(rows)}
    out["n_collapsed"] = int(rows.collapsed.sum())
    if "test accuracy" in rows:
        mean, low, high = mean_interval(list(rows["test accuracy"]))
        ci95 = [max(0.0, low), min(1.0, high)] if len(rows) > 1 else None
        out["test"] = {"accuracy_mean": mean, "ci95": ci95, "accuracies": list(rows["test accuracy"])}
    return out


def _describe(study: optuna.Study, number: int) -> dict:
    trial = study.trials[number]
    measure, config = measures(study)[0].name, trial.user_attrs["config"]
    return {"trial": number, "measure": measure, "value": trial.value, "params": trial.params, "config": config}


def train_command(config: Config | dict, run_dir: Path) -> str:
    """The command line that trains a stored configuration again."""
    made = config if isinstance(config, Config) else from_dict(config)
    values = {"dataset": made.dataset, "seed": made.seed, **changed_fields(made)}
    values |= {"updates": made.updates, "run_dir": str(run_dir)}
    options = (f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in values.items())
    return f"infogan train {shlex.quote(made.preset)} {' '.join(options)}"
