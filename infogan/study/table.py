"""A study's trials as a table, read from its storage."""

from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from optuna.trial import TrialState

from infogan.study.objectives import MEASURES, Measure
from infogan.study.storage import as_input_error, open_storage, quiet_optuna
from infogan.utils.errors import InputError


def open_study(name_or_url: str | Path, name: str | None = None) -> optuna.Study:
    """The study of a name under studies/, of a folder, or of a storage's URL, where `name` says which of several.

    Nothing is made, and every trial has been read once. Raises InputError where there is no such study, or it cannot be
    read, or it is no sweep's.
    """
    quiet_optuna()
    url = str(name_or_url)
    if "://" not in url:
        folder = Path(url) if Path(url, "study.db").exists() else Path("studies") / url
        url = f"sqlite:///{folder / 'study.db'}"
    storage = open_storage(url, make=False)
    with as_input_error(url):
        names = optuna.get_all_study_names(storage)
        if name is None and len(names := [n for n in names if "-confirm-" not in n]) == 1:
            (name,) = names
        if name not in names:
            raise InputError(f"no study {name or ''!r} in that storage: give the name of one of {', '.join(names)}")
        study = optuna.load_study(study_name=name, storage=storage)
        study.get_trials(deepcopy=False)
    if "objective" not in study.user_attrs.get("settings", {}):
        raise InputError(f"study {study.study_name!r} is no sweep's of this version: give another study")
    return study


def measures(study: optuna.Study) -> tuple[Measure, ...]:
    """What the study optimises."""
    return tuple(MEASURES[name] for name in study.user_attrs["settings"]["objective"].split(","))


def searched(study: optuna.Study) -> list[str]:
    """The names of what it searches."""
    return list(study.user_attrs["settings"]["search"])


def table(study: optuna.Study) -> pd.DataFrame:
    """A row a trial; see infogan.study.load. A pruned trial has the last value it reported."""
    rows, names = [], [measure.name for measure in measures(study)]
    for trial in study.get_trials(deepcopy=False):
        reported, config = list(trial.intermediate_values.values()), trial.user_attrs.get("config", {})
        values = trial.values or [reported[-1] if reported else np.nan]
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                **dict(zip(names, [*values, *[np.nan] * len(names)])),
                "collapsed": "collapsed" in trial.user_attrs,
                **{name: trial.params.get(name) for name in searched(study)},
                "codes": config.get("codes"),
                "updates": config.get("updates"),
                "seconds": trial.duration.total_seconds() if trial.duration else np.nan,
                "images_per_second": trial.user_attrs.get("images_per_second", np.nan),
                "run_dir": trial.user_attrs.get("run_dir", ""),
                "source": trial.user_attrs.get("source", ""),
                "error": trial.user_attrs.get("error", ""),
            }
        )
    return pd.DataFrame(rows)


def confirmation(study: optuna.Study) -> pd.DataFrame:
    """A row for each run of the best configurations with a fresh seed: trial, seed, the study's measure, `collapsed`,
    and what was measured on test images as `test NAME`. Empty where there are none."""
    try:
        confirmed = optuna.load_study(study_name=study.user_attrs["confirmation"], storage=study._storage)
    except KeyError:  # it is named a moment before it is made
        return pd.DataFrame()
    rows = []
    for trial in confirmed.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        test = trial.user_attrs.get("test", {})
        rows.append(
            {
                **trial.params,
                measures(study)[0].name: trial.value,
                "collapsed": "collapsed" in trial.user_attrs,
                **{f"test {name}": value for name, value in test.items()},
            }
        )
    return pd.DataFrame(rows).sort_values(["trial", "seed"], ignore_index=True) if rows else pd.DataFrame()
