"""A study's trials as tables: all of them, the confirmation with fresh seeds, and the best configuration."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import tyro
from optuna.trial import TrialState

from infogan.config import from_dict
from infogan.errors import InputError
from infogan.metrics.clustering import MEASURES, mean_interval
from infogan.presets import changed_fields
from infogan.studies.storage import quiet_optuna, read_study

ACCURACY, DISTANCE = "validation accuracy", "Fréchet distance"
"""Columns of the tables: the values of a trial."""
SHOWN = ["trial", "state", "generator", ACCURACY, "recipe", "codes", "noise", "lambda_categorical", "lambda_continuous"]
SHOWN += ["batch_size", "seconds"]
"""The columns that a reader is shown; trials.csv has all."""
PARAMETERS = (
    "recipe",
    "categorical_codes",
    "categories",
    "continuous_codes",
    "noise",
    "lambda_categorical",
    "lambda_continuous",
    "batch_size",
)


@dataclass(frozen=True)
class Options:
    """The command line."""

    folder: tyro.conf.Positional[Path]
    """The study's folder, studies/NAME; the report goes to its folder report/."""
    storage: str | None = None
    """Optuna storage URL. Default: sqlite:///FOLDER/study.db."""
    study: str | None = None
    """Name of the study. Default: the folder's name."""


def open_study(options: Options) -> optuna.Study:
    """Raises InputError where there is no such study, or it cannot be read, or it is no sweep's."""
    quiet_optuna()
    file, name = options.folder / "study.db", options.study or options.folder.name
    if options.storage is None and not file.exists():
        raise InputError(f"there is no {file}: give a study's folder, such as studies/digits, or --storage")
    study = read_study(options.storage or f"sqlite:///{file}", name)
    if "settings" not in study.user_attrs:
        raise InputError(f"study {name!r} is no sweep's, which this reports of: give --study")
    if not study.get_trials(deepcopy=False):
        raise InputError(f"study {name!r} has no trials yet: there is nothing to report")
    return study


def table(study: optuna.Study) -> pd.DataFrame:
    """A row for each trial: state, last validation accuracy, parameters, codes, speed, run directory."""
    rows = []
    for trial in study.get_trials(deepcopy=False):
        reported, config = list(trial.intermediate_values.values()), trial.user_attrs.get("config", {})
        accuracy, *distance = trial.values or [reported[-1] if reported else np.nan]
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                ACCURACY: accuracy,  # 0 where G has collapsed
                **({DISTANCE: distance[0]} if distance else {}),
                "codes": config.get("codes"),
                **{name: trial.params.get(name) for name in PARAMETERS},
                "updates": config.get("updates"),
                "images_per_second": trial.user_attrs.get("images_per_second"),
                "seconds": trial.duration.total_seconds() if trial.duration else None,
                "source": trial.user_attrs.get("source", ""),
                "run_dir": trial.user_attrs.get("run_dir"),
                "generator": "collapsed" if "collapsed" in trial.user_attrs else "",
                "error": trial.user_attrs.get("error", ""),
            }
        )
    return pd.DataFrame(rows)


def confirmation(study: optuna.Study) -> pd.DataFrame:
    """A row for each run of the best configurations with a fresh seed; empty where there are none."""
    try:
        confirmed = optuna.load_study(study_name=study.user_attrs["confirmation"], storage=study._storage)
    except KeyError:  # it is named a moment before it is made
        return pd.DataFrame()
    rows = []
    for trial in confirmed.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        of, seed = trial.user_attrs["run"].split("/seed")
        test = {f"test {name}": value for name, value in trial.user_attrs["test"].items() if name in MEASURES}
        collapsed = {"collapsed": bool(trial.user_attrs["test"].get("collapsed"))}
        rows.append(
            {"trial": int(of.removeprefix("trial-")), "seed": int(seed), ACCURACY: trial.value, **test, **collapsed}
        )
    return pd.DataFrame(rows)


def best(study: optuna.Study, confirmed: pd.DataFrame) -> dict:
    """The best configuration: trial, validation_accuracy, params and config.

    Of those that were trained again with fresh seeds, the one with the best mean validation accuracy over them, which
    is validation_accuracy_fresh_seeds; `test` has its test accuracies, and in how many of the seeds G has collapsed,
    whose accuracy is Q's alone. Without such seeds the best single trial.
    """
    if confirmed.empty:
        return _of_trial(study.best_trial)
    groups = confirmed.groupby("trial")[ACCURACY]
    whole = groups.size() == groups.size().max()  # seeds that failed could leave a configuration its best ones only
    means = groups.mean()[whole]
    trial = study.trials[int(means.index.to_numpy()[means.argmax()])]
    of_winner = confirmed[confirmed.trial == trial.number].sort_values("seed")
    accuracies = list(of_winner["test accuracy"])
    mean, low, high = mean_interval(accuracies)
    test = {
        "accuracy_mean": mean,
        "ci95": [max(0.0, low), min(1.0, high)],
        "n_seeds": len(accuracies),
        "accuracies": accuracies,
        "n_collapsed": int(of_winner.collapsed.sum()),
    }
    return _of_trial(trial) | {"validation_accuracy_fresh_seeds": float(means.max()), "test": test}


def _of_trial(trial: optuna.trial.FrozenTrial) -> dict:
    return {
        "trial": trial.number,
        "validation_accuracy": trial.value,
        "params": trial.params,
        "config": trial.user_attrs["config"],
    }


def train_command(config: dict, run_dir: Path) -> str:
    """The command line that trains a stored configuration again."""
    made = from_dict(config)
    values = {
        "dataset": made.dataset,
        **changed_fields(made),
        "updates": made.updates,
        "run_dir": str(run_dir),
    }
    options = (f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in values.items())
    return f"infogan train {shlex.quote(made.preset)} {' '.join(options)}"
