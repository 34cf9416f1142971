"""The loop of a worker: one trial of the study after another, until the study has enough.

What can go wrong, and what happens then:

- the process of a trial dies: its heartbeat stops, another worker (or the next start) queues the trial again, and it
  continues from its checkpoint, up to retry.DEATHS times;
- a signal of events.SIGNALS or a full disk: the process itself queues the trial again, at once;
- the database is away: every call to it is repeated for up to storage.PATIENCE seconds;
- memory runs out: the trial counts as pruned, so that the sampler learns to avoid such configurations;
- any other error: the trial fails with the error in its record, and the study continues; the next start of its command
  queues the trial again, up to retry.RETRIES times, unless a loss was not finite.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Sequence

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from infogan import events, records
from infogan.errors import DISK_FULL, is_out_of_memory
from infogan.study import retry, storage

Objective = Callable[[Trial, str], float | Sequence[float]]


class Duplicate(Exception):
    """The trial repeats one that another worker trains or has trained."""


def run_trials(
    study: Study,
    objective: Objective,
    wanted: int,
    before_each: Callable[[int], None] = lambda count: None,
    until: float = float("inf"),
) -> None:
    """Run trials until `wanted` are done or given up, and no other worker has a trial running.

    objective(trial, run): trains and returns the trial's value or values. `run` names the run directory, the same
        however often the trial is queued again.
    before_each(count): called before each trial with the number of trials in the study. until: time.monotonic() after
        which none begins.
    """
    while True:
        trials = retry.not_continued(study.get_trials(deepcopy=False))
        started = [
            t for t in trials if t.state != TrialState.WAITING and (t.state != TrialState.FAIL or retry.given_up(t))
        ]
        handed_back = any(t.state == TrialState.WAITING and retry.previous(t) is not None for t in trials)
        if time.monotonic() > until:
            return
        if handed_back or len(started) < wanted:
            before_each(len(study.get_trials(deepcopy=False)))
            _run_one(study, objective)
        elif any(t.state == TrialState.RUNNING for t in trials):
            optuna.storages.fail_stale_trials(study)
            time.sleep(1)
        elif lost := retry.lost(trials):
            for trial in lost:
                retry.queue_again(study, trial, died=True)
        else:
            return


def _run_one(study: Study, objective: Objective) -> None:
    try:
        study.optimize(lambda trial: _train(study, trial, objective), n_trials=1, catch=(Exception,))
    except (ValueError, AssertionError, UpdateFinishedTrialError) as error:
        # This process was stopped or cut off for so long that it counted as dead, and its trial was queued again.
        text = f"a trial was taken over by another worker ({error}); going on with the next"
        print(text, file=sys.stderr, flush=True)


def _train(study: Study, trial: Trial, objective: Objective) -> float | Sequence[float]:
    run = retry.run_name(_stored(study, trial))
    trial.set_user_attr("run", run)
    try:
        _refuse_duplicate(study, trial, run)
        value = _train_when_unlocked(trial, run, objective)
    except Duplicate:
        trial.set_user_attr("duplicate", True)
        raise
    except (optuna.TrialPruned, UpdateFinishedTrialError):
        raise
    except events.Interrupted:
        _hand_back(study, trial)
        raise
    except Exception as error:
        _record_error(study, trial, error)
        raise
    if _stored(study, trial).state != TrialState.RUNNING:
        raise UpdateFinishedTrialError("it no longer belongs to this worker")
    return value


def _refuse_duplicate(study: Study, trial: Trial, run: str) -> None:
    """Two workers may queue one training, or take one point of a grid, at the same moment; the later one is dropped."""
    same = [t for t in study.get_trials(deepcopy=False) if retry.run_name(t) == run]
    if any(t.number < trial.number and t.state != TrialState.FAIL for t in same):
        raise Duplicate


def _train_when_unlocked(trial: Trial, run: str, objective: Objective) -> float | Sequence[float]:
    """Train; where another process holds the run directory, wait for it.

    It counted as dead and is alive. Its result will be in the directory.
    """
    waited = False
    while True:
        try:
            return objective(trial, run)
        except records.Locked as error:
            if not waited:
                print(f"{error}; waiting for it", file=sys.stderr, flush=True)
            waited = True
            time.sleep(storage.HEARTBEAT)


def _hand_back(study: Study, trial: Trial) -> None:
    """Queue the trial again.

    Not where another worker has done so; nor where the database is on the full disk: there the heartbeat stops, and
    another worker queues the trial.
    """
    with contextlib.suppress(UpdateFinishedTrialError, StorageInternalError):
        stored = _stored(study, trial)
        if study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL):
            retry.queue_again(study, stored, died=False)


def _record_error(study: Study, trial: Trial, error: Exception) -> None:
    """Raises SystemExit where the disk is full, TrialPruned where memory ran out."""
    if is_disk_full(error):
        _hand_back(study, trial)
        reason = str(error.__cause__ or error).splitlines()[0]
        raise SystemExit(
            f"error: {reason}: make room, then start the same command again; its trial goes on from its checkpoint"
        ) from error
    trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:1000])
    if is_out_of_memory(error):
        raise optuna.TrialPruned from error


def _stored(study: Study, trial: Trial) -> FrozenTrial:
    return study._storage.get_trial(trial._trial_id)


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk of the run directory or of the database is full."""
    return (isinstance(error, OSError) and error.errno in DISK_FULL) or "disk is full" in str(error.__cause__ or error)
