"""The database of a study that many processes share: calls wait while it is away, and processes that died are found.

Every command opens a study's database here. What cannot be opened or read is an InputError, whatever the database
library made of it.
"""

import contextlib
import functools
import os
import sys
import threading
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
from infogan.study.launchers import DATABASE_REACHED
from infogan.study.retry import queue_again

HEARTBEAT, GRACE = 5, 20
"""Seconds between two heartbeats of a running trial, and without one after which its process counts as dead."""
PATIENCE = 1800
"""Seconds for which calls to a database that is away are repeated."""
CONNECTING, SILENCE = 10, 60
"""Seconds after which an attempt to reach a server counts as failed, and a reply of one as lost."""
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
        if "already exists" in str(error) or isinstance(error, sqlalchemy.exc.IntegrityError):
            return state.attempt_number < 8  # two machines made the tables at once; the next attempt finds them made
        return patient and _is_away(error, url) and (state.seconds_since_start or 0) < PATIENCE

    wait, say = tenacity.wait_random_exponential(max=10), functools.partial(_say_away, url=url)
    with as_input_error(url):
        if url.startswith("sqlite") and (path := make_url(url).database):
            _check_file(Path(path), make)
        return tenacity.Retrying(retry=again, wait=wait, before_sleep=say, reraise=True)(SharedStorage, url, make)


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


def read_study(url: str, name: str | None) -> optuna.Study:
    """A study, for a report: nothing is made, and every trial has been read once. name: None for the only one.

    Raises InputError where the storage cannot be opened or read, or has no such study.
    """
    storage = open_storage(url, make=False)
    with as_input_error(url):
        names = optuna.get_all_study_names(storage)
        if name is None and len(names := [n for n in names if "-confirm-" not in n]) == 1:
            (name,) = names
        if name is None or name not in names:
            shown = f"no study {name!r} in that storage" if name else f"that storage has {len(names)} studies"
            raise InputError(f"{shown}: give the name of one of {', '.join(names) or 'none'}")
        study = optuna.load_study(study_name=name, storage=storage)
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
            advice = "make room, and the same command continues"
        elif isinstance(error, RuntimeError):  # Optuna's, of a schema of another version
            advice = "do so, or give another storage"
        elif url.startswith("sqlite"):
            advice = "check the URL; a damaged file has to be restored from a copy"
        else:
            advice = "check the URL, and that the server runs"
        raise InputError(f"cannot open the storage {mask_url(url)} ({reason}): {advice}") from None


def _engine_arguments(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 100}}
    parsed = make_url(url)
    known = parsed.get_driver_name() in DRIVERS and "connect_timeout" not in parsed.query
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECTING} if known else {}}


def _cause(error: BaseException) -> BaseException:
    return (error.__cause__ or error) if isinstance(error, StorageInternalError) else error


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
    if state.attempt_number == 1 and (error := _failure(state)) and _is_away(error, url):
        text = f"the study's database does not answer ({_reason(error, url)}): trying again"
        print(f"{text} for up to {PATIENCE // 60} minutes", file=sys.stderr, flush=True)


def _repeated(method: Callable) -> Callable:
    """The method, repeated for up to PATIENCE seconds while the database is away; after that raises SystemExit."""

    @functools.wraps(method)
    def call(self: "SharedStorage", *arguments: Any, **named: Any) -> Any:
        def once() -> Any:
            try:
                return _within(SILENCE, self.url, functools.partial(method, self, *arguments, **named))
            except UpdateFinishedTrialError:
                if attempts.statistics.get("attempt_number", 1) > 1:
                    return True  # an earlier attempt reached the database, and only its reply was lost
                raise

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: _is_away(error, self.url)),
            wait=tenacity.wait_random_exponential(max=10),
            stop=tenacity.stop_after_delay(PATIENCE),
            before_sleep=self._on_failed_attempt,
            reraise=True,
        )
        try:
            return attempts(once)
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
    ended: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            ended.append((call(), None))
        except BaseException as error:
            ended.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise sqlalchemy.exc.OperationalError("", {}, TimeoutError(f"no reply within {seconds} seconds"))
    result, error = ended[0]
    if error is not None:
        raise error
    return result


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

    def _on_failed_attempt(self, state: tenacity.RetryCallState) -> None:
        self._seen = {}  # while the database is away, no process can send heartbeats
        _say_away(state, self.url)
