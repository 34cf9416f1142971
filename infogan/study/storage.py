"""The database of a study that many processes share: calls wait while it is away, and processes that died are found.

Every command opens a study's database here. What cannot be opened or read is an InputError, whatever the database
library made of it.
"""

import contextlib
import functools
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy.exc
import tenacity
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy.engine import make_url

from infogan.records import mask_in, mask_url
from infogan.utils.errors import InputError
from infogan.utils.locks import locked

HEARTBEAT, GRACE = 5, 20
"""Seconds between two heartbeats of a running trial, and without one after which its process counts as dead."""
PATIENCE = 1800
"""Seconds for which calls to a database that is away are repeated."""
CONNECTING, SILENCE = 10, 60
"""Seconds after which an attempt to reach a server counts as failed, and a reply of one as lost."""
PAUSE = 10
"""Seconds at most between two attempts."""


def quiet_optuna() -> None:
    """Silence Optuna's log of every trial (a worker prints its own line) and its notices of experimental features."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(url: str, patient: bool = False, make: bool = True) -> "SharedStorage":
    """The storage at an SQLAlchemy URL.

    patient: whether to wait up to PATIENCE seconds for a database that is away. make: whether to make the tables of an
    empty database.

    Raises InputError where it cannot be opened; the message holds no password.
    """
    if url.rstrip("/") in ("sqlite:", "sqlite:///:memory:"):
        raise InputError(f"the storage {url} is in memory, and each process has its own: give sqlite:///FILE")
    with as_input_error(url):
        if url.startswith("sqlite"):
            file = Path(make_url(url).database or "")
            if not make and not file.exists():
                raise InputError(f"there is no {file}: give a study's name, its folder, or its storage's URL")
            if make and not file.parent.is_dir():
                raise InputError(f"there is no folder {file.parent}: make it, or give another")
        return _retrying(url, PATIENCE if patient else 0)(SharedStorage, url, make)


@contextlib.contextmanager
def as_input_error(url: str) -> Iterator[None]:
    """Raise what a library says of the database at the URL as an InputError of one line, without its secrets."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # the rows of a damaged file raise any
        advice = "check the URL, and that its server runs or its file is whole"
        raise InputError(f"cannot open the storage {mask_url(url)} ({_reason(error, url)}): {advice}") from None


def _cause(error: BaseException) -> BaseException:
    return (error.__cause__ or error) if isinstance(error, StorageInternalError) else error


def _is_away(error: BaseException, url: str) -> bool:
    """Whether the error is of a database that does not answer now."""
    cause = _cause(error)
    if url.startswith("sqlite"):  # a file cannot be away; another process may lock it for long
        return isinstance(cause, sqlalchemy.exc.OperationalError) and "locked" in str(cause)
    away = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError, sqlalchemy.exc.PendingRollbackError)
    return isinstance(cause, away)  # the last where the connection broke in the middle of a transaction


def _reason(error: BaseException, url: str) -> str:
    """The first line of what the database library says, without secrets."""
    cause = _cause(error)
    return mask_in((str(cause).strip().splitlines() or [type(cause).__name__])[0], url)


def _retrying(url: str, seconds: float, on_failure: Callable[[], None] = lambda: None) -> tenacity.Retrying:
    """Repeats a call for so many seconds while the database is away, and says so on stderr after the first attempt.

    on_failure: called after each attempt that is repeated.
    """

    def error_of(state: tenacity.RetryCallState) -> BaseException | None:
        return state.outcome.exception() if state.outcome else None

    def again(state: tenacity.RetryCallState) -> bool:
        if (error := error_of(state)) is None:
            return False
        if isinstance(error, sqlalchemy.exc.DBAPIError) and ("exists" in str(error) or "unique" in str(error).lower()):
            return state.attempt_number < 8  # two machines made the tables at once; the next attempt finds them made
        return _is_away(error, url) and (state.seconds_since_start or 0) < seconds

    def before(state: tenacity.RetryCallState) -> None:
        on_failure()
        if state.attempt_number == 1 and (error := error_of(state)) and _is_away(error, url):
            text = f"the study's database does not answer ({_reason(error, url)}): trying again"
            print(f"{text} for up to {seconds / 60:.0f} minutes", file=sys.stderr, flush=True)

    return tenacity.Retrying(
        retry=again, wait=tenacity.wait_random_exponential(max=PAUSE), before_sleep=before, reraise=True
    )


def _repeated(method: Callable) -> Callable:
    """The method, repeated for up to PATIENCE seconds while the database is away; after that raises SystemExit."""

    @functools.wraps(method)
    def call(self: "SharedStorage", *arguments: Any, **named: Any) -> Any:
        def once() -> Any:
            try:
                return _within(SILENCE, self.url, functools.partial(method, self, *arguments, **named))
            except UpdateFinishedTrialError:
                if retrying.statistics.get("attempt_number", 1) > 1:
                    return True  # an earlier attempt reached the database, and only its reply was lost
                raise

        retrying = _retrying(self.url, PATIENCE, self.forget_heartbeats)
        try:
            return retrying(once)
        except Exception as error:
            if not _is_away(error, self.url):
                raise
            text = f"the study's database has not answered for {PATIENCE // 60} minutes"
            raise SystemExit(f"error: {text} ({_reason(error, self.url)}): start it, then the same command") from None

    return call


def _within(seconds: float, url: str, call: Callable[[], Any]) -> Any:
    """What the call returns or raises; where a server's reply does not come in time, the error of one that is away.

    No driver of PostgreSQL bounds its wait for a reply, and keepalives do not notice a server that is stopped.
    """
    if url.startswith("sqlite"):
        return call()
    reply: Future = Future()

    def run() -> None:
        try:
            reply.set_result(call())
        except BaseException as error:
            reply.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not wait([reply], seconds).done:
        raise sqlalchemy.exc.OperationalError("", {}, TimeoutError(f"no reply within {seconds} seconds"))
    return reply.result()


class SharedStorage(RDBStorage):
    """Optuna's relational storage with heartbeats, for processes that can die and a database that can be away."""

    def __init__(self, url: str, make: bool = True):
        """make: whether to make the tables of an empty database."""
        self._seen: dict[int, tuple[object, float]] = {}  # trial id: its heartbeat, and when this process first saw it
        options: dict[str, Any] = {"connect_args": {"timeout": 100}}
        if not url.startswith("sqlite"):
            options = {"connect_args": {"connect_timeout": CONNECTING}, "pool_pre_ping": True}
        super().__init__(url, engine_kwargs=options, heartbeat_interval=HEARTBEAT, skip_table_creation=not make)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """Optuna's; on SQLite one process at a time: without row locks, two that ask at once could get one trial."""
        if self.engine.dialect.name != "sqlite":
            return super().set_trial_state_values(trial_id, state, values)
        with locked(f"{self.engine.url.database}.lock"):
            return super().set_trial_state_values(trial_id, state, values)

    def forget_heartbeats(self) -> None:
        """While the database is away, no process can send any: nobody counts as dead until GRACE seconds later."""
        self._seen = {}

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Running trials whose heartbeat has not changed for GRACE seconds of this process's clock.

        Optuna compares times in the database. After the database was away, every trial would look dead to the first
        process that asks; and a trial whose process died before its first heartbeat would run for ever.
        """
        beats, now, before = models.TrialHeartbeatModel, time.monotonic(), self._seen
        with self.scoped_session() as session:
            rows = (
                session.query(models.TrialModel.trial_id, beats.heartbeat)
                .outerjoin(beats, beats.trial_id == models.TrialModel.trial_id)
                .filter(models.TrialModel.study_id == study_id, models.TrialModel.state == TrialState.RUNNING)
                .all()
            )
            session.rollback()
        self._seen = {
            trial: before[trial] if trial in before and before[trial][0] == beat else (beat, now)
            for trial, beat in rows
        }
        return [trial for trial, (_, since) in self._seen.items() if now - since > GRACE]


_PRIVATE = ("_get_stale_trial_ids", "_create_new_trial", "_get_trials", "_set_trial_param")
for _name in [name for name in vars(BaseStorage) if not name.startswith("_")] + ["record_heartbeat", *_PRIVATE]:
    setattr(SharedStorage, _name, _repeated(getattr(SharedStorage, _name)))
