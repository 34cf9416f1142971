"""The database of a study that many processes share: calls wait while it is away, and processes that died are found."""

import functools
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import optuna
import sqlalchemy.exc
import tenacity
from filelock import FileLock
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState

from infogan.errors import InputError
from infogan.records import mask_in, mask_url
from infogan.studies.retry import queue_again

HEARTBEAT = 5
"""Seconds between two heartbeats of a running trial."""
GRACE = 20
"""Seconds without a heartbeat after which a trial's process counts as dead."""
PATIENCE = 1800
"""Seconds for which calls to a database that is away are repeated."""

Class = TypeVar("Class", bound=type)


def quiet_optuna() -> None:
    """Silence Optuna's log of every trial (a worker prints its own line) and its notices of experimental features."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(url: str) -> "SharedStorage":
    """The storage at an SQLAlchemy URL; makes the tables of an empty database.

    Raises InputError where it cannot be opened; the message holds no password.
    """
    # Where two machines start at once, both make the tables of an empty database; the second attempt finds them made.
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_tables_exist),
        wait=tenacity.wait_random(0.1, 1),
        stop=tenacity.stop_after_attempt(8),
        reraise=True,
    )
    if url.rstrip("/") in ("sqlite:", "sqlite:///:memory:"):
        raise InputError(f"the storage {url} is in memory, and each process has its own: give sqlite:///FILE")
    try:
        return attempts(SharedStorage, url)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError, ValueError, KeyError) as error:
        reason = mask_in((str(error).splitlines() or [type(error).__name__])[0], url)
        raise InputError(f"cannot open the storage {mask_url(url)} ({reason}): check the URL") from None


def _tables_exist(error: BaseException) -> bool:
    return "already exists" in str(error) or isinstance(error, sqlalchemy.exc.IntegrityError)


def _repeated(method: Callable) -> Callable:
    """The method, repeated for up to PATIENCE seconds while the database is away."""

    @functools.wraps(method)
    def call(self: "SharedStorage", *arguments: Any, **named: Any) -> Any:
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._is_away),
            wait=tenacity.wait_random_exponential(max=10),
            stop=tenacity.stop_after_delay(PATIENCE),
            before_sleep=self._on_failed_attempt,
            reraise=True,
        )
        for attempt in attempts:
            with attempt:
                try:
                    return method(self, *arguments, **named)
                except UpdateFinishedTrialError:
                    if attempt.retry_state.attempt_number > 1:
                        return True  # an earlier attempt reached the database, and only its reply was lost
                    raise

    return call


def _repeating(cls: Class) -> Class:
    """Class decorator: _repeated for every method that calls the database."""
    public = [name for name, member in vars(BaseStorage).items() if callable(member) and not name.startswith("_")]
    private = ["_get_stale_trial_ids", "_create_new_trial", "_get_trials", "_set_trial_param"]
    for name in (*public, "record_heartbeat", *private):
        setattr(cls, name, _repeated(getattr(cls, name)))
    return cls


@_repeating
class SharedStorage(RDBStorage):
    """Optuna's relational storage with heartbeats, for processes that can die and a database that can be away."""

    def __init__(self, url: str):
        self._seen: dict[int, tuple[object, float]] = {}  # trial id: its heartbeat, and when this process first saw it
        sqlite = url.startswith("sqlite")
        super().__init__(
            url,
            engine_kwargs={"connect_args": {"timeout": 100}} if sqlite else {"pool_pre_ping": True},
            heartbeat_interval=HEARTBEAT,
            heartbeat_stale_trial_callback=functools.partial(queue_again, died=True),
        )

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """Optuna's; on SQLite one process at a time: without row locks, two that ask at once could get one trial."""
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return super().set_trial_state_values(trial_id, state, values)
        with FileLock(f"{self.engine.url.database}.lock"):
            return super().set_trial_state_values(trial_id, state, values)

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Running trials whose heartbeat has not changed for GRACE seconds of this process's clock.

        Optuna compares times in the database. After the database was away, every trial would look dead to the first
        process that asks; and a trial whose process died before its first heartbeat would run for ever.
        """
        now, before = time.monotonic(), self._seen
        self._seen = {
            trial: before[trial] if trial in before and before[trial][0] == beat else (beat, now)
            for trial, beat in self._heartbeats(study_id).items()
        }
        return [trial for trial, (_, since) in self._seen.items() if now - since > GRACE]

    def _heartbeats(self, study_id: int) -> dict[int, object]:
        """Trial id to its last heartbeat (None before the first), of the running trials."""
        beats = models.TrialHeartbeatModel
        with self.scoped_session() as session:
            rows = (
                session.query(models.TrialModel.trial_id, beats.heartbeat)
                .outerjoin(beats, beats.trial_id == models.TrialModel.trial_id)
                .filter(models.TrialModel.study_id == study_id, models.TrialModel.state == TrialState.RUNNING)
                .all()
            )
            session.rollback()
        return {trial: beat for trial, beat in rows}

    def _is_away(self, error: BaseException) -> bool:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        if self.engine.dialect.name == "sqlite":  # a file cannot be away; another process may lock it for long
            return isinstance(cause, sqlalchemy.exc.OperationalError) and "locked" in str(cause)
        return isinstance(cause, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError))

    def _on_failed_attempt(self, state: tenacity.RetryCallState) -> None:
        self._seen = {}  # while the database is away, no process can send heartbeats
        if state.attempt_number == 1 and state.outcome is not None:
            error = state.outcome.exception()
            reason = mask_in(str((error and error.__cause__) or error).strip().splitlines()[0], self.url)
            print(
                f"the study's database does not answer ({reason}): trying again for up to {PATIENCE // 60} minutes",
                file=sys.stderr,
                flush=True,
            )
