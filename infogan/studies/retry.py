"""Trials that are queued again: those that lost their process, and those whose error may have been mended."""

import copy
from collections.abc import Iterable

from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from infogan.events import Diverged

DEATHS = 5
"""How often a trial is queued again after its process died; after one more death the trial is given up."""
RETRIES = 3
"""How often a trial that failed with an error is queued again, once at each start of the study's command."""


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
    if lost.user_attrs.pop("error", None):
        lost.user_attrs["retries"] = lost.user_attrs.get("retries", 0) + 1
    lost.user_attrs["handed_back"] = lost.user_attrs.get("handed_back", 0) + (not died)
    RetryHeartbeatStaleTrialCallback(max_retry=DEATHS + lost.user_attrs["handed_back"])(study, lost)


def queue_failed(study: Study) -> list[FrozenTrial]:
    """Queue the trials again that failed with an error, whose cause may have been mended since; returns them.

    Not those that failed RETRIES times more, nor those of a loss that was not finite: that is the configuration's own.
    """
    failed = [
        trial
        for trial in not_continued(study.get_trials(deepcopy=False))
        if trial.state == TrialState.FAIL
        and not trial.user_attrs.get("error", Diverged.__name__).startswith(Diverged.__name__)
        and trial.user_attrs.get("retries", 0) < RETRIES
    ]
    for trial in failed:
        queue_again(study, trial, died=False)
    return failed


def not_continued(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Without duplicates, and without those that a later trial continues."""
    own = [trial for trial in trials if "duplicate" not in trial.user_attrs]
    continued = {previous(trial) for trial in own}
    return [trial for trial in own if trial.number not in continued]


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
    """How many trials came to an end: those that are or will be tried again did not."""
    return sum(t.state in (TrialState.COMPLETE, TrialState.PRUNED) or given_up(t) for t in not_continued(trials))
