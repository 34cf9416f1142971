"""The database of a study that many processes share: calls wait while it is away, and processes that died are found.

Every command opens a study's database here. What cannot be opened or read is an InputError, whatever the database
library made of it.
"""

import contextlib
import functools
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import optuna
import sqlalchemy.exc
import tenacity
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy.engine import make_url

from infogan.errors import InputError
from infogan.locks import locked
from infogan.records import mask_in, mask_url
from infogan.studies.launchers import DATABASE_REACHED
from infogan.studies.retry import queue_again

HEARTBEAT = 5
"""Seconds between two heartbeats of a running trial."""
GRACE = 20
"""Seconds without a heartbeat after which a trial's process counts as dead."""
PATIENCE = 1800
"""Seconds for which calls to a database that is away are repeated."""
CONNECTING = 10
"""Seconds after which an attempt to reach a server counts as failed."""
DRIVERS = ("psycopg", "psycopg2", "pymysql", "mysqldb")
"""Those that know connect_timeout."""

Class = TypeVar("Class", bound=type)


def quiet_optuna() -> None:
    """Silence Optuna's log of every trial (a worker prints its own line) and its notices of experimental features."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(url: str, patient: bool | None = None, make: bool = True) -> "SharedStorage":
    """The storage at an SQLAlchemy URL.

    patient: whether to wait up to PATIENCE seconds for a database that is away, as a process does that was started by
        one which has reached it. Default: whether this command was.
    make: whether to make the tables of an empty database.

    Raises InputError where it cannot be opened; the message holds no password.
    """
    if url.rstrip("/") in ("sqlite:", "sqlite:///:memory:"):
        raise InputError(f"the storage {url} is in memory, and each process has its own: give sqlite:///FILE")
    patient = DATABASE_REACHED in os.environ if patient is None else patient

    def again(state: tenacity.RetryCallState) -> bool:
        if (error := _failure(state)) is None:
            return False
        if _tables_exist(error):  # two machines that start at once both make them; the next attempt finds them made
            return state.attempt_number < 8
        return patient and _is_away(error, url) and (state.seconds_since_start or 0) < PATIENCE

    attempts = tenacity.Retrying(
        retry=again,
        wait=tenacity.wait_random_exponential(max=10),
        before_sleep=lambda state: _say_away(state, url),
        reraise=True,
    )
    with as_input_error(url):
        if file := _file(url):
            _check_file(file, make)
        return attempts(SharedStorage, url, make)


def _check_file(file: Path, make: bool) -> None:
    """Raises InputError for an SQLite file that cannot hold a study. make: whether it may be new."""
    if str(file).startswith("file:"):
        raise InputError(f"{file} is a URI of SQLite: give sqlite:///PATH, of a path alone")
    if not make and not file.exists():
        raise InputError(f"there is no {file}: give the URL of a study's database")
    if make and not file.parent.is_dir():
        raise InputError(f"there is no folder {file.parent}: make it, or give another")
    if file.is_file() and file.stat().st_size:
        engine = sqlalchemy.create_engine(f"sqlite:///{file}")
        try:
            tables = sqlalchemy.inspect(engine).get_table_names()
        finally:
            engine.dispose()
        if tables and "studies" not in tables:
            raise InputError(f"{file} is a database of another program ({', '.join(tables[:3])}): give another file")


def read_study(url: str, name: str) -> optuna.Study:
    """A study, for a report: nothing is made, and every trial has been read once.

    Raises InputError where the storage cannot be opened or read, or has no such study.
    """
    storage = open_storage(url, make=False)
    with as_input_error(url):
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError as error:
            raise InputError(f"no study {name!r} in that storage: give --study") from error
        study.get_trials(deepcopy=False)
    return study


@contextlib.contextmanager
def as_input_error(url: str) -> Iterator[None]:
    """Raise what a library says of the database at the URL as an InputError of one line, without its secrets."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # the rows of a damaged file raise any
        reason = _reason(error, url)
        if "disk is full" in reason:
            mend = "make room, and the same command continues"
        elif isinstance(error, RuntimeError):  # Optuna's, of a schema of another version
            mend = "do so, or give another storage"
        elif url.startswith("sqlite"):
            mend = "check the URL; a damaged file has to be restored from a copy"
        else:
            mend = "check the URL, and that the server runs"
        raise InputError(f"cannot open the storage {mask_url(url)} ({reason}): {mend}") from None


def _file(url: str) -> Path | None:
    """Of SQLite."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _engine_arguments(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 100}}
    parsed = make_url(url)
    known = parsed.get_driver_name() in DRIVERS and "connect_timeout" not in parsed.query
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECTING} if known else {}}


def _cause(error: BaseException) -> BaseException:
    return (error.__cause__ or error) if isinstance(error, StorageInternalError) else error


def _tables_exist(error: BaseException) -> bool:
    return "already exists" in str(error) or isinstance(error, sqlalchemy.exc.IntegrityError)


def _is_away(error: BaseException, url: str) -> bool:
    """Whether the error is of a database that does not answer now."""
    cause = _cause(error)
    if url.startswith("sqlite"):  # a file cannot be away; another process may lock it for long
        return isinstance(cause, sqlalchemy.exc.OperationalError) and "locked" in str(cause)
    return isinstance(cause, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError))


def _reason(error: BaseException, url: str) -> str:
    """The first line of what the database library says, without secrets."""
    cause = _cause(error)
    return mask_in((str(cause).strip().splitlines() or [type(cause).__name__])[0], url)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _say_away(state: tenacity.RetryCallState, url: str) -> None:
    """A line on stderr, after the first of the attempts."""
    error = _failure(state)
    if state.attempt_number == 1 and error and _is_away(error, url) and not _tables_exist(error):
        text = f"the study's database does not answer ({_reason(error, url)}): trying again"
        print(f"{text} for up to {PATIENCE // 60} minutes", file=sys.stderr, flush=True)


def _repeated(method: Callable) -> Callable:
    """The method, repeated for up to PATIENCE seconds while the database is away; after that raises SystemExit."""

    @functools.wraps(method)
    def call(self: "SharedStorage", *arguments: Any, **named: Any) -> Any:
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: _is_away(error, self.url)),
            wait=tenacity.wait_random_exponential(max=10),
            stop=tenacity.stop_after_delay(PATIENCE),
            before_sleep=self._on_failed_attempt,
            reraise=True,
        )
        try:
            for attempt in attempts:
                with attempt:
                    try:
                        return method(self, *arguments, **named)
                    except UpdateFinishedTrialError:
                        if attempt.retry_state.attempt_number > 1:
                            return True  # an earlier attempt reached the database, and only its reply was lost
                        raise
        except Exception as error:
            if not _is_away(error, self.url):
                raise
            text = f"the study's database has not answered for {PATIENCE // 60} minutes"
            raise SystemExit(
                f"error: {text} ({_reason(error, self.url)}): start it, then the same command again"
            ) from None

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

    def __init__(self, url: str, make: bool = True):
        """make: whether to make the tables of an empty database."""
        self._seen: dict[int, tuple[object, float]] = {}  # trial id: its heartbeat, and when this process first saw it
        super().__init__(
            url,
            engine_kwargs=_engine_arguments(url),
            heartbeat_interval=HEARTBEAT,
            heartbeat_stale_trial_callback=functools.partial(queue_again, died=True),
            skip_table_creation=not make,
        )

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """Optuna's; on SQLite one process at a time: without row locks, two that ask at once could get one trial."""
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return super().set_trial_state_values(trial_id, state, values)
        with locked(f"{self.engine.url.database}.lock"):
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

    def _on_failed_attempt(self, state: tenacity.RetryCallState) -> None:
        self._seen = {}  # while the database is away, no process can send heartbeats
        _say_away(state, self.url)
