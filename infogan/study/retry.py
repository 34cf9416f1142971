"""Trials that are queued again: those that lost their process, and those whose error may have been corrected."""

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

    died: the process was killed or crashed; false where it was stopped in order and handed the trial back, which does
    not count as a death. Optuna's callback makes the copy, and keeps and limits its history.
    """
    lost = copy.deepcopy(trial)  # the callback changes it
    lost.user_attrs.setdefault("run", run_name(trial))
    if lost.user_attrs.pop("error", None):
        lost.user_attrs["retries"] = lost.user_attrs.get("retries", 0) + 1
    lost.user_attrs["handed_back"] = lost.user_attrs.get("handed_back", 0) + (not died)
    RetryHeartbeatStaleTrialCallback(max_retry=DEATHS + lost.user_attrs["handed_back"])(study, lost)


def run_name(trial: FrozenTrial) -> str:
    """Of the run directory that a trial and the copies of it share; two trials of one point of a grid have the same."""
    return trial.user_attrs.get("run", f"{trial.system_attrs.get('grid_id', trial.number):04d}")


def queue_failed(study: Study) -> list[FrozenTrial]:
    """Queue the trials again that failed with an error, whose cause may have been corrected since; returns them.

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
    return (trial.system_attrs.get("retry_history") or [None])[-1]


def given_up(trial: FrozenTrial) -> bool:
    """Whether a trial failed for good: with an error, or by the death of its process once more than DEATHS."""
    deaths = len(trial.system_attrs.get("retry_history", [])) - trial.user_attrs.get("handed_back", 0)
    return trial.state == TrialState.FAIL and ("error" in trial.user_attrs or deaths >= DEATHS)


def lost(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Failed trials that nobody queued again: their process died, and then the process that was about to queue them."""
    others = {run_name(t) for t in trials if t.state != TrialState.FAIL}
    return [t for t in trials if t.state == TrialState.FAIL and not given_up(t) and run_name(t) not in others]


def count_done(trials: Iterable[FrozenTrial]) -> int:
    """How many trials came to an end: those that are or will be tried again did not."""
    return sum(t.state in (TrialState.COMPLETE, TrialState.PRUNED) or given_up(t) for t in not_continued(trials))
