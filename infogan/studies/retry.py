"""Trials that lost their process: queued again, until their process has died too often."""

import copy
from collections.abc import Iterable

from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

DEATHS = 5
"""How often a trial is queued again after its process died; after one more death the trial is given up."""


def queue_again(study: Study, trial: FrozenTrial, died: bool) -> None:
    """Queue a copy of a trial that lost its process; it continues in the run directory of the first.

    died: the process was killed or crashed; false where it was stopped in order and handed the trial back.

    Optuna's callback makes the copy, and keeps and limits its history. With that alone, three faults remain:
    - a trial whose process is stopped in order would wait for its heartbeat to stop, and count as a death: run_trials
      calls this at once (test_sigterm_hands_a_trial_back_at_once);
    - a trial would be lost if the process that failed it died before the callback: trials.lost_trials finds it
      (test_a_trial_lost_between_two_deaths_is_found);
    - a trial that two workers queue at once would be trained twice: run_trials drops one
      (test_a_trial_queued_twice_is_trained_once).
    """
    lost = copy.deepcopy(trial)  # the callback changes it
    lost.user_attrs.setdefault("run", trial.number)
    lost.user_attrs["handed_back"] = lost.user_attrs.get("handed_back", 0) + (not died)
    RetryHeartbeatStaleTrialCallback(max_retry=DEATHS + lost.user_attrs["handed_back"])(study, lost)


def previous(trial: FrozenTrial) -> int | None:
    """Number of the trial that this one continues, if any."""
    history = _history(trial)
    return history[-1] if history else None


def deaths(trial: FrozenTrial) -> int:
    """How many processes died of the trials that this one continues."""
    return len(_history(trial)) - trial.user_attrs.get("handed_back", 0)


def _history(trial: FrozenTrial) -> list[int]:
    """As the callback's retry_history(trial), which warns at every call that it is experimental."""
    return trial.system_attrs.get("retry_history", [])


def given_up(trial: FrozenTrial) -> bool:
    """Whether a trial failed for good: with an error, or by the death of its process once more than DEATHS."""
    return trial.state == TrialState.FAIL and ("error" in trial.user_attrs or deaths(trial) >= DEATHS)


def count_done(trials: Iterable[FrozenTrial]) -> int:
    """How many trials came to an end: those that will be tried again did not."""
    return sum(t.state in (TrialState.COMPLETE, TrialState.PRUNED) or given_up(t) for t in trials)
