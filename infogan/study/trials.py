"""The loop of a worker: one trial of the study after another, until the study has enough.

A training is a run directory. A trial that loses its process, by a kill or by a signal, fails without an error; the
next worker that looks queues a copy, with the same `run`, which continues from the checkpoint in that directory.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import optuna
import tenacity
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from infogan import records
from infogan.study import storage
from infogan.utils import events
from infogan.utils.errors import DISK_FULL, is_out_of_memory

DEATHS = 5
"""How often a training is queued again after its process died; after one more death it is given up."""
RETRIES = 3
"""How often a training that failed with an error is queued again, once at each start of the study's command."""

Objective = Callable[[Trial, str], float | Sequence[float]]


def run_name(trial: FrozenTrial) -> str:
    """Of the run directory that a trial and its copies share; two trials of one point of a grid have the same."""
    return trial.user_attrs.get("run", f"{trial.system_attrs.get('grid_id', trial.number):04d}")


def trainings(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trial that stands for each training: the first that did not fail, else the last. No duplicates."""
    out: dict[str, FrozenTrial] = {}
    for trial in trials:
        name = run_name(trial)
        if "duplicate" not in trial.user_attrs and (name not in out or out[name].state == TrialState.FAIL):
            out[name] = trial
    return list(out.values())


def given_up(trial: FrozenTrial) -> bool:
    """Whether a trial failed for good: with an error, or by the death of its process once more than DEATHS."""
    attrs = trial.user_attrs
    died_too_often = "stopped" not in attrs and attrs.get("deaths", 0) >= DEATHS
    return trial.state == TrialState.FAIL and ("error" in attrs or died_too_often)


def count_done(trials: Iterable[FrozenTrial]) -> int:
    """How many trainings came to an end: those that are or will be tried again did not."""
    return sum(t.state in (TrialState.COMPLETE, TrialState.PRUNED) or given_up(t) for t in trainings(trials))


def queue_again(study: Study, trial: FrozenTrial) -> None:
    """Queue a copy of a failed trial; it continues in the same run directory, and counts `deaths` and `retries`."""
    attrs = {"deaths": 0, "retries": 0} | trial.user_attrs | {"run": run_name(trial)}
    if attrs.pop("error", None):
        attrs["retries"] += 1
    elif not attrs.pop("stopped", False):
        attrs["deaths"] += 1
    study.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=attrs,
            system_attrs=trial.system_attrs,
        )
    )


def queue_failed(study: Study) -> list[FrozenTrial]:
    """Queue the trials again that failed with an error, whose cause may have been corrected since; returns them.

    Not those that failed RETRIES times more, nor those of a loss that was not finite: that is the configuration's own.
    """
    diverged = events.Diverged.__name__
    failed = [
        trial
        for trial in trainings(study.get_trials(deepcopy=False))
        if trial.state == TrialState.FAIL
        and not trial.user_attrs.get("error", diverged).startswith(diverged)
        and trial.user_attrs.get("retries", 0) < RETRIES
    ]
    for trial in failed:
        queue_again(study, trial)
    return failed


def run_trials(
    study: Study,
    objective: Objective,
    wanted: int,
    before_each: Callable[[int], None] = lambda count: None,
    until: float = float("inf"),
) -> None:
    """Run trials until `wanted` are done or given up, and no other worker has a trial running.

    objective(trial, run): trains and returns the trial's value or values. `run` names the run directory.
    before_each(count): called before each trial with the number of trials in the study. until: time.monotonic() after
        which none begins.
    """
    while time.monotonic() <= until:
        every = study.get_trials(deepcopy=False)
        started = [t for t in trainings(every) if t.state != TrialState.WAITING or "deaths" in t.user_attrs]
        copy_waits = any(t.state == TrialState.WAITING and "deaths" in t.user_attrs for t in every)
        if lost := [t for t in started if t.state == TrialState.FAIL and not given_up(t)]:
            for trial in lost:
                queue_again(study, trial)
        elif len(started) < wanted or copy_waits:
            before_each(len(every))
            _run_one(study, objective)
        elif any(t.state == TrialState.RUNNING for t in started):
            optuna.storages.fail_stale_trials(study)
            time.sleep(1)
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
    trials = study.get_trials(deepcopy=False)
    run = run_name(trials[trial.number])
    trial.set_user_attr("run", run)
    # Two workers may queue one training, or take one point of a grid, at the same moment; the later one is dropped.
    if any(run_name(t) == run and t.state != TrialState.FAIL for t in trials[: trial.number]):
        trial.set_user_attr("duplicate", True)
        raise RuntimeError(f"another worker trains {run}, or has done so")
    try:
        return _train_when_unlocked(trial, run, objective)
    except (optuna.TrialPruned, UpdateFinishedTrialError):
        raise
    except events.Interrupted:
        _hand_back(study, trial)
        raise
    except Exception as error:
        if is_disk_full(error):
            _hand_back(study, trial)
            reason = str(error.__cause__ or error).splitlines()[0]
            raise SystemExit(
                f"error: {reason}: make room, then start the same command again; its trial goes on from its checkpoint"
            ) from error
        trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:1000])
        if is_out_of_memory(error):
            raise optuna.TrialPruned from error  # the sampler sees it, and learns to avoid such configurations
        raise


def _train_when_unlocked(trial: Trial, run: str, objective: Objective) -> float | Sequence[float]:
    """Train; where another process holds the run directory, wait for it.

    It counted as dead and is alive. Its result will be in the directory.
    """

    def say(state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1 and state.outcome:
            print(f"{state.outcome.exception()}; waiting for it", file=sys.stderr, flush=True)

    locked, pause = tenacity.retry_if_exception_type(records.Locked), tenacity.wait_fixed(storage.HEARTBEAT)
    return tenacity.Retrying(retry=locked, wait=pause, before_sleep=say)(objective, trial, run)


def _hand_back(study: Study, trial: Trial) -> None:
    """Fail the trial at once, marked as stopped, so that the next worker that looks queues it again.

    Not where another worker has done so; nor where the database is on the full disk: there the heartbeat stops.
    """
    with contextlib.suppress(UpdateFinishedTrialError, StorageInternalError):
        trial.set_user_attr("stopped", True)
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk of the run directory or of the database is full."""
    return (isinstance(error, OSError) and error.errno in DISK_FULL) or "disk is full" in str(error.__cause__ or error)
