"""A list of named jobs as an Optuna study: each is trained once, by whichever worker is free."""

import contextlib
import hashlib
import sys
import time
from collections.abc import Callable, Mapping

import optuna
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from infogan import records
from infogan.studies import storage as storages
from infogan.studies.trials import Duplicate, run_trials


def grid_name(prefix: str, jobs: Mapping[str, object]) -> str:
    """Name of the study of these jobs (name to configuration): another configuration gives another study."""
    return f"{prefix}-{hashlib.sha256(repr(sorted(jobs.items())).encode()).hexdigest()[:8]}"


def run_grid(storage: BaseStorage, name: str, jobs: Mapping[str, object], train: Callable[[Trial, str], float]) -> None:
    """Train every job once, together with all others that call this with the same arguments.

    name: of the study, see grid_name. Each job is a trial of it, with the job's name as its user attribute `run`.
    train(trial, job): trains and returns the trial's value. A job whose training raises an error is not tried again.
    """

    def objective(trial: Trial, job: str) -> float:
        if job not in jobs:  # asked for a trial when another worker had just taken the last job: a new, empty one
            raise Duplicate
        try:
            return train(trial, job)
        except records.Locked:  # run_trials waits
            raise
        except Exception as error:
            print(f"{job} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            raise

    study = _make_or_join(storage, name, jobs)
    while True:
        run_trials(study, objective, enough=lambda trials: all(t.state != TrialState.WAITING for t in trials))
        if not _queue_missing(study, jobs):  # some are missing where the process that made the study died
            return


def _make_or_join(storage: BaseStorage, name: str, jobs: Mapping[str, object]) -> Study:
    """The study; of all processes that start at once, one makes it and queues the jobs."""
    try:
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=name)
        deadline = time.monotonic() + storages.GRACE
        while len(study.get_trials(deepcopy=False)) < len(jobs) and time.monotonic() < deadline:
            time.sleep(0.2)  # the process that made it is still queueing
    else:
        _queue_missing(study, jobs)
    return study


def _queue_missing(study: Study, jobs: Mapping[str, object]) -> bool:
    """Queue the jobs that no trial has; returns whether there were any."""
    known = {trial.user_attrs.get("run") for trial in study.get_trials(deepcopy=False)}
    missing = [job for job in jobs if job not in known]
    for job in missing:
        study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={"run": job}))
    return bool(missing)


def queue_failed(storage: BaseStorage, name: str) -> None:
    """Queue the failed jobs of the study again, if there is such a study: their cause may have been mended."""
    with contextlib.suppress(KeyError):
        study = optuna.load_study(storage=storage, study_name=name)
        for job in failed_jobs(study):
            study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={"run": job}))


def failed_jobs(study: Study) -> list[str]:
    """Jobs all of whose trials failed."""
    states: dict[str, set[TrialState]] = {}
    for trial in study.get_trials(deepcopy=False):
        if "duplicate" not in trial.user_attrs:
            states.setdefault(trial.user_attrs["run"], set()).add(trial.state)
    return [job for job, of_job in states.items() if of_job == {TrialState.FAIL}]
