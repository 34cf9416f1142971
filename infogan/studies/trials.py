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
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from infogan import events, records
from infogan.errors import DISK_FULL, is_out_of_memory
from infogan.studies import storage
from infogan.studies.retry import given_up, not_continued, previous, queue_again

Objective = Callable[[Trial, Any], float | Sequence[float]]


class Duplicate(Exception):
    """The trial repeats one that another worker trains or has trained; raised by an objective or by run_trials."""


def run_trials(
    study: Study,
    objective: Objective,
    enough: Callable[[list[FrozenTrial]], bool],
    before_each: Callable[[int], None] = lambda count: None,
) -> None:
    """Run trials until enough(trials), and until no other worker has a trial running.

    objective(trial, run): trains and returns the trial's value. `run` names the training, however often its trial was
        queued again: the number of the first of its trials, or the name it was queued with.
    enough: receives the study's trials without duplicates and without those that a later trial continues.
    before_each(count): called before each trial with the number of trials in the study.
    """
    _Loop(study, objective, enough, before_each).run()


class _Loop:
    def __init__(self, study: Study, objective: Objective, enough: Callable, before_each: Callable):
        self.study, self.objective, self.enough, self.before_each = study, objective, enough, before_each

    def run(self) -> None:
        while True:
            trials = not_continued(self.study.get_trials(deepcopy=False))
            handed_back = any(t.state == TrialState.WAITING and previous(t) is not None for t in trials)
            if handed_back or not self.enough(trials):
                self._run_one()
            elif any(t.state == TrialState.RUNNING for t in trials):
                optuna.storages.fail_stale_trials(self.study)
                time.sleep(1)
            elif lost := lost_trials(trials):
                for trial in lost:
                    queue_again(self.study, trial, died=True)
            else:
                return

    def _run_one(self) -> None:
        self.before_each(len(self.study.get_trials(deepcopy=False)))
        try:
            self.study.optimize(self._train, n_trials=1, catch=(Exception,))
        except (ValueError, AssertionError, UpdateFinishedTrialError) as error:
            # This process was stopped or cut off for so long that it counted as dead, and its trial was queued again.
            text = f"a trial was taken over by another worker ({error}); going on with the next"
            print(text, file=sys.stderr, flush=True)

    def _train(self, trial: Trial) -> float | Sequence[float]:
        run = trial.user_attrs.get("run", trial.number)
        trial.set_user_attr("run", run)
        try:
            self._refuse_duplicate(trial, run)
            value = self._train_when_unlocked(trial, run)
        except Duplicate:
            trial.set_user_attr("duplicate", True)
            raise
        except (optuna.TrialPruned, UpdateFinishedTrialError):
            raise
        except events.Interrupted:
            self._hand_back(trial)
            raise
        except Exception as error:
            self._record_error(trial, error)
            raise
        if self._stored(trial).state != TrialState.RUNNING:
            raise UpdateFinishedTrialError("it no longer belongs to this worker")
        return value

    def _refuse_duplicate(self, trial: Trial, run: int | str) -> None:
        """Two workers may queue one training again at the same moment; the later of the two trials is dropped."""
        same = [t for t in self.study.get_trials(deepcopy=False) if t.user_attrs.get("run") == run]
        if any(t.number < trial.number and t.state != TrialState.FAIL for t in same):
            raise Duplicate

    def _train_when_unlocked(self, trial: Trial, run: int | str) -> float | Sequence[float]:
        """Train; where another process holds the run directory, wait for it.

        It counted as dead and is alive. Its result will be in the directory.
        """
        waited = False
        while True:
            try:
                return self.objective(trial, run)
            except records.Locked as error:
                if not waited:
                    print(f"{error}; waiting for it", file=sys.stderr, flush=True)
                waited = True
                time.sleep(storage.HEARTBEAT)

    def _hand_back(self, trial: Trial) -> None:
        """Queue the trial again.

        Not where another worker has done so; nor where the database is on the full disk: there the heartbeat stops, and
        another worker queues the trial.
        """
        with contextlib.suppress(UpdateFinishedTrialError, StorageInternalError):
            stored = self._stored(trial)
            if self.study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL):
                queue_again(self.study, stored, died=False)

    def _record_error(self, trial: Trial, error: Exception) -> None:
        """Raises SystemExit where the disk is full, TrialPruned where memory ran out."""
        if is_disk_full(error):
            self._hand_back(trial)
            reason = str(error.__cause__ or error).splitlines()[0]
            raise SystemExit(
                f"error: {reason}: make room, then start the same command again; its trial goes on from its checkpoint"
            ) from error
        trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:1000])
        if is_out_of_memory(error):
            raise optuna.TrialPruned from error

    def _stored(self, trial: Trial) -> FrozenTrial:
        return self.study._storage.get_trial(trial._trial_id)


def lost_trials(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Failed trials that nobody queued again: their process died, and then the process that was about to queue them."""
    others = {t.user_attrs.get("run", t.number) for t in trials if t.state != TrialState.FAIL}
    failed = [t for t in trials if t.state == TrialState.FAIL and not given_up(t)]
    return [t for t in failed if t.user_attrs.get("run", t.number) not in others]  # a failed job may be queued anew


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk of the run directory or of the database is full."""
    return (isinstance(error, OSError) and error.errno in DISK_FULL) or "disk is full" in str(error.__cause__ or error)
